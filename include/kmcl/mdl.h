/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory descriptor lists (MDLs) under Windows' names, as far as a KMCL client
 * or server needs them: to describe memory of its own, and to get at what KMCL
 * describes.
 *
 * An MDL is the library's struct kmcl_mdl. Drivers use the functions below and
 * Next; the other members are not what Windows has. A page has 4 KiB here, as
 * there, on every kernel. There is no pageable kernel memory on Linux: nothing
 * has to be probed, locked or unlocked, and memory stays where it is.
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
 * IoAllocateMdl() - allocate an MDL for a buffer, which describes nothing yet
 * @VirtualAddress: where the buffer begins
 * @Length: its bytes
 * @SecondaryBuffer: not used: there are no IRPs
 * @ChargeQuota: not used
 * @Irp: NULL
 *
 * Context: DISPATCH.
 * Return: the MDL, which IoFreeMdl() frees, or NULL: no memory, or an IRP.
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
 * @Mdl: from IoAllocateMdl(); the buffer is the kernel's memory
 *
 * When there is no such memory the MDL describes nothing, and KMCL refuses it.
 *
 * Context: DISPATCH.
 */
static inline void MmBuildMdlForNonPagedPool(PMDL Mdl)
{
	kmcl_mdl_build(kmcl_from_mdl(Mdl));
}

/**
 * IoFreeMdl() - free an MDL
 * @Mdl: from IoAllocateMdl(), not in use; not the rest of its chain
 *
 * Context: DISPATCH.
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
 * @Mdl: one of the driver's own
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
 * The same address each time. For an MDL of KMCL's, MmUnmapLockedPages() comes
 * before the packet is completed.
 *
 * Context: PASSIVE; DISPATCH if the memory is a buffer of the kernel's own, or
 * physically contiguous.
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
