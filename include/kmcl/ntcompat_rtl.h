/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory: copying, filling and comparing. The destination comes first, as in
 * Linux, but RtlFillMemory() has the length second and the byte third. No locks;
 * any context.
 */
#ifndef _KMCL_NTCOMPAT_RTL_H
#define _KMCL_NTCOMPAT_RTL_H

#include <linux/string.h>

#include "ntcompat_types.h"

/* Macros: the compiler checks the sizes of what the caller passes */
#define RtlCopyMemory(Destination, Source, Length) \
	((void)memcpy(Destination, Source, Length))
#define RtlMoveMemory(Destination, Source, Length) \
	((void)memmove(Destination, Source, Length))
#define RtlFillMemory(Destination, Length, Fill) \
	((void)memset(Destination, Fill, Length))
#define RtlZeroMemory(Destination, Length) \
	((void)memset(Destination, 0, Length))

/**
 * RtlSecureZeroMemory() - zero memory, also if nothing reads it any more
 * @Destination: the memory
 * @Length: its bytes
 *
 * Context: any.
 * Return: @Destination.
 */
static inline PVOID RtlSecureZeroMemory(PVOID Destination, SIZE_T Length)
{
	memzero_explicit(Destination, Length);
	return Destination;
}

/**
 * RtlCompareMemory() - count the bytes that are equal
 * @Source1: one block
 * @Source2: the other
 * @Length: their bytes
 *
 * Not as memcmp(), which returns 0 for equal blocks.
 *
 * Context: any.
 * Return: how many bytes are equal, from the first one on; @Length if all are.
 */
static inline SIZE_T RtlCompareMemory(const VOID *Source1, const VOID *Source2,
				      SIZE_T Length)
{
	const u8 *a = Source1, *b = Source2;
	SIZE_T i;

	for (i = 0; i < Length; i++) {
		if (a[i] != b[i])
			break;
	}
	return i;
}

/**
 * RtlEqualMemory() - are two blocks equal?
 * @Source1: one block
 * @Source2: the other
 * @Length: their bytes
 *
 * Context: any.
 * Return: 1 if they are, else 0.
 */
static inline int RtlEqualMemory(const VOID *Source1, const VOID *Source2,
				 SIZE_T Length)
{
	return !memcmp(Source1, Source2, Length);
}

#endif
