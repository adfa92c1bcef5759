/* Preloaded: whom this machine's own files do not name is asked of a directory that never answers. */
#include <dlfcn.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

static void *or_hang(void *found)
{
	while (!found)
		pause();
	return found;
}

/* NOLINTBEGIN: the C library's names */
struct passwd *getpwnam(const char *name)
{
	struct passwd *(*real)(const char *);
	void *symbol = dlsym(RTLD_NEXT, "getpwnam");

	memcpy(&real, &symbol, sizeof(real));
	return or_hang(real(name));
}

struct passwd *getpwuid(uid_t uid)
{
	struct passwd *(*real)(uid_t);
	void *symbol = dlsym(RTLD_NEXT, "getpwuid");

	memcpy(&real, &symbol, sizeof(real));
	return or_hang(real(uid));
}

struct group *getgrnam(const char *name)
{
	struct group *(*real)(const char *);
	void *symbol = dlsym(RTLD_NEXT, "getgrnam");

	memcpy(&real, &symbol, sizeof(real));
	return or_hang(real(name));
}
/* NOLINTEND */
