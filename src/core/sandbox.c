/* Lists by what they are for, added up by role. Rules on arguments look at the lower half of an int only, as the
 * kernel does. */
#include "core/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "core/log.h"

#ifdef __has_feature /* clang */
#define SANITIZED (__has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer))
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

#define END (-1000) /* libseccomp numbers calls that an architecture lacks from -1 down, and those it does not know -1 */

/* ---- lists ---------------------------------------------------------------------------------- */

/* For anything that computes, reads and writes what it has, and ends. */
static const int BASE[] = {
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	SCMP_SYS(read), SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(pwrite64),
	SCMP_SYS(pwritev2),
	SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(fcntl), SCMP_SYS(fstat), SCMP_SYS(newfstatat),
	SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(select), SCMP_SYS(pselect6), /* libnftables */
	SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid),
	SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(uname),
	SCMP_SYS(futex), SCMP_SYS(rseq), SCMP_SYS(set_robust_list), SCMP_SYS(membarrier), SCMP_SYS(sched_yield),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
	END,
};

/* For a loop and its timers. */
static const int LOOP[] = {
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait), SCMP_SYS(epoll_pwait),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime), SCMP_SYS(eventfd2), SCMP_SYS(pipe2),
	END,
};

/* On sockets that are there, or that socket(2) gives. */
static const int TALK[] = {
	SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(sendto), SCMP_SYS(recvfrom), SCMP_SYS(sendmmsg),
	SCMP_SYS(recvmmsg), SCMP_SYS(shutdown), SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(getsockopt),
	END,
};

/* For whom clients come in. */
static const int SERVE[] = {SCMP_SYS(accept4), SCMP_SYS(listen), END};

/* For who hands memory over: slices of a configuration, a carry. */
static const int SEAL[] = {SCMP_SYS(memfd_create), END};

/* For the look into /proc. */
static const int LIST[] = {
	SCMP_SYS(getdents64), SCMP_SYS(readlinkat), SCMP_SYS(statx), SCMP_SYS(fstatfs), SCMP_SYS(access),
	SCMP_SYS(faccessat), END,
};

/* For giving capabilities up. */
static const int RIGHTS[] = {SCMP_SYS(capget), SCMP_SYS(capset), END};

/* These end the process. */
static const int DEADLY[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(move_mount), SCMP_SYS(open_tree), SCMP_SYS(fsopen),
	SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(unshare), SCMP_SYS(setns),
	SCMP_SYS(init_module), SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(bpf), SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup),
	SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(reboot), SCMP_SYS(swapon),
	END,
};

enum opening {
	OPENS_NOTHING,
	OPENS_TO_READ,
	OPENS_TO_WRITE, /* sysctls are files */
};

struct pair {
	int first, second;
};

#define ANY (-1)

/* Options of sockets, by level. With CAP_NET_RAW others (IP_TRANSPARENT) would let a prober speak as anybody, and a
 * raw socket that was handed to it (check/echo_io.h) send headers of its own (IP_HDRINCL). */
static const struct pair PROBING[] = {
	{SOL_SOCKET, ANY},	   {IPPROTO_TCP, ANY},
	{IPPROTO_IP, IP_RECVERR},  {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT}, {IPPROTO_IP, IP_PKTINFO},
	{IPPROTO_IPV6, IPV6_RECVERR}, {IPPROTO_IPV6, IPV6_RECVPKTINFO},	  {END, END},
};
static const struct pair ANY_OPTION[] = {{ANY, ANY}, {END, END}};

struct confinement {
	const int *lists[8];
	struct pair sockets[6]; /* family and type; AF_UNSPEC ends them */
	const struct pair *options; /* of sockets */
	enum opening opening;
	bool names_links; /* if_nametoindex(3) and back */
	bool counts_bytes; /* that wait to be read: libevent's buffers */
	bool loads_libraries; /* dlopen(3) */
	bool starts_threads;
	size_t memory; /* bytes that it may map; 0: any number */
	bool has_secrets; /* what of it must not lie in a core file, nor be read by another process of its user */
};

