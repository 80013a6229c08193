/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random system calls on a device of kmcl_cdev: what the parts of kmcl_random share.
 * A process has one of everything here.
 */
#ifndef RANDOM_CALLS_H
#define RANDOM_CALLS_H

#include <stddef.h>

#define ERRNOS	12

/**
 * struct random_call - a kind of call
 * @name: for messages
 * @run: make one with random arguments. Returns at least 0, or -1 with errno
 * @errnos: those that are documented for it, 0 at the end
 */
struct random_call {
	const char *name;
	long (*run)(void);
	int errnos[ERRNOS];
};

extern const struct random_call random_calls[];
extern const size_t random_calls_count;

/* main.c */
unsigned long below(unsigned long n);
void unexpected(const char *what, long value);

/* calls.c */
extern const char *device;
#define BUFFER	8192
extern unsigned char buffer[BUFFER];
int device_file(void);
void *some_buffer(void);
size_t some_length(void);

/* uring.c */
long uring_call(void);
void uring_end(void);

#endif
