/* Marks of groups: every director must come to the same, whatever the order of its file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "config/mark.h"
#include "suite.h"

#define BASE 0x4c420000u
#define MASK 0xffffu

static uint32_t random_number(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

START_TEST(a_mark_is_the_base_with_bits_of_the_mask_alone)
{
	static const char *const names[] = {"web", "dns", "mail"};
	auto_arena *arena = arena_new(0);
	uint32_t marks[COUNT_OF(names)], again[COUNT_OF(names)];

	ck_assert_int_eq(marks_settle(arena, BASE, MASK, names, COUNT_OF(names), marks), 0);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		ck_assert(mark_is_own(BASE, MASK, marks[i]));
		ck_assert_int_eq(marks_settle(arena, BASE, MASK, &names[i], 1, &again[i]), 0);
		ck_assert_uint_eq(marks[i], again[i]); /* alone or beside others */
	}
	ck_assert(!mark_is_own(BASE, MASK, 0x50) && !mark_is_own(BASE, MASK, 0x4c430000));
	ck_assert_int_eq(marks_settle(arena, 0x80, 0xff000f00, names, 1, marks), 0);
	ck_assert_uint_eq(marks[0] & ~0xff000f00u, 0x80);
}
END_TEST

START_TEST(the_mark_of_a_name_never_changes)
{
	static const char *const names[] = {"web"};
	auto_arena *arena = arena_new(0);
	uint32_t mark;

	/* directors of different versions must agree, too */
	ck_assert_int_eq(marks_settle(arena, BASE, MASK, names, 1, &mark), 0);
	ck_assert_uint_eq(mark, 0x4c42ffe8u);
}
END_TEST

/* So narrow a mask that nearly every name finds its first mark taken. */
START_TEST(collisions_are_settled_alike_in_any_order_of_the_file)
{
	enum { COUNT = 250 };
	const char *seed = getenv("LBHA_SEED");
	uint32_t state = seed ? (uint32_t)strtoul(seed, NULL, 0) : 7;
	static char texts[COUNT][16];
	const char *names[COUNT];
	uint32_t marks[COUNT], shuffled[COUNT];
	size_t order[COUNT];

	printf("LBHA_SEED=%u\n", state);
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(texts[i], sizeof(texts[i]), "s%zu-%x", i, random_number(&state));
		names[i] = texts[i];
		order[i] = i;
	}
	for (int round = 0; round < 20; round++) {
		auto_arena *arena = arena_new(0);
		const char *mixed[COUNT];

		for (size_t i = COUNT - 1; i; i--) {
			size_t j = random_number(&state) % (i + 1), kept = order[i];

			order[i] = order[j];
			order[j] = kept;
		}
		for (size_t i = 0; i < COUNT; i++)
			mixed[i] = names[order[i]];
		ck_assert_int_eq(marks_settle(arena, 0, 0x10f0f, names, COUNT, marks), 0);
		ck_assert_int_eq(marks_settle(arena, 0, 0x10f0f, mixed, COUNT, shuffled), 0);
		for (size_t i = 0; i < COUNT; i++) {
			ck_assert_uint_eq(shuffled[i], marks[order[i]]);
			ck_assert(mark_is_own(0, 0x10f0f, marks[i]));
			for (size_t j = 0; j < i; j++)
				ck_assert_uint_ne(marks[i], marks[j]);
		}
	}
}
END_TEST

START_TEST(there_are_as_many_marks_as_the_mask_has_numbers_and_0_is_none)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	auto_arena *arena = arena_new(0);
	uint32_t marks[COUNT_OF(names)];

	ck_assert_uint_eq(mark_room(BASE, 3), 4);
	ck_assert_uint_eq(mark_room(0, 3), 3);
	ck_assert_uint_eq(mark_room(0, UINT32_MAX), UINT32_MAX);
	ck_assert_int_eq(marks_settle(arena, BASE, 3, names, 4, marks), 0);
	ck_assert_int_eq(marks_settle(arena, 0, 3, names, 4, marks), -ENOSPC);
	ck_assert_int_eq(marks_settle(arena, 0, 3, names, 3, marks), 0);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_ne(marks[i], 0);
	ck_assert_int_eq(marks_settle(arena, BASE, MASK, NULL, 0, marks), 0);
}
END_TEST

START_TEST(marks_beside_others_leave_those_alone)
{
	static const char *const names[] = {"a", "b", "c"};
	auto_arena *arena = arena_new(0);
	uint32_t alone[3], beside[3], four[1];

	ck_assert_int_eq(marks_settle(arena, BASE, 7, names, 3, alone), 0);
	ck_assert_int_eq(marks_settle_beside(arena, BASE, 7, alone, 3, names, 3, beside), 0);
	for (size_t i = 0; i < 3; i++)
		for (size_t j = 0; j < 3; j++)
			ck_assert_uint_ne(alone[i], beside[j]);
	ck_assert_int_eq(marks_settle_beside(arena, BASE, 3, alone, 3, names, 2, beside), -ENOSPC);
	ck_assert_int_eq(marks_settle_beside(arena, BASE, MASK, alone, 3, names, 1, four), 0);
	ck_assert(mark_is_own(BASE, MASK, four[0]));
}
END_TEST

int main(void)
{
	return SUITE_RUN("config/mark",
			 CASE("marks", a_mark_is_the_base_with_bits_of_the_mask_alone,
			      the_mark_of_a_name_never_changes,
			      collisions_are_settled_alike_in_any_order_of_the_file,
			      there_are_as_many_marks_as_the_mask_has_numbers_and_0_is_none,
			      marks_beside_others_leave_those_alone),
			 NULL);
}