/* AF_UNIX is for syslog(3), and in the check worker for the way into a tunnel (check/http_tunnel_io.h). */
static const struct confinement SANDBOX[SANDBOXES] = {
	[SANDBOX_COMPILER] = {.lists = {BASE, SEAL, TALK, LIST},
			      .sockets = {{AF_UNIX, ANY}},
			      .opening = OPENS_TO_READ,
			      .loads_libraries = true,
			      .memory = (size_t)4 << 30,
			      .has_secrets = true},
	[SANDBOX_CONTROL] = {.lists = {BASE, LOOP, TALK, SEAL, SERVE}, .sockets = {{AF_UNIX, ANY}}},
	[SANDBOX_CHECK] = {.lists = {BASE, LOOP, TALK, SEAL, SERVE, LIST, RIGHTS},
			   .sockets = {{AF_UNIX, ANY},
				       {AF_INET, SOCK_STREAM},
				       {AF_INET, SOCK_DGRAM},
				       {AF_INET6, SOCK_STREAM},
				       {AF_INET6, SOCK_DGRAM}},
			   .options = PROBING,
			   .opening = OPENS_TO_READ,
			   .names_links = true,
			   .has_secrets = true},
	[SANDBOX_IPVS] = {.lists = {BASE, LOOP, TALK, SEAL, LIST},
			  .sockets = {{AF_UNIX, ANY}, {AF_NETLINK, ANY}, {AF_INET, SOCK_DGRAM}},
			  .options = ANY_OPTION,
			  .opening = OPENS_TO_WRITE,
			  .names_links = true,
			  .loads_libraries = true},
	[SANDBOX_VRRP] = {.lists = {BASE, LOOP, TALK, SEAL, LIST},
			  .sockets = {{AF_UNIX, ANY},
				      {AF_NETLINK, ANY},
				      {AF_INET, ANY},
				      {AF_INET6, ANY},
				      {AF_PACKET, ANY}},
			  .options = ANY_OPTION,
			  .opening = OPENS_TO_WRITE,
			  .names_links = true,
			  .loads_libraries = true,
			  .starts_threads = true,
			  .has_secrets = true},
	[SANDBOX_EXPORTER] = {.lists = {BASE, LOOP, TALK, SERVE},
			      .sockets = {{AF_UNIX, ANY}},
			      .counts_bytes = true},
};

/* ---- rules ---------------------------------------------------------------------------------- */

/* The first error of a row of rules; nothing is added after it. */
struct rules {
	scmp_filter_ctx filter;
	int error;
};

static void allow(struct rules *rules, int call)
{
	if (!rules->error)
		rules->error = seccomp_rule_add(rules->filter, SCMP_ACT_ALLOW, call, 0);
}

/* When these bits of an argument are so. */
static void allow_with(struct rules *rules, int call, unsigned argument, uint32_t mask, uint32_t bits)
{
	if (!rules->error)
		rules->error = seccomp_rule_add(rules->filter, SCMP_ACT_ALLOW, call, 1,
						SCMP_CMP64(argument, SCMP_CMP_MASKED_EQ, mask, bits));
}

#define INT UINT32_MAX /* what the kernel looks at of an int */
#define SOCKET_TYPE 0xf /* without SOCK_CLOEXEC and SOCK_NONBLOCK */

/* When two arguments are so; ANY: whatever they are. */
static void allow_pair(struct rules *rules, int call, const struct pair *pair, const unsigned *arguments,
		       uint32_t second_mask)
{
	struct scmp_arg_cmp compare[2];
	unsigned count = 0;

	if (pair->first != ANY)
		compare[count++] =
			SCMP_CMP64(arguments[0], SCMP_CMP_MASKED_EQ, INT, (uint32_t)pair->first);
	if (pair->second != ANY)
		compare[count++] =
			SCMP_CMP64(arguments[1], SCMP_CMP_MASKED_EQ, second_mask, (uint32_t)pair->second);
	if (!rules->error)
		rules->error = seccomp_rule_add_array(rules->filter, SCMP_ACT_ALLOW, call, count, compare);
}

static void allow_sockets(struct rules *rules, const struct confinement *it)
{
	static const unsigned family_and_type[] = {0, 1}, level_and_name[] = {1, 2};

	for (size_t i = 0; i < COUNT_OF(it->sockets) && it->sockets[i].first; i++)
		allow_pair(rules, SCMP_SYS(socket), &it->sockets[i], family_and_type, SOCKET_TYPE);
	for (const struct pair *one = it->options; one && one->first != END; one++)
		allow_pair(rules, SCMP_SYS(setsockopt), one, level_and_name, INT);
}

