/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Windows types that KMCL's prototypes are written with.
 */
#ifndef _KMCL_NT_H
#define _KMCL_NT_H

#include <linux/build_bug.h>
#include <linux/types.h>
#include <linux/uuid.h>

#include "ntstatus.h"

struct device;
struct kmcl_mdl;

#ifndef VOID
#define VOID	void
#endif
#ifndef TRUE
#define TRUE	1
#endif
#ifndef FALSE
#define FALSE	0
#endif

typedef u8 UINT8;
typedef u16 UINT16;
typedef u32 UINT32;
typedef u64 UINT64;
typedef u32 ULONG;
typedef s32 LONG;
typedef s64 LONGLONG;
typedef u8 BOOLEAN;
typedef void *PVOID;
typedef u32 *PUINT32;
typedef u32 *PULONG;
typedef u16 *PUINT16;
typedef void *HANDLE;
typedef void **PHANDLE;

typedef guid_t GUID;
typedef guid_t *LPGUID;
typedef const guid_t *LPCGUID;

/* Windows' two views of one signed 64-bit number; KMCL reads QuadPart */
typedef union _LARGE_INTEGER {
	struct {
#ifdef __LITTLE_ENDIAN
		ULONG LowPart;
		LONG HighPart;
#else
		LONG HighPart;
		ULONG LowPart;
#endif
	};
	LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

/* Stand-ins: a device is a struct device, a name an ordinary C string */
typedef struct device *PDEVICE_OBJECT;
typedef const char *PCUNICODE_STRING;

/* Described memory: opaque, no function makes one yet. Pass NULL */
typedef struct kmcl_mdl *PMDL;

static_assert(sizeof(UINT8) == 1);
static_assert(sizeof(UINT16) == 2);
static_assert(sizeof(UINT32) == 4);
static_assert(sizeof(UINT64) == 8);
static_assert(sizeof(ULONG) == 4);
static_assert(sizeof(LONG) == 4);
static_assert(sizeof(LONGLONG) == 8);
static_assert(sizeof(BOOLEAN) == 1);
static_assert(sizeof(NTSTATUS) == 4);
static_assert(sizeof(PVOID) == sizeof(unsigned long));
static_assert(sizeof(GUID) == 16);
static_assert(sizeof(LARGE_INTEGER) == 8);

#endif
