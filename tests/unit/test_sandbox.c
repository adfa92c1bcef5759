/* core: each worker's own sandbox, entered by a process that then tries what a captured worker would. One process
 * a try, for some tries end it. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/sandbox.h"
#include "suite.h"

#define UPPER (1ul << 32) /* what the kernel does not look at in an int */

enum fate {
	DONE,    /* or failed for a reason that is not the filter's */
	REFUSED, /* EPERM */
	KILLED,
};

/* ---- tries: EPERM or not ------------------------------------------------------------------- */

static bool refused(long result)
{
	return result == -1 && errno == EPERM;
}

static bool asks_netlink(void)
{
	return refused(socket(AF_NETLINK, SOCK_RAW, 0));
}

static bool sniffs(void)
{
	return refused(socket(AF_PACKET, SOCK_RAW, 0));
}

static bool calls_out(void)
{
	return refused(socket(AF_INET, SOCK_STREAM, 0));
}

static bool asks_by_datagram(void)
{
	return refused(socket(AF_INET, SOCK_DGRAM, 0));
}

static bool opens_raw(void)
{
	return refused(socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6));
}

static bool opens_raw_by_what_the_kernel_does_not_look_at(void)
{
	return refused(syscall(SYS_socket, AF_INET | UPPER, SOCK_RAW | UPPER, IPPROTO_ICMP));
}

static bool sniffs_by_an_old_name(void)
{
	return refused(socket(AF_INET, SOCK_PACKET, 0));
}

/* The filter comes before the descriptor is looked at. */
static bool option(unsigned long level, unsigned long name)
{
	int on = 1;

	return refused(syscall(SYS_setsockopt, -1, level, name, &on, sizeof(on)));
}

static bool sends_headers_of_its_own(void)
{
	return option(IPPROTO_IP, IP_HDRINCL) && option(IPPROTO_IPV6, IPV6_HDRINCL) &&
	       option(IPPROTO_IP | UPPER, IP_HDRINCL | UPPER);
}

static bool speaks_as_anybody(void)
{
	return option(IPPROTO_IP, IP_TRANSPARENT) && option(IPPROTO_IPV6, IPV6_TRANSPARENT);
}

static bool probes(void)
{
	return option(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) || option(IPPROTO_IPV6, IPV6_RECVERR) ||
	       option(SOL_SOCKET, SO_LINGER) || option(IPPROTO_TCP, TCP_NODELAY);
}

static bool logs(void)
{
	return refused(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static bool reads_a_file(void)
{
	return refused(open("/proc/self/status", O_RDONLY));
}

static bool writes_a_file(void)
{
	return refused(open("/dev/null", O_WRONLY));
}

static bool makes_a_file(void)
{
	return refused(open("/tmp/lbha-sandbox-test", O_RDWR | O_CREAT | O_TMPFILE, 0600));
}

static bool kills_its_parent(void)
{
	return refused(kill(getppid(), 0));
}

static bool makes_memory_executable(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED &&
	       errno == EPERM;
}

static bool changes_its_user(void)
{
	return refused(setuid(getuid()));
}

static bool executes(void)
{
	char *const argv[] = {NULL};

	return refused(execve("/bin/true", argv, argv));
}

static bool traces(void)
{
	return refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static bool forks(void)
{
	return refused(syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0));
}

static void *nothing(void *ctx)
{
	return ctx;
}

static bool starts_a_thread(void)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, nothing, NULL) != 0;
}

static bool mounts(void)
{
	return refused(mount("none", "/nowhere", "tmpfs", 0, NULL));
}

static bool loads_a_program_into_the_kernel(void)
{
	return refused(syscall(SYS_bpf, 0, NULL, 0));
}

static bool leaves_its_namespaces(void)
{
	return refused(syscall(SYS_unshare, 0));
}

static bool goes_around_the_filter(void)
{
	return refused(syscall(SYS_io_uring_setup, 1, NULL));
}

static bool changes_files(void)
{
	return refused(unlink("/nowhere/x")) && refused(rename("/nowhere/x", "/nowhere/y")) &&
	       refused(symlink("x", "/nowhere/y")) && refused(chmod("/nowhere/x", 0777)) &&
	       refused(mkdir("/nowhere/x", 0777)) && refused(syscall(SYS_chown, "/nowhere/x", 0, 0));
}

