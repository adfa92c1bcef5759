/* syscall-fault ORDER REPORT COMMAND…: runs a daemon and fails one of its system calls, for tests.
 *
 * It traces (ptrace) all that COMMAND starts, knows its processes by their role (`--worker ROLE` on the command line,
 * else "supervisor"; "child" between fork and exec; "other" for foreign programs) and counts the calls of one role that
 * can fail in earnest: the rows of CALLS. The threads of a process count as one. A call that is to fail is not executed:
 * at its entry it becomes getpid(2), which every sandbox allows, and at its exit the error takes the place of the result.
 *
 * ORDER is a file with one line, read at the start if it is there, and at each SIGRTMIN, which counts from one again:
 *
 *     ROLE NUMBER ERROR TIMES [CALL [FIRST [THIRD]]]
 *
 * says that the NUMBERth call (0: none, only count) and TIMES-1 after it fail. ERROR is a name (ENOMEM) or a number that
 * picks one of those that fit the call. With CALL only calls of that name count, with FIRST and THIRD only those with
 * these arguments (-1: any), as the family and the protocol of socket(2). SIGRTMIN+1 ends the order. REPORT gets lines,
 * one write each, behind what is in it:
 *
 *     armed ROLE NUMBER · failed ROLE NUMBER CALL ERROR · counted ROLE CALLS
 *
 * All other signals go on to COMMAND; its exit status is ours, once nothing of it is left. If we are killed, so is it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TRACEES 512
#define OPTIONS                                                                                                        \
	(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |   \
	 PTRACE_O_TRACEEXEC)

struct call {
	long number;
	const char *name;
	int errors[4];
};

#define CALL(name, ...) {SYS_##name, #name, {__VA_ARGS__}}

/* What can fail on a machine that is short of something, and how. */
static const struct call CALLS[] = {
	CALL(openat, EMFILE, ENOMEM, EIO, ENFILE),
	CALL(read, EIO, EINTR, ENOMEM),
	CALL(pread64, EIO, EINTR, ENOMEM),
	CALL(readv, EIO, EINTR, ENOMEM),
	CALL(write, ENOSPC, EIO, EINTR, EAGAIN),
	CALL(writev, ENOSPC, EIO, EINTR),
	CALL(pwrite64, ENOSPC, EIO, EINTR),
	CALL(ftruncate, ENOSPC, EIO, EINTR),
	CALL(fsync, EIO, ENOSPC),
	CALL(fdatasync, EIO, ENOSPC),
	CALL(mkdir, ENOSPC, EROFS, ENOMEM),
	CALL(mkdirat, ENOSPC, EROFS, ENOMEM),
	CALL(rename, ENOSPC, EIO, EROFS),
	CALL(renameat, ENOSPC, EIO, EROFS),
	CALL(renameat2, ENOSPC, EIO, EROFS),
	CALL(unlinkat, EIO, EROFS),
	CALL(fchown, EIO, EPERM),
	CALL(chown, EIO, EPERM),
	CALL(fchmod, EIO, EPERM),
	CALL(fstat, ENOMEM, EIO),
	CALL(newfstatat, ENOMEM, EIO),
	CALL(getdents64, EIO, ENOMEM),
	CALL(flock, EINTR, ENOLCK),
	CALL(lseek, EIO),
	CALL(memfd_create, EMFILE, ENOMEM),
	CALL(mmap, ENOMEM),
	CALL(mremap, ENOMEM),
	CALL(mprotect, ENOMEM),
	CALL(mlockall, EPERM, ENOMEM, EAGAIN),
	CALL(socket, EMFILE, ENOBUFS, ENOMEM, EPERM),
	CALL(socketpair, EMFILE, ENOMEM, ENFILE),
	CALL(bind, ENOMEM, EADDRINUSE),
	CALL(listen, EADDRINUSE, ENOMEM),
	CALL(connect, ENOMEM, EINTR, ENOBUFS),
	CALL(accept4, EMFILE, ENOBUFS, EINTR, ECONNABORTED),
	CALL(setsockopt, ENOMEM, ENOBUFS, EPERM),
	CALL(getsockopt, ENOBUFS),
	CALL(getsockname, ENOBUFS),
	CALL(sendto, ENOBUFS, EAGAIN, ENOMEM, EINTR),
	CALL(sendmsg, ENOBUFS, EAGAIN, ENOMEM, EINTR),
	CALL(sendmmsg, ENOBUFS, EAGAIN, ENOMEM, EINTR),
	CALL(recvfrom, ENOBUFS, EAGAIN, ENOMEM, EINTR),
	CALL(recvmsg, ENOBUFS, EAGAIN, ENOMEM, EINTR),
	CALL(recvmmsg, ENOBUFS, EAGAIN, ENOMEM, EINTR),
	CALL(epoll_create1, EMFILE, ENOMEM),
	CALL(epoll_ctl, ENOMEM, ENOSPC),
	CALL(poll, EINTR, ENOMEM),
	CALL(ppoll, EINTR, ENOMEM),
	CALL(eventfd2, EMFILE, ENOMEM),
	CALL(pipe2, EMFILE, ENFILE),
	CALL(timerfd_create, EMFILE, ENOMEM),
	CALL(fcntl, EMFILE, ENOMEM),
	CALL(dup2, EMFILE, EINTR),
	CALL(clone, EAGAIN, ENOMEM),
	CALL(clone3, EAGAIN, ENOMEM),
	CALL(fork, EAGAIN, ENOMEM),
	CALL(execve, ENOMEM, EIO, EAGAIN),
	CALL(execveat, ENOMEM, EIO, EAGAIN),
	CALL(pidfd_open, EMFILE, ENOMEM),
	CALL(setpgid, EPERM),
	CALL(setresuid, EAGAIN, EPERM),
	CALL(setresgid, EPERM),
	CALL(setgroups, ENOMEM, EPERM),
	CALL(capset, EPERM),
	CALL(prctl, EPERM, ENOMEM),
	CALL(seccomp, ENOMEM, EACCES),
	CALL(prlimit64, EPERM),
	CALL(sched_setscheduler, EPERM),
};

