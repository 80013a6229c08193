/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages to a VMBus host that echoes them, and back: what all ways have in
 * common.
 */
#ifndef ECHO_BENCH_H
#define ECHO_BENCH_H

#include <stdint.h>

#define ECHO_BYTES	64
#define ECHO_BURST	32

/**
 * struct echo_way - one way to reach the host
 * @name: as in the results
 * @open: open the device of this path; errors end the program
 * @exchange: send @count messages, and receive as many; the first 8 bytes of
 *	each are a number, which counts up from @first, and comes back in order
 * @close: close the device
 */
struct echo_way {
	const char *name;
	void (*open)(const char *path);
	void (*exchange)(uint64_t first, unsigned int count);
	void (*close)(void);
};

extern const struct echo_way echo_uio, echo_blocking, echo_epoll, echo_uring;

void echo_fill(void *message, uint64_t number);
void echo_check(const void *message, long bytes, uint64_t number);

#endif
