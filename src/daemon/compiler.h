/* The compiler: a process without rights that lives for one load. It gets the main file as a descriptor, asks the
 * supervisor for what that includes, and gives one sealed slice per worker, or all the errors. */
#ifndef LBHA_DAEMON_COMPILER_H
#define LBHA_DAEMON_COMPILER_H

/* The compiler's own program (lbhad --worker compiler); its exit status. */
int compiler_main(void);

#endif
