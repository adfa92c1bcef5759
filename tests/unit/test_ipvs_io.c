/* The kernel's IPVS as the worker handles it, as far as that needs no IPVS. */
#include <errno.h>
#include <string.h>

#include "core/loop.h"
#include "ipvs/ipvs_io.h"
#include "ipvs/ipvs_kernel_io.h"
#include "suite.h"

START_TEST(a_kernel_that_did_not_answer_is_not_waited_for_again_at_once)
{
	struct ipvs_kernel kernel = {.silent = clock_now(), .in_sync = true};
	nstime began = clock_now();

	ck_assert_int_eq(ipvs_kernel_open(&kernel), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(kernel.error, "does not answer"));
	ck_assert_int_eq(ipvs_kernel_dump(&kernel, NULL, NULL), -ETIMEDOUT);
	ck_assert(!ipvs_kernel_run(&kernel, &(struct ipvs_op){0}, 1));
	ck_assert(!kernel.in_sync);
	ck_assert(clock_now() - began < NSTIME_S);
	kernel.silent = clock_now() - IPVS_IO_PATIENCE;
	ck_assert_int_ne(ipvs_kernel_open(&kernel), -ETIMEDOUT);
	ck_assert_int_eq(kernel.silent, 0);
	ipvs_kernel_close(&kernel);
}
END_TEST

int main(void)
{
	return SUITE_RUN("ipvs io", CASE("kernel", a_kernel_that_did_not_answer_is_not_waited_for_again_at_once));
}
