/* Stands in for libFuzzer where that is not linked: runs a target over all files of a folder, and
 * then over mutations of them for a while. Everything follows from the seed, which is printed:
 * LBHA_SEED repeats a run. FUZZ_SECONDS is how long (5 with sanitizers, which see what else goes
 * unnoticed, and 1 without); FUZZ_MUTATIONS ends it after so many.
 *
 * An input that a target does not survive, or not within HANG seconds, is written to a file. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX 65536
#define FILES_MAX 1024
#define HANG 120
#define TURN 256 /* mutations between two looks at the clock */

#if defined(__SANITIZE_ADDRESS__)
#define SECONDS 5
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SECONDS 5
#endif
#endif
#ifndef SECONDS
#define SECONDS 1
#endif

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

struct input {
	uint8_t *bytes;
	size_t size;
};

static struct input corpus[FILES_MAX];
static size_t corpus_count;
static uint64_t state;
static char crash_file[128];

/* What runs just now, for the handler of the last signal. */
static const uint8_t *volatile running;
static volatile size_t running_size;

/* ---- running -------------------------------------------------------------------------------- */

static void keep_input(void)
{
	int fd = running ? open(crash_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644) : -1;
	static const char words[] = "the input is in the file ";

	if (fd < 0 || write(fd, (const void *)running, running_size) < 0)
		return;
	close(fd);
	if (write(STDERR_FILENO, words, sizeof(words) - 1) < 0 ||
	    write(STDERR_FILENO, crash_file, strlen(crash_file)) < 0 ||
	    write(STDERR_FILENO, "\n", 1) < 0)
		return;
}

static void died(int number)
{
	keep_input();
	signal(number, SIG_DFL);
	raise(number);
}

static void watch(void)
{
	static const int numbers[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};

	if (__sanitizer_set_death_callback) /* its own handlers stay in force */
		__sanitizer_set_death_callback(keep_input);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (!__sanitizer_set_death_callback || numbers[i] == SIGABRT ||
		    numbers[i] == SIGALRM)
			signal(numbers[i], died);
}

/* A copy of exact size, so that a sanitizer sees any read beyond it. */
static void run(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, size);
	running_size = size;
	running = copy;
	LLVMFuzzerTestOneInput(copy, size);
	running = NULL;
	free(copy);
}

/* ---- mutations ------------------------------------------------------------------------------ */

static size_t pick(size_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return below ? (size_t)((state >> 33) % below) : 0;
}

/* Numbers at the edge of something, in one, two or four bytes of the wire's order. */
static void put_edge(uint8_t *bytes, size_t size)
{
	static const uint32_t edges[] = {
		0,      1,      4,       8,      20,     0x7f,       0x80,       0xff,      0x100,
		0x7fff, 0x8000, 0xfff0,  0xfffe, 0xffff, 0x10000,    0x7fffffff, 0x80000000, 0xffffffff,
	};
	uint32_t value = edges[pick(sizeof(edges) / sizeof(edges[0]))];
	size_t width = (size_t)1 << pick(3), at;

	if (size < width)
		return;
	at = pick(size - width + 1);
	for (size_t i = width; i-- > 0; value >>= 8)
		bytes[at + i] = (uint8_t)value;
}

static size_t insert(uint8_t *bytes, size_t size, const uint8_t *what, size_t length)
{
	size_t at = pick(size + 1);
	uint8_t copy[64];

	if (length > sizeof(copy))
		length = sizeof(copy);
	if (size + length > INPUT_MAX)
		return size;
	memcpy(copy, what, length);
	memmove(bytes + at + length, bytes + at, size - at);
	memcpy(bytes + at, copy, length);
	return size + length;
}

static size_t take_out(uint8_t *bytes, size_t size)
{
	size_t at = pick(size), length = 1 + pick(size - at < 64 ? size - at : 64);

	if (at + length > size)
		return size;
	memmove(bytes + at, bytes + at + length, size - at - length);
	return size - length;
}

/* The end of another file behind the start of this one. */
static size_t cross(uint8_t *bytes, size_t size)
{
	const struct input *other = &corpus[pick(corpus_count)];
	size_t head = pick(size + 1), from = pick(other->size + 1), tail = other->size - from;

	if (head + tail > INPUT_MAX)
		return size;
	memcpy(bytes + head, other->bytes + from, tail);
	return head + tail;
}

static size_t mutate(uint8_t *bytes, size_t size)
{
	size_t at = pick(size);

	switch (pick(8)) {
	case 0:
		return pick(4) ? size : at; /* cut */
	case 1:
		if (size)
			bytes[at] ^= (uint8_t)(1u << pick(8));
		return size;
	case 2:
		if (size)
			bytes[at] = (uint8_t)pick(256);
		return size;
	case 3:
		if (size)
			bytes[at] = (uint8_t)(bytes[at] + 1 - 2 * pick(2));
		return size;
	case 4:
		put_edge(bytes, size);
		return size;
	case 5:
		return insert(bytes, size, bytes + at, pick(size - at + 1)); /* a piece twice */
	case 6:
		return take_out(bytes, size);
	default:
		return cross(bytes, size);
	}
}

static void mutate_and_run(void)
{
	static uint8_t changed[INPUT_MAX];
	const struct input *input = &corpus[pick(corpus_count)];
	size_t size = input->size;

	memcpy(changed, input->bytes, size);
	for (size_t times = 1 + pick(6); times; times--)
		size = mutate(changed, size);
	run(changed, size);
}

/* ---- corpus --------------------------------------------------------------------------------- */

static void load(const char *folder, const char *name)
{
	struct input *input = &corpus[corpus_count];
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	input->bytes = malloc(INPUT_MAX);
	if (!file || !input->bytes) {
		perror(path);
		exit(2);
	}
	input->size = fread(input->bytes, 1, INPUT_MAX, file);
	fclose(file);
	corpus_count++;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* By name, so that a seed means the same everywhere. */
static void load_all(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_visible, alphasort);

	for (int i = 0; i < count; i++) {
		if (corpus_count < FILES_MAX)
			load(folder, entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	if (!corpus_count) {
		fprintf(stderr, "%s: no corpus\n", folder);
		exit(2);
	}
}

/* ---- the whole ------------------------------------------------------------------------------ */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	const char *seed = getenv("LBHA_SEED"), *limit = getenv("FUZZ_MUTATIONS"),
		   *time_limit = getenv("FUZZ_SECONDS");
	unsigned long long start = seed ? strtoull(seed, NULL, 0) : (unsigned long long)time(NULL);
	unsigned long long most = limit ? strtoull(limit, NULL, 0) : UINT64_MAX, done = 0;
	double seconds = time_limit ? strtod(time_limit, NULL) : limit ? 1e9 : SECONDS, end;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER (with a corpus)\n", argv[0]);
		return 2;
	}
	load_all(argv[1]);
	printf("%s: LBHA_SEED=%llu\n", argv[1], start);
	fflush(stdout);
	snprintf(crash_file, sizeof(crash_file), "%.80s-%llu.crash", program_invocation_short_name,
		 start);
	watch();
	for (size_t i = 0; i < corpus_count; i++)
		run(corpus[i].bytes, corpus[i].size);
	state = start;
	for (end = now() + seconds; done < most && now() < end;) {
		alarm(HANG);
		for (int i = 0; i < TURN && done < most; i++, done++)
			mutate_and_run();
	}
	printf("%s: %zu files, %llu mutations of them\n", argv[1], corpus_count, done);
	for (size_t i = 0; i < corpus_count; i++)
		free(corpus[i].bytes);
	return 0;
}
