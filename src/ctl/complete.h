/* What may stand next on a command line, for the completion of shells (etc/completion): `lbhactl --complete WORD…`, the last
 * of them in part. Prints a line for each, with what it is behind a tab; ":files" means names of files. Quick, and silent when no
 * lbhad answers. */
#ifndef LBHA_CTL_COMPLETE_H
#define LBHA_CTL_COMPLETE_H

void complete_print(int count, char *const *words);

#endif
