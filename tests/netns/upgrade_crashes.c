/* Installed in the place of lbhad: it does not live long enough to say anything. */
#include <stdlib.h>

int main(void)
{
	abort();
}
