/* Stands in for libFuzzer where that is not linked: runs a target over all files of a folder, and
 * over mutations of them (bytes changed, cut, doubled) from a printed seed. LBHA_SEED repeats a
 * run, FUZZ_MUTATIONS sets how many. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INPUT_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static uint64_t state;

static uint32_t pick(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((state >> 33) % below);
}

/* A copy of exact size, so that a sanitizer sees any read beyond it. */
static void run(const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	memcpy(copy, bytes, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static size_t mutate(uint8_t *bytes, size_t size)
{
	switch (pick(4)) {
	case 0:
		return size ? pick((uint32_t)size) : 0;
	case 1:
		if (size * 2 <= INPUT_MAX) {
			memcpy(bytes + size, bytes, size);
			return size * 2;
		}
		return size;
	case 2:
		if (size)
			bytes[pick((uint32_t)size)] = (uint8_t)(1u << pick(8));
		return size;
	default:
		if (size)
			bytes[pick((uint32_t)size)] = (uint8_t)pick(256);
		return size;
	}
}

static int run_file(const char *path, unsigned mutations)
{
	static uint8_t input[INPUT_MAX], changed[INPUT_MAX];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		return -1;
	}
	size = fread(input, 1, sizeof(input), file);
	fclose(file);
	run(input, size);
	for (unsigned i = 0; i < mutations; i++) {
		size_t length = size;

		memcpy(changed, input, size);
		for (uint32_t times = 1 + pick(4); times; times--)
			length = mutate(changed, length);
		run(changed, length);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *seed = getenv("LBHA_SEED"), *mutations = getenv("FUZZ_MUTATIONS");
	unsigned count = mutations ? (unsigned)strtoul(mutations, NULL, 0) : 2000, files = 0;
	unsigned long long start = seed ? strtoull(seed, NULL, 0) : (unsigned long long)time(NULL);
	struct dirent *entry;
	char path[4096];
	DIR *folder;

	if (argc != 2 || !(folder = opendir(argv[1]))) {
		fprintf(stderr, "usage: %s FOLDER (with a corpus)\n", argv[0]);
		return 2;
	}
	printf("%s: LBHA_SEED=%llu\n", argv[1], start);
	fflush(stdout);
	state = start;
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
		if (run_file(path, count) < 0)
			return 1;
		files++;
	}
	closedir(folder);
	printf("%s: %u files, %u mutations of each\n", argv[1], files, count);
	return files ? 0 : 1;
}
