/* Blocks in a list, bump allocation in the newest. Large requests get a block of their own size. Blocks
 * are born zero (calloc): memory fresh from the kernel is so already and is not touched twice, nor at
 * all before it is used. */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_FIRST 4096
#define BLOCK_LARGEST (1u << 20)
#define ALIGNMENT _Alignof(max_align_t)

struct block {
	struct block *next;
	size_t size, used;
	max_align_t bytes[];
};

struct arena {
	struct block *blocks;
	size_t limit, used, next_size;
	int failed;
};

struct arena *arena_new(size_t limit)
{
	struct arena *arena = calloc(1, sizeof(*arena));

	if (!arena)
		return NULL;
	arena->limit = limit;
	arena->next_size = BLOCK_FIRST;
	return arena;
}

struct arena *arena_new_small(size_t first)
{
	struct arena *arena = arena_new(0);

	if (arena && first)
		arena->next_size = first;
	return arena;
}

static void free_blocks(struct arena *arena)
{
	while (arena->blocks) {
		struct block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
}

void arena_free(struct arena *arena)
{
	if (!arena)
		return;
	free_blocks(arena);
	free(arena);
}

/* Several blocks become one as large as all of them, when it is needed. */
void arena_reset(struct arena *arena)
{
	struct block *block = arena->blocks;
	size_t size = 0;

	arena->used = 0;
	arena->failed = 0;
	if (block && !block->next) {
		memset(block->bytes, 0, block->used);
		block->used = 0;
		return;
	}
	for (; block; block = block->next)
		size += block->size;
	if (size > arena->next_size)
		arena->next_size = size;
	free_blocks(arena);
}

void arena_freep(struct arena **arena)
{
	arena_free(*arena);
}

static struct block *block_add(struct arena *arena, size_t size)
{
	size_t room = size > arena->next_size ? size : arena->next_size;
	struct block *block = calloc(1, sizeof(*block) + room);

	if (!block)
		return NULL;
	block->size = room;
	block->next = arena->blocks;
	arena->blocks = block;
	if (arena->next_size < BLOCK_LARGEST)
		arena->next_size *= 2;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	struct block *block = arena->blocks;
	size_t rounded = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	void *out;

	if (rounded < size || (arena->limit && rounded > arena->limit - arena->used))
		goto fail;
	if (!block || block->size - block->used < rounded)
		block = block_add(arena, rounded);
	if (!block)
		goto fail;
	out = (char *)block->bytes + block->used;
	block->used += rounded;
	arena->used += rounded;
	return out;
fail:
	arena->failed = 1;
	return NULL;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size) {
		arena->failed = 1;
		return NULL;
	}
	return arena_alloc(arena, count * size);
}

void *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
	void *out = arena_alloc(arena, size);

	return out && size ? memcpy(out, bytes, size) : out;
}

char *arena_text(struct arena *arena, const char *bytes, size_t length)
{
	char *out = arena_alloc(arena, length + 1);

	return out && length ? memcpy(out, bytes, length) : out;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_text(arena, text, strlen(text));
}

char *arena_vprintf(struct arena *arena, const char *format, va_list list)
{
	va_list again;
	char *out = NULL;
	int length;

	va_copy(again, list);
	length = vsnprintf(NULL, 0, format, list);
	if (length >= 0)
		out = arena_alloc(arena, (size_t)length + 1);
	if (out)
		vsnprintf(out, (size_t)length + 1, format, again);
	va_end(again);
	return out;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list list;
	char *out;

	va_start(list, format);
	out = arena_vprintf(arena, format, list);
	va_end(list);
	return out;
}

/* The array is full when its count is a power of two (or zero). */
void *arena_push(struct arena *arena, void *items, size_t *count, size_t size)
{
	void **array = items, *grown;

	if ((*count & (*count - 1)) == 0) {
		grown = arena_array(arena, *count ? *count * 2 : 1, size);
		if (!grown)
			return NULL;
		if (*count)
			memcpy(grown, *array, *count * size);
		*array = grown;
	}
	return (char *)*array + (*count)++ * size;
}

int arena_failed(const struct arena *arena)
{
	return arena->failed;
}

size_t arena_used(const struct arena *arena)
{
	return arena->used;
}