static bool gets_other_rights(void)
{
	return refused(setgid(getgid())) && refused(setgroups(0, NULL)) &&
	       refused(syscall(SYS_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
}

static bool goes_before_others(void)
{
	const struct sched_param first = {.sched_priority = 50};
	const struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};

	return refused(sched_setscheduler(0, SCHED_RR, &first)) && refused(setrlimit(RLIMIT_NOFILE, &limit));
}

static bool sends_signals_by_other_ways(void)
{
	return refused(syscall(SYS_tkill, getpid(), 0)) && refused(syscall(SYS_pidfd_open, getppid(), 0)) &&
	       refused(syscall(SYS_pidfd_send_signal, -1, 0, NULL, 0)) &&
	       refused(syscall(SYS_rt_sigqueueinfo, getppid(), 0, NULL)) &&
	       refused(syscall(SYS_tgkill, getppid(), getppid(), 0));
}

static bool speaks_of_odd_families(void)
{
	return refused(socket(AF_VSOCK, SOCK_STREAM, 0)) && refused(socket(AF_ALG, SOCK_SEQPACKET, 0)) &&
	       refused(socket(AF_KEY, SOCK_RAW, 2)) && refused(socketpair(AF_UNIX, SOCK_STREAM, 0, (int[2]){0}));
}

static bool takes_clients_in(void)
{
	return refused(listen(-1, 1));
}

static bool types_for_others(void)
{
	return refused(ioctl(0, TIOCSTI, "x"));
}

static bool shares_memory(void)
{
	return refused(syscall(SYS_shmget, 0, 4096, 0600));
}

static bool gives_up_capabilities(void)
{
	return refused(syscall(SYS_capset, NULL, NULL));
}

static bool reads_another_process(void)
{
	return refused(syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0));
}

static bool takes_a_descriptor_of_another(void)
{
	return refused(syscall(SYS_pidfd_getfd, -1, 0, 0));
}

static bool loads_a_module(void)
{
	return refused(syscall(SYS_finit_module, -1, "", 0));
}

static bool changes_its_root(void)
{
	return refused(chroot("/"));
}

/* The numbers mean other calls there. */
static bool speaks_another_abi(void)
{
#ifdef __x86_64__
	return refused(syscall(0x40000000 | SYS_getpid));
#else
	return refused(execve("/", NULL, NULL));
#endif
}