static void allow_list(struct rules *rules, const int *list)
{
	for (; *list != END; list++)
		allow(rules, *list);
}

static void kill_list(struct rules *rules, const int *list)
{
	for (; *list != END && !rules->error; list++)
		rules->error = seccomp_rule_add(rules->filter, SCMP_ACT_KILL_PROCESS, *list, 0);
}

/* Nothing that was written can be executed: of files, what a library has as code at most. */
static void allow_memory(struct rules *rules, bool of_libraries)
{
	allow_with(rules, SCMP_SYS(mmap), 2, PROT_EXEC, 0);
	allow_with(rules, SCMP_SYS(mprotect), 2, PROT_EXEC, 0);
	if (of_libraries && !rules->error)
		rules->error = seccomp_rule_add(
			rules->filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
			SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC | PROT_WRITE, PROT_EXEC),
			SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, 0));
}

/* No processes. What clone3(2) is to do stands in memory, where no rule looks: glibc takes clone(2) instead where the
 * kernel does not know it. */
static void allow_threads(struct rules *rules)
{
	allow_with(rules, SCMP_SYS(clone), 0, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM);
	if (!rules->error)
		rules->error = seccomp_rule_add(rules->filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

static void allow_opening(struct rules *rules, enum opening opening)
{
	if (opening == OPENS_TO_READ)
		allow_with(rules, SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
	if (opening == OPENS_TO_WRITE)
		allow_with(rules, SCMP_SYS(openat), 2, O_CREAT, 0);
}

/* abort(3) and raise(3): signals to itself. prlimit(2) to look at the limits, prctl(2) for names of threads. */
static void allow_itself(struct rules *rules)
{
	allow_with(rules, SCMP_SYS(tgkill), 0, INT, (uint32_t)getpid());
	if (!rules->error)
		rules->error = seccomp_rule_add(rules->filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
						SCMP_A2(SCMP_CMP_EQ, 0, 0));
}

static int make_rules(scmp_filter_ctx filter, const struct confinement *it)
{
	struct rules rules = {.filter = filter};

	for (size_t i = 0; i < COUNT_OF(it->lists) && it->lists[i]; i++)
		allow_list(&rules, it->lists[i]);
	allow_sockets(&rules, it);
	allow_memory(&rules, it->loads_libraries);
	allow_itself(&rules);
	allow_opening(&rules, it->opening);
	if (it->names_links) {
		allow_with(&rules, SCMP_SYS(ioctl), 1, INT, SIOCGIFINDEX);
		allow_with(&rules, SCMP_SYS(ioctl), 1, INT, SIOCGIFNAME);
	}
	if (it->counts_bytes)
		allow_with(&rules, SCMP_SYS(ioctl), 1, INT, FIONREAD);
	if (it->starts_threads)
		allow_threads(&rules);
	kill_list(&rules, DEADLY);
	return rules.error;
}

static int load_filter(const struct confinement *it)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int error = filter ? 0 : -ENOMEM;

	if (!error)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (!error)
		error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!error)
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1); /* kernels before 4.14 cannot */
	if (!error)
		error = make_rules(filter, it);
	if (!error)
		error = seccomp_load(filter);
	seccomp_release(filter);
	return error;
}

/* Who meets it reports that memory is short, instead of taking what the machine has. */
static void limit_memory(size_t bytes)
{
	const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};

	if (bytes && setrlimit(RLIMIT_AS, &limit))
		log_warning("memory is not limited: %s", strerror(errno));
}

int sandbox_enter(enum sandbox sandbox)
{
	if (SANITIZED)
		return -ENOTSUP;
	limit_memory(SANDBOX[sandbox].memory);
	return load_filter(&SANDBOX[sandbox]);
}

void sandbox_begin(enum sandbox sandbox)
{
	int error;

	/* not where a sanitizer looks for leaks: it traces itself */
	if (SANDBOX[sandbox].has_secrets && !SANITIZED && prctl(PR_SET_DUMPABLE, 0))
		log_warning("a crash would leave secrets in a core file: %s", strerror(errno));
	error = sandbox_enter(sandbox);
	if (error && error != -ENOTSUP)
		log_warning("no seccomp filter: %s", strerror(-error));
}
