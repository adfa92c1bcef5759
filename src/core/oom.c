/* See oom.h. */
#include "core/oom.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

void oom_score_set(const char *score)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	ssize_t ignored = fd >= 0 ? write(fd, score, strlen(score)) : 0;

	(void)ignored; /* then whoever is largest is chosen */
	if (fd >= 0)
		close(fd);
}
