/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the unit tests, each a program of its own. A test that defines a function
 * of vmbhost itself is linked with its own instead.
 */
#ifndef TEST_H
#define TEST_H

#include <stdbool.h>
#include <stdio.h>

static unsigned int test_passed, test_failed;
static bool test_ok;

/* Inside a test: go on, but it has failed. */
#define expect(condition)						\
do {									\
	if (!(condition)) {						\
		printf("%s:%d: not so: %s\n", __FILE__, __LINE__,	\
		       #condition);					\
		test_ok = false;					\
	}								\
} while (0)

#define run(test)							\
do {									\
	test_ok = true;							\
	test();								\
	printf("%s %s\n", test_ok ? "ok" : "FAILED", #test);		\
	if (test_ok)							\
		test_passed++;						\
	else								\
		test_failed++;						\
} while (0)

/* The last line, and the program's exit status. */
static inline int test_end(void)
{
	printf("%u passed, %u failed, 0 skipped\n", test_passed, test_failed);
	return test_failed != 0;
}

#endif
