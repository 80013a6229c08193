/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Windows' integer types and the macros that go with them, and GUIDs. No
 * context rules: nothing here has a side effect.
 *
 * LONG has 32 bits and WCHAR 16, as on Windows. min() and max() are Linux', which
 * do not compile for a signed and an unsigned operand; PAGE_SIZE and PAGE_ALIGN()
 * are Linux', too.
 */
#ifndef _KMCL_NTCOMPAT_TYPES_H
#define _KMCL_NTCOMPAT_TYPES_H

#include <linux/align.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/kmcl_mdl.h>
#include <linux/limits.h>
#include <linux/math.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "nt.h"

typedef s8 INT8, *PINT8;
typedef s16 INT16, *PINT16;
typedef s32 INT32, *PINT32;
typedef s64 INT64, *PINT64;
typedef u8 *PUINT8;
typedef u64 *PUINT64;
typedef char CHAR, *PCHAR;
typedef u8 UCHAR, *PUCHAR;
typedef s16 SHORT, *PSHORT;
typedef u16 *PUSHORT;
typedef int INT, *PINT;
typedef unsigned int UINT, *PUINT;
typedef s32 *PLONG;
typedef s32 LONG32;
typedef u32 ULONG32;
typedef s64 LONG64, *PLONG64, *PLONGLONG;
typedef u64 ULONG64, *PULONG64, ULONGLONG, *PULONGLONG;
typedef long LONG_PTR, INT_PTR;
typedef unsigned long ULONG_PTR, *PULONG_PTR, UINT_PTR, DWORD_PTR;
typedef size_t *PSIZE_T;
typedef ssize_t SSIZE_T;
typedef u8 *PBOOLEAN;
typedef void **PPVOID;
typedef u16 *PWCHAR, *PWSTR, *PWCH;
typedef const u16 *PCWSTR, *PCWCH;
typedef char *PSTR;
typedef const char *PCSTR;
typedef const guid_t *REFGUID;

typedef union _ULARGE_INTEGER {
	struct {
#ifdef __LITTLE_ENDIAN
		ULONG LowPart;
		ULONG HighPart;
#else
		ULONG HighPart;
		ULONG LowPart;
#endif
	};
	ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

#define MAXUCHAR	U8_MAX
#define MAXUSHORT	U16_MAX
#define MAXLONG		S32_MAX
#define MAXULONG	U32_MAX
#define MAXLONGLONG	S64_MAX
#define MAXULONGLONG	U64_MAX
#define MAXULONG_PTR	ULONG_MAX
#define MAXSIZE_T	SIZE_MAX
#define ANYSIZE_ARRAY	1

#define C_ASSERT(expression)		static_assert(expression)
#define UNREFERENCED_PARAMETER(P)	((void)(P))
#define FORCEINLINE			static __always_inline
#define NTAPI
#define NOTHING
#define DECLSPEC_ALIGN(bytes)		__aligned(bytes)
#define DECLSPEC_NORETURN		__noreturn

/**
 * CONTAINING_RECORD() - get the structure that a member is in
 * @address: the member
 * @type: the structure's type
 * @field: the member's name
 *
 * Return: the structure. Unlike that of container_of(), the type of @address is
 * not checked, as on Windows.
 */
#define CONTAINING_RECORD(address, type, field) \
	container_of((void *)(address), type, field)

#define FIELD_OFFSET(type, field)	((LONG)offsetof(type, field))
#define RTL_FIELD_SIZE(type, field)	sizeof_field(type, field)
#define RTL_NUMBER_OF(array)		(sizeof(array) / sizeof((array)[0]))
#define ARRAYSIZE(array)		RTL_NUMBER_OF(array)

/* The first alignment is a power of 2 */
#define ROUND_TO_SIZE(length, alignment) \
	ALIGN((ULONG_PTR)(length), (ULONG_PTR)(alignment))

/* Pages of 4 KiB, as in MDLs, whatever size the kernel's have */
#define ROUND_TO_PAGES(size) \
	ALIGN((ULONG_PTR)(size), (ULONG_PTR)KMCL_PFN_SIZE)
#define BYTES_TO_PAGES(size) \
	((ULONG)DIV_ROUND_UP((ULONG_PTR)(size), KMCL_PFN_SIZE))
#define BYTE_OFFSET(va) \
	((ULONG)((ULONG_PTR)(va) & (KMCL_PFN_SIZE - 1)))
#define ADDRESS_AND_SIZE_TO_SPAN_PAGES(va, size) \
	BYTES_TO_PAGES(BYTE_OFFSET(va) + (ULONG_PTR)(size))

/**
 * DEFINE_GUID() - define a GUID
 * @name: of a constant of this file
 * @l: its first 32 bits
 * @w1: the next 16 bits
 * @w2: the next 16 bits
 * @b1: the first of its last 8 bytes
 * @b2: the second
 * @b3: the third
 * @b4: the fourth
 * @b5: the fifth
 * @b6: the sixth
 * @b7: the seventh
 * @b8: the eighth
 *
 * Whether INITGUID is defined does not matter: each file that has the line has the
 * constant. A GUID is a guid_t, 16 bytes as they are in memory on Windows; it has
 * no Data1. In an initializer, as that of a table of device ids, use GUID_INIT().
 */
#define DEFINE_GUID(name, l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8) \
	static const GUID __maybe_unused name = \
		GUID_INIT(l, w1, w2, b1, b2, b3, b4, b5, b6, b7, b8)

/**
 * IsEqualGUID() - compare two GUIDs
 * @rguid1: one
 * @rguid2: the other; pointers, as in C on Windows
 *
 * Context: any.
 * Return: TRUE if they are equal, else FALSE.
 */
static inline int IsEqualGUID(REFGUID rguid1, REFGUID rguid2)
{
	return guid_equal(rguid1, rguid2);
}

#define InlineIsEqualGUID(rguid1, rguid2)	IsEqualGUID(rguid1, rguid2)

static_assert(sizeof(INT) == 4 && sizeof(UINT) == 4 && sizeof(SHORT) == 2);
static_assert(sizeof(LONG64) == 8 && sizeof(ULONGLONG) == 8);
static_assert(sizeof(ULONG_PTR) == sizeof(void *));
static_assert(sizeof(ULARGE_INTEGER) == 8);

#endif
