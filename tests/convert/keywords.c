/* For check-convert: what becomes of each keyword, as the rows of the guide's tables. */
#include <stdio.h>
#include <string.h>

#include "convert/ka_import.h"

static void row(const struct ka_keyword *keyword)
{
	if (keyword->key && keyword->remark)
		printf("| %s | `%s` | %s; %s |\n", keyword->block, keyword->keyword, keyword->key, keyword->remark);
	else
		printf("| %s | `%s` | %s |\n", keyword->block, keyword->keyword,
		       keyword->key ? keyword->key : keyword->remark);
}

int main(int argc, char **argv)
{
	int wants_keys = argc > 1 && !strcmp(argv[1], "keys");
	struct ka_keyword keyword;

	puts("| in | keyword | lbha.conf |\n|---|---|---|");
	for (size_t i = 0; ka_keyword(i, &keyword); i++)
		if (wants_keys ? keyword.key != NULL : !keyword.key && keyword.remark)
			row(&keyword);
	return 0;
}
