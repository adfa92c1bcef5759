/* Running one suite per program: SUITE_MAIN(name, cases…) where a case is made by a function `static TCase *x(void)`. */
#ifndef LBHA_TESTS_SUITE_H
#define LBHA_TESTS_SUITE_H

#include <check.h>
#include <stdlib.h>

/* A fresh TCase named after a module, holding the given tests (NULL ends the list). */
static inline TCase *suite_case(const char *name, const TTest *const *tests)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 60);
	for (; *tests; tests++)
		tcase_add_test(tcase, *tests);
	return tcase;
}

#define CASE(name, ...) suite_case(name, (const TTest *const[]){__VA_ARGS__, NULL})

/* Runs the cases (NULL ends the list); the program's exit status. */
static inline int suite_run(const char *name, TCase *const *cases)
{
	Suite *suite = suite_create(name);
	SRunner *runner;
	int failed;

	for (; *cases; cases++)
		suite_add_tcase(suite, *cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define SUITE_RUN(name, ...) suite_run(name, (TCase *const[]){__VA_ARGS__, NULL})

#endif
