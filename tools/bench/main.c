// SPDX-License-Identifier: GPL-2.0
/*
 * usage: kmcl_echo_bench UIO-DEVICE KMCL-DEVICE
 *
 * What a round trip takes, and a message of many, through uio_hv_generic with the
 * kernel's user-space ring code, and through a character device of kmcl_cdev. Prints
 * the median of ROUNDS as differences of the time stamp counter. One device is
 * opened at a time, each by one thread.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include "echo_bench.h"

#define ROUNDS		201
#define WARM_UP		20

void echo_fill(void *message, uint64_t number)
{
	memset(message, 0x5a, ECHO_BYTES);
	memcpy(message, &number, sizeof(number));
}

void echo_check(const void *message, long bytes, uint64_t number)
{
	uint64_t found;

	if (bytes != ECHO_BYTES)
		errx(1, "%ld bytes came back for %d", bytes, ECHO_BYTES);
	memcpy(&found, message, sizeof(found));
	if (found != number)
		errx(1, "message %llu came back for %llu",
		     (unsigned long long)found, (unsigned long long)number);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Ticks for each of @count messages that are on their way together */
static uint64_t measure(const struct echo_way *way, unsigned int count)
{
	uint64_t samples[ROUNDS], number = 0, begin;
	int i;

	for (i = -WARM_UP; i < ROUNDS; i++) {
		begin = __rdtsc();
		way->exchange(number, count);
		if (i >= 0)
			samples[i] = __rdtsc() - begin;
		number += count;
	}
	qsort(samples, ROUNDS, sizeof(*samples), compare);
	return samples[ROUNDS / 2] / count;
}

int main(int argc, char **argv)
{
	static const struct echo_way *const ways[] = {
		&echo_uio, &echo_blocking, &echo_epoll, &echo_uring
	};
	enum { WAYS = sizeof(ways) / sizeof(*ways) };
	uint64_t one[WAYS], many[WAYS];
	int i;

	if (argc != 3)
		errx(2, "usage: kmcl_echo_bench UIO-DEVICE KMCL-DEVICE");
	for (i = 0; i < WAYS; i++) {
		ways[i]->open(ways[i] == &echo_uio ? argv[1] : argv[2]);
		one[i] = measure(ways[i], 1);
		many[i] = measure(ways[i], ECHO_BURST);
		ways[i]->close();
	}
	printf("kmcl_bench: user/round-trip/%dB", ECHO_BYTES);
	for (i = 0; i < WAYS; i++)
		printf(" %s=%llu", ways[i]->name, (unsigned long long)one[i]);
	printf("\nkmcl_bench: user/messages/%dB/burst%d", ECHO_BYTES, ECHO_BURST);
	for (i = 0; i < WAYS; i++)
		printf(" %s=%llu", ways[i]->name, (unsigned long long)many[i]);
	printf("\n");
	return 0;
}