static const struct {
	const char *name;
	int number;
} ERRORS[] = {
#define ERROR(name) {#name, name}
	ERROR(EPERM), ERROR(EINTR), ERROR(EIO), ERROR(EAGAIN), ERROR(ENOMEM), ERROR(EACCES), ERROR(ENFILE),
	ERROR(EMFILE), ERROR(ENOSPC), ERROR(EROFS), ERROR(ENOLCK), ERROR(EADDRINUSE), ERROR(ENOBUFS), ERROR(ENODEV),
	ERROR(ENOENT), ERROR(EINVAL), ERROR(ENOSYS), ERROR(EBUSY), ERROR(EOPNOTSUPP), ERROR(EPROTONOSUPPORT),
	ERROR(EAFNOSUPPORT), ERROR(ECONNABORTED), ERROR(ENETDOWN), ERROR(EHOSTUNREACH),
};

struct tracee {
	pid_t tid, process;
	char role[32];
	int failing; /* the error of the call that it is in; 0: none */
};

struct order {
	char role[32], error[24], call[32];
	unsigned long number, times, counted;
	long first, third; /* arguments; ANY */
};

#define ANY (-1)

static struct tracee tracees[TRACEES];
static struct order order;
static const char *order_path;
static int report_fd;
static pid_t command;
static int command_status;

/* ---- words -------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 1, 2))) static void report(const char *format, ...)
{
	char line[256];
	va_list list;
	int length;

	va_start(list, format);
	length = vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	if (write(report_fd, line, (size_t)length) != length)
		perror("syscall-fault: report");
}

static const char *error_name(int number)
{
	for (size_t i = 0; i < COUNT(ERRORS); i++)
		if (ERRORS[i].number == number)
			return ERRORS[i].name;
	return "?";
}

static int error_of(const struct call *call)
{
	size_t fitting = 0;

	for (size_t i = 0; i < COUNT(ERRORS); i++)
		if (!strcmp(ERRORS[i].name, order.error))
			return ERRORS[i].number;
	while (fitting < COUNT(call->errors) && call->errors[fitting])
		fitting++;
	return call->errors[strtoul(order.error, NULL, 10) % fitting];
}

static const struct call *call_of(long number)
{
	for (size_t i = 0; i < COUNT(CALLS); i++)
		if (CALLS[i].number == number)
			return &CALLS[i];
	return NULL;
}

static void order_read(void)
{
	FILE *file = fopen(order_path, "re");

	order = (struct order){.times = 1, .first = ANY, .third = ANY};
	if (!file)
		return;
	if (fscanf(file, "%31s %lu %23s %lu %31s %ld %ld", order.role, &order.number, order.error, &order.times,
		   order.call, &order.first, &order.third) < 4)
		fprintf(stderr, "syscall-fault: what is in %s is no order\n", order_path);
	fclose(file);
	report("armed %s %lu\n", order.role, order.number);
}

static void order_end(void)
{
	if (order.role[0])
		report("counted %s %lu\n", order.role, order.counted);
	order = (struct order){0};
}

/* ---- who is who --------------------------------------------------------------------------------------------- */

