/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory descriptor lists (MDLs) under Windows' names, as far as a KMCL client
 * or server needs them: to describe memory of its own, and to use memory that
 * KMCL describes.
 *
 * An MDL is the library's struct kmcl_mdl. Drivers use the functions below and
 * the member Next; the other members differ from Windows'. A page has 4 KiB, as
 * on Windows, whatever size the kernel's pages have. Linux does not page kernel
 * memory out, so nothing has to be probed, locked or unlocked.
 */
#ifndef _KMCL_MDL_H
#define _KMCL_MDL_H

#include <linux/gfp.h>
#include <linux/kmcl_mdl.h>
#include <linux/stddef.h>

#include "nt.h"

struct _MDL {
	struct _MDL *Next;
	PVOID VirtualAddress;
	PVOID MappedSystemVa;
	PPFN_NUMBER Pfns;
	ULONG PfnCount;
	ULONG ByteOffset;
	ULONG ByteCount;
	ULONG MdlFlags;
};

static_assert(sizeof(struct _MDL) == sizeof(struct kmcl_mdl));
static_assert(offsetof(struct _MDL, Next) == offsetof(struct kmcl_mdl, next));
static_assert(offsetof(struct _MDL, VirtualAddress) ==
	      offsetof(struct kmcl_mdl, va));
static_assert(offsetof(struct _MDL, MappedSystemVa) ==
	      offsetof(struct kmcl_mdl, map));
static_assert(offsetof(struct _MDL, Pfns) == offsetof(struct kmcl_mdl, pfns));
static_assert(offsetof(struct _MDL, PfnCount) ==
	      offsetof(struct kmcl_mdl, npfns));
static_assert(offsetof(struct _MDL, ByteOffset) ==
	      offsetof(struct kmcl_mdl, offset));
static_assert(offsetof(struct _MDL, ByteCount) ==
	      offsetof(struct kmcl_mdl, bytes));
static_assert(offsetof(struct _MDL, MdlFlags) ==
	      offsetof(struct kmcl_mdl, flags));

static inline struct kmcl_mdl *kmcl_from_mdl(PMDL Mdl)
{
	return (struct kmcl_mdl *)Mdl;
}

static inline PMDL kmcl_to_mdl(struct kmcl_mdl *mdl)
{
	return (PMDL)mdl;
}

/* MmGetSystemAddressForMdlSafe() ignores the priority */
typedef enum _MM_PAGE_PRIORITY {
	LowPagePriority = 0,
	NormalPagePriority = 16,
	HighPagePriority = 32,
} MM_PAGE_PRIORITY;

/**
 * IoAllocateMdl() - allocate an MDL for a buffer
 * @VirtualAddress: where the buffer begins
 * @Length: its bytes
 * @SecondaryBuffer: not used: there are no IRPs
 * @ChargeQuota: not used
 * @Irp: NULL
 *
 * The MDL describes nothing until MmBuildMdlForNonPagedPool().
 *
 * Context: DISPATCH.
 * Return: the MDL, which IoFreeMdl() frees; NULL: no memory, or @Irp is set.
 */
static inline PMDL IoAllocateMdl(PVOID VirtualAddress, ULONG Length,
				 BOOLEAN SecondaryBuffer, BOOLEAN ChargeQuota,
				 PVOID Irp)
{
	if (Irp)
		return NULL;
	return kmcl_to_mdl(kmcl_mdl_alloc(VirtualAddress, Length, GFP_ATOMIC));
}

/**
 * MmBuildMdlForNonPagedPool() - look up the pages of an MDL's buffer
 * @Mdl: from IoAllocateMdl(), for a buffer in kernel memory
 *
 * If there is no memory at the address, the MDL describes nothing, and KMCL's
 * functions refuse it.
 *
 * Context: DISPATCH.
 */
static inline void MmBuildMdlForNonPagedPool(PMDL Mdl)
{
	kmcl_mdl_build(kmcl_from_mdl(Mdl));
}

/**
 * IoFreeMdl() - free an MDL
 * @Mdl: from IoAllocateMdl(), not in use; the rest of its chain is not freed
 *
 * Context: DISPATCH, once what MmGetSystemAddressForMdlSafe() had to map is
 * unmapped; else PASSIVE.
 */
static inline void IoFreeMdl(PMDL Mdl)
{
	kmcl_mdl_free(kmcl_from_mdl(Mdl));
}

/**
 * MmGetMdlByteCount() - get the number of bytes that an MDL describes
 * @Mdl: one of a chain
 *
 * Context: DISPATCH.
 * Return: bytes.
 */
static inline ULONG MmGetMdlByteCount(PMDL Mdl)
{
	return Mdl->ByteCount;
}

/**
 * MmGetMdlByteOffset() - get the offset of the first byte in its page
 * @Mdl: one of a chain
 *
 * Context: DISPATCH.
 * Return: bytes, below 4096.
 */
static inline ULONG MmGetMdlByteOffset(PMDL Mdl)
{
	return Mdl->ByteOffset;
}

/**
 * MmGetMdlPfnArray() - get the page frame numbers of an MDL
 * @Mdl: one of a chain
 *
 * Context: DISPATCH.
 * Return: the numbers of pages of 4 KiB.
 */
static inline PPFN_NUMBER MmGetMdlPfnArray(PMDL Mdl)
{
	return Mdl->Pfns;
}

/**
 * MmGetMdlVirtualAddress() - get the address that IoAllocateMdl() was given
 * @Mdl: from IoAllocateMdl()
 *
 * Context: DISPATCH.
 * Return: the address of the first byte.
 */
static inline PVOID MmGetMdlVirtualAddress(PMDL Mdl)
{
	return Mdl->VirtualAddress;
}

/**
 * MmGetSystemAddressForMdlSafe() - map the memory that an MDL describes
 * @Mdl: one of a chain
 * @Priority: not used
 *
 * Each call returns the same address. An MDL that KMCL made has to be unmapped
 * with MmUnmapLockedPages() before its packet is completed.
 *
 * Context: PASSIVE; DISPATCH for an MDL of IoAllocateMdl(), and for memory that
 * is physically contiguous.
 * Return: the address of the first byte, or NULL.
 */
static inline PVOID MmGetSystemAddressForMdlSafe(PMDL Mdl, ULONG Priority)
{
	return kmcl_mdl_map(kmcl_from_mdl(Mdl));
}

/**
 * MmUnmapLockedPages() - undo MmGetSystemAddressForMdlSafe()
 * @BaseAddress: what that returned
 * @Mdl: the same MDL
 *
 * Context: as MmGetSystemAddressForMdlSafe().
 */
static inline void MmUnmapLockedPages(PVOID BaseAddress, PMDL Mdl)
{
	kmcl_mdl_unmap(kmcl_from_mdl(Mdl));
}

#endif
