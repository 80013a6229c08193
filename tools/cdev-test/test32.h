/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of cdev-test32, which has no library.
 */
#ifndef CDEV_TEST32_H
#define CDEV_TEST32_H

/* compat32.c: a system call, which returns a negative errno */
long call5(long number, long a, long b, long c, long d, long e);

static inline long call3(long number, long a, long b, long c)
{
	return call5(number, a, b, c, 0, 0);
}

/* uring32.c: 0, or the number of the step that failed */
int test_uring32(int fd);
int test_silent32(int fd);

#endif