static size_t proc_read(pid_t tid, const char *what, char *out, size_t size)
{
	char path[64];
	int fd;
	ssize_t got;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)tid, what);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = fd < 0 ? -1 : read(fd, out, size - 1);
	if (fd >= 0)
		close(fd);
	got = got < 0 ? 0 : got;
	out[got] = '\0';
	return (size_t)got;
}

static struct tracee *tracee_find(pid_t tid)
{
	for (size_t i = 0; i < TRACEES; i++)
		if (tracees[i].tid == tid)
			return &tracees[i];
	return NULL;
}

static long status_field(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	return at ? strtol(at + strlen(name), NULL, 10) : 0;
}

/* A thread has the role of its process, the child of a supervisor is "child", any other's is as its parent. */
static struct tracee *tracee_add(pid_t tid)
{
	struct tracee *it = tracee_find(0), *parent;
	char status[4096];

	if (!it) {
		fprintf(stderr, "syscall-fault: more than %d threads\n", TRACEES);
		exit(99);
	}
	proc_read(tid, "status", status, sizeof(status));
	*it = (struct tracee){.tid = tid, .process = (pid_t)status_field(status, "\nTgid:"), .role = "supervisor"};
	if (tid == command)
		return it;
	parent = tracee_find(it->process == tid ? (pid_t)status_field(status, "\nPPid:") : it->process);
	snprintf(it->role, sizeof(it->role), "%s", parent ? parent->role : "other");
	if (it->process == tid && !strcmp(it->role, "supervisor"))
		snprintf(it->role, sizeof(it->role), "child");
	return it;
}

static void role_after_exec(struct tracee *it)
{
	char line[4096];
	size_t size = proc_read(it->tid, "cmdline", line, sizeof(line)), at = strlen(line) + 1;

	snprintf(it->role, sizeof(it->role), it->tid == command ? "supervisor" : "other");
	for (; at < size; at += strlen(line + at) + 1)
		if (!strcmp(line + at, "--worker"))
			snprintf(it->role, sizeof(it->role), "%.31s", line + at + sizeof("--worker"));
}

/* ---- calls --------------------------------------------------------------------------------------------------- */

#ifdef __x86_64__
static void number_set(pid_t tid, long number)
{
	ptrace(PTRACE_POKEUSER, tid, offsetof(struct user_regs_struct, orig_rax), number);
}

static void result_set(pid_t tid, long result)
{
	ptrace(PTRACE_POKEUSER, tid, offsetof(struct user_regs_struct, rax), result);
}
#else
static void number_set(pid_t tid, long number)
{
	(void)tid;
	(void)number;
	fputs("syscall-fault: this processor's registers are unknown to it\n", stderr);
	exit(77);
}
#define result_set number_set
#endif

/* What is no file (an eventfd, a pipe to itself) is in memory already. */
static bool is_file(pid_t tid, uint64_t fd)
{
	char link[64], target[2];

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)tid, (int)fd);
	return readlink(link, target, sizeof(target)) > 0 && target[0] == '/';
}

/* Of epoll_ctl only the first interest in a descriptor needs memory, of fcntl only a duplicate a place. */
static bool can_fail(pid_t tid, const struct call *call, const uint64_t *arguments)
{
	if (call->number == SYS_epoll_ctl)
		return arguments[1] == EPOLL_CTL_ADD;
	if (call->number == SYS_fcntl)
		return arguments[1] == F_DUPFD || arguments[1] == F_DUPFD_CLOEXEC;
	return (call->number != SYS_read && call->number != SYS_write) || is_file(tid, arguments[0]);
}

static bool is_ordered(const struct call *call, const uint64_t *arguments)
{
	return (!order.call[0] || !strcmp(order.call, call->name)) &&
	       (order.first == ANY || (int)arguments[0] == order.first) &&
	       (order.third == ANY || (int)arguments[2] == order.third);
}