static const struct attempt {
	bool (*make)(void);
	enum fate fate[SANDBOXES];
} ATTEMPTS[] = {
	/*                  compiler control check    ipvs     vrrp     exporter */
	{asks_netlink, {REFUSED, REFUSED, REFUSED, DONE, DONE, REFUSED}},
	{sniffs, {REFUSED, REFUSED, REFUSED, REFUSED, DONE, REFUSED}},
	{calls_out, {REFUSED, REFUSED, DONE, REFUSED, DONE, REFUSED}},
	{asks_by_datagram, {REFUSED, REFUSED, DONE, DONE, DONE, REFUSED}},
	{opens_raw, {REFUSED, REFUSED, REFUSED, REFUSED, DONE, REFUSED}},
	{opens_raw_by_what_the_kernel_does_not_look_at, {REFUSED, REFUSED, REFUSED, REFUSED, DONE, REFUSED}},
	{sniffs_by_an_old_name, {REFUSED, REFUSED, REFUSED, REFUSED, DONE, REFUSED}},
	{sends_headers_of_its_own, {REFUSED, REFUSED, REFUSED, DONE, DONE, REFUSED}},
	{speaks_as_anybody, {REFUSED, REFUSED, REFUSED, DONE, DONE, REFUSED}},
	{probes, {REFUSED, REFUSED, DONE, DONE, DONE, REFUSED}},
	{logs, {DONE, DONE, DONE, DONE, DONE, DONE}},
	{reads_a_file, {DONE, REFUSED, DONE, DONE, DONE, REFUSED}},
	{writes_a_file, {REFUSED, REFUSED, REFUSED, DONE, DONE, REFUSED}},
	{makes_a_file, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	{kills_its_parent, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	{makes_memory_executable, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	{changes_its_user, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	{changes_files, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	{gets_other_rights, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	{goes_before_others, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	{sends_signals_by_other_ways, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	{speaks_of_odd_families, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	{takes_clients_in, {REFUSED, DONE, DONE, REFUSED, REFUSED, DONE}},
	{types_for_others, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	{shares_memory, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	{gives_up_capabilities, {REFUSED, REFUSED, DONE, REFUSED, REFUSED, REFUSED}},
	{forks, {REFUSED, REFUSED, REFUSED, REFUSED, REFUSED, REFUSED}},
	{starts_a_thread, {REFUSED, REFUSED, REFUSED, REFUSED, DONE, REFUSED}},
	{executes, {KILLED, KILLED, KILLED, KILLED, KILLED, KILLED}},
	{traces, {KILLED, KILLED, KILLED, KILLED, KILLED, KILLED}},
	{reads_another_process, {KILLED, KILLED, KILLED, KILLED, KILLED, KILLED}},
	{takes_a_descriptor_of_another, {KILLED, KILLED, KILLED, KILLED, KILLED, KILLED}},
	{loads_a_module, {KILLED, KILLED, KILLED, KILLED, KILLED, KILLED}},
	{changes_its_root, {KILLED, KILLED, KILLED, KILLED, KILLED, KILLED}},
	{speaks_another_abi, {KILLED, KILLED, KILLED, KILLED, KILLED, KILLED}},
	{mounts, {KILLED, KILLED, KILLED, KILLED, KILLED, KILLED}},
	{loads_a_program_into_the_kernel, {KILLED, KILLED, KILLED, KILLED, KILLED, KILLED}},
	{leaves_its_namespaces, {KILLED, KILLED, KILLED, KILLED, KILLED, KILLED}},
	{goes_around_the_filter, {KILLED, KILLED, KILLED, KILLED, KILLED, KILLED}},
};

static enum fate fate_of(const struct attempt *attempt, enum sandbox sandbox)
{
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (!child)
		_exit(sandbox_enter(sandbox) ? 99 : attempt->make() ? REFUSED : DONE);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		ck_assert_int_eq(WTERMSIG(status), SIGSYS);
		return KILLED;
	}
	return (enum fate)WEXITSTATUS(status);
}

START_TEST(each_worker_may_do_what_it_is_for_and_no_more)
{
	for (size_t i = 0; i < sizeof(ATTEMPTS) / sizeof(*ATTEMPTS); i++)
		for (int sandbox = 0; sandbox < SANDBOXES; sandbox++)
			ck_assert_msg(fate_of(&ATTEMPTS[i], (enum sandbox)sandbox) == ATTEMPTS[i].fate[sandbox],
				      "attempt %zu in sandbox %d ends otherwise", i, sandbox);
}
END_TEST

START_TEST(an_abort_is_still_an_abort)
{
	for (int sandbox = 0; sandbox < SANDBOXES; sandbox++) {
		pid_t child = fork();
		int status;

		if (!child) {
			if (!sandbox_enter((enum sandbox)sandbox))
				abort();
			_exit(0);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert(WIFSIGNALED(status));
		ck_assert_int_eq(WTERMSIG(status), SIGABRT);
	}
}
END_TEST

START_TEST(a_compiler_gets_no_more_memory_than_any_configuration_needs)
{
	pid_t child = fork();
	int status;

	if (!child) {
		void *volatile fits = NULL, *volatile too_much; /* or clang does without */

		if (!sandbox_enter(SANDBOX_COMPILER))
			fits = malloc((size_t)1 << 30);
		too_much = malloc((size_t)5 << 30);
		_exit(!fits || too_much || errno != ENOMEM);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	pid_t child = fork();
	int status;

	if (!child)
		_exit(sandbox_enter(SANDBOX_COMPILER) == -ENOTSUP);
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 1)
		return 77; /* a sanitizer's build: skipped */
	return SUITE_RUN("sandbox",
			 CASE("sandbox", each_worker_may_do_what_it_is_for_and_no_more, an_abort_is_still_an_abort,
			      a_compiler_gets_no_more_memory_than_any_configuration_needs));
}
