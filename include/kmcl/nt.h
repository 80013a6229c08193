/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The Windows types that KMCL's prototypes are written with; no functions.
 *
 * Sizes and layouts are those of 64-bit Windows on a 64-bit kernel, checked at
 * the end. Types that are opaque on Windows are types of the kernel's here.
 */
#ifndef _KMCL_NT_H
#define _KMCL_NT_H

#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
#include <linux/uuid.h>

#include "ntstatus.h"

struct device;

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
typedef u16 USHORT;
typedef u32 ULONG;
typedef s32 LONG;
typedef s64 LONGLONG;
typedef u8 BOOLEAN;
typedef char CCHAR;
typedef size_t SIZE_T;
typedef void *PVOID;
typedef u16 *PUINT16;
typedef u32 *PUINT32;
typedef u32 *PULONG;

typedef void *HANDLE;
typedef void **PHANDLE;

/* A page frame number, in units of 4 KiB */
typedef unsigned long PFN_NUMBER;
typedef unsigned long *PPFN_NUMBER;

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
typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

typedef struct device *PDEVICE_OBJECT;

/* UTF-16: the kernel's L"" literals have 16-bit units, as Windows' have */
typedef u16 WCHAR;

/* Lengths are in bytes; a final null is optional and not counted in Length */
typedef struct _UNICODE_STRING {
	USHORT Length;
	USHORT MaximumLength;
	WCHAR *Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

/* Initializer of a UNICODE_STRING for a literal */
#define RTL_CONSTANT_STRING(literal) { \
	.Length = sizeof(literal) - sizeof(WCHAR), \
	.MaximumLength = sizeof(literal), \
	.Buffer = (WCHAR *)(literal), \
}

#define DECLARE_CONST_UNICODE_STRING(name, literal) \
	const UNICODE_STRING name = RTL_CONSTANT_STRING(literal)

/* The start of each function table on Windows */
typedef VOID (*PINTERFACE_REFERENCE)(PVOID Context);
typedef VOID (*PINTERFACE_DEREFERENCE)(PVOID Context);

typedef struct _INTERFACE {
	USHORT Size;
	USHORT Version;
	PVOID Context;
	PINTERFACE_REFERENCE InterfaceReference;
	PINTERFACE_DEREFERENCE InterfaceDereference;
} INTERFACE, *PINTERFACE;

/* Described memory: see mdl.h */
typedef struct _MDL MDL, *PMDL;

static_assert(sizeof(UINT8) == 1);
static_assert(sizeof(UINT16) == 2);
static_assert(sizeof(UINT32) == 4);
static_assert(sizeof(UINT64) == 8);
static_assert(sizeof(USHORT) == 2);
static_assert(sizeof(ULONG) == 4);
static_assert(sizeof(LONG) == 4);
static_assert(sizeof(LONGLONG) == 8);
static_assert(sizeof(BOOLEAN) == 1);
static_assert(sizeof(CCHAR) == 1);
static_assert(sizeof(SIZE_T) == sizeof(void *));
static_assert(sizeof(NTSTATUS) == 4);
static_assert(sizeof(PVOID) == sizeof(unsigned long));
static_assert(sizeof(GUID) == 16);
static_assert(sizeof(LARGE_INTEGER) == 8);
static_assert(sizeof(HANDLE) == sizeof(void *));
static_assert(sizeof(PFN_NUMBER) == sizeof(void *));
static_assert(sizeof(WCHAR) == 2);
static_assert(sizeof(UNICODE_STRING) == 2 * sizeof(void *));
static_assert(offsetof(UNICODE_STRING, Buffer) == sizeof(void *));
static_assert(sizeof(INTERFACE) == 4 * sizeof(void *));
static_assert((NTSTATUS)-1 < 0 && (LONG)-1 < 0 && (LONGLONG)-1 < 0);
static_assert((ULONG)-1 > 0 && (UINT32)-1 > 0 && (BOOLEAN)-1 > 0);
static_assert(FALSE == 0 && TRUE == 1);

#endif