static void call_entered(struct tracee *it, long number, const uint64_t *arguments)
{
	const struct call *call = call_of(number);

	if (!call || !is_ordered(call, arguments) || !can_fail(it->tid, call, arguments))
		return;
	order.counted++;
	if (!order.number || order.counted < order.number || order.counted >= order.number + order.times)
		return;
	it->failing = error_of(call);
	number_set(it->tid, SYS_getpid);
	report("failed %s %lu %s %s\n", it->role, order.counted, call->name, error_name(it->failing));
}

static void call_stop(struct tracee *it)
{
	struct __ptrace_syscall_info info = {0};

	if (ptrace(PTRACE_GET_SYSCALL_INFO, it->tid, sizeof(info), &info) <= 0)
		return;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY && !strcmp(order.role, it->role)) {
		call_entered(it, (long)info.entry.nr, info.entry.args);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && it->failing) {
		result_set(it->tid, -it->failing);
		it->failing = 0;
	}
}

/* ---- stops --------------------------------------------------------------------------------------------------- */

static void go_on(const struct tracee *it, int with)
{
	bool watched = it->failing || !strcmp(order.role, it->role);

	ptrace(watched ? PTRACE_SYSCALL : PTRACE_CONT, it->tid, 0, with);
}

static bool is_group_stop(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
}

static void stopped(struct tracee *it, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	if (event == PTRACE_EVENT_STOP && is_group_stop(signal)) {
		ptrace(PTRACE_LISTEN, it->tid, 0, 0);
		return;
	}
	if (event == PTRACE_EVENT_EXEC)
		role_after_exec(it);
	if (signal == (SIGTRAP | 0x80))
		call_stop(it);
	go_on(it, event || signal == (SIGTRAP | 0x80) ? 0 : signal);
}

/* False when nobody is left. */
static bool changes(void)
{
	int status;
	pid_t tid;

	while ((tid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		struct tracee *it = tracee_find(tid);

		if (tid == command && !WIFSTOPPED(status))
			command_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (!it && WIFSTOPPED(status))
			it = tracee_add(tid);
		if (it && WIFSTOPPED(status))
			stopped(it, status);
		else if (it)
			*it = (struct tracee){0};
	}
	return tid == 0;
}

/* Those of the role may wait in a call, where no stop would show the next one. */
static void arm(void)
{
	order_read();
	for (size_t i = 0; i < TRACEES; i++)
		if (tracees[i].tid && !strcmp(tracees[i].role, order.role))
			ptrace(PTRACE_INTERRUPT, tracees[i].tid, 0, 0);
}

static void told(int signal)
{
	if (signal == SIGRTMIN)
		arm();
	else if (signal == SIGRTMIN + 1)
		order_end();
	else if (signal != SIGCHLD)
		kill(command, signal);
}

/* Waits until it is seized: not a call of the command's is missed. */
static pid_t start(char **words)
{
	int gate[2];
	char byte;
	pid_t pid;

	if (pipe2(gate, O_CLOEXEC) || (pid = fork()) < 0) {
		perror("syscall-fault");
		exit(99);
	}
	if (!pid) {
		sigset_t none;

		close(gate[1]);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		if (read(gate[0], &byte, 1) == 0)
			execvp(words[0], words);
		fprintf(stderr, "syscall-fault: %s: %s\n", words[0], strerror(errno));
		_exit(99);
	}
	command = pid;
	if (ptrace(PTRACE_SEIZE, pid, 0, OPTIONS)) {
		perror("syscall-fault: seize");
		kill(pid, SIGKILL);
		exit(99);
	}
	tracee_add(pid);
	order_read();
	close(gate[0]);
	close(gate[1]);
	return pid;
}

int main(int argc, char **argv)
{
	sigset_t all;
	int signal;

	if (argc < 4) {
		fputs("usage: syscall-fault ORDER REPORT COMMAND…\n", stderr);
		return 2;
	}
	order_path = argv[1];
	report_fd = open(argv[2], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (report_fd < 0) {
		perror(argv[2]);
		return 2;
	}
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	start(argv + 3);
	do
		if (sigwait(&all, &signal) == 0)
			told(signal);
	while (changes());
	order_end();
	return command_status;
}
