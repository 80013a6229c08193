/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random numbers that a seed repeats. Touches nothing but its argument.
 */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

/**
 * random_next() - the next number of a reproducible sequence (splitmix64)
 */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

#endif
