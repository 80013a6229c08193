/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory descriptor lists (MDLs) under Windows' names, as far as a KMCL client
 * or server needs them: to describe memory of its own or of user space, and to
 * use memory that KMCL describes.
 *
 * An MDL is the library's struct kmcl_mdl. Drivers use the functions below and
 * the member Next; the other members differ from Windows'. A page has 4 KiB, as
 * on Windows, whatever size the kernel's pages have. Linux does not page kernel
 * memory out; only user space's has to be locked. Nothing here raises an
 * exception: what does on Windows returns a status or NULL.
 */
#ifndef _KMCL_MDL_H
#define _KMCL_MDL_H

#include <linux/bits.h>
#include <linux/gfp.h>
#include <linux/kconfig.h>
#include <linux/kmcl_mdl.h>
#include <linux/limits.h>
#include <linux/stddef.h>

#include "nt.h"

struct _MDL {
	struct _MDL *Next;
	PVOID VirtualAddress;
	PVOID MappedSystemVa;
	PVOID Pinned;
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
static_assert(offsetof(struct _MDL, Pinned) ==
	      offsetof(struct kmcl_mdl, pinned));
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

/* Priorities are ignored */
typedef enum _MM_PAGE_PRIORITY {
	LowPagePriority = 0,
	NormalPagePriority = 16,
	HighPagePriority = 32,
} MM_PAGE_PRIORITY;

/*
 * Flags of a priority. No mapping is executable. One that must not be written to
 * is as writable as the MDL.
 */
#define MdlMappingNoExecute			0x40000000
#define MdlMappingNoWrite			0x80000000

typedef CCHAR KPROCESSOR_MODE;
typedef enum _MODE {
	KernelMode,
	UserMode,
	MaximumMode,
} MODE;

/* What is done to the memory: it is read, written to, or both */
typedef enum _LOCK_OPERATION {
	IoReadAccess,
	IoWriteAccess,
	IoModifyAccess,
} LOCK_OPERATION;

typedef enum _MEMORY_CACHING_TYPE {
	MmNonCached,
	MmCached,
	MmWriteCombined,
} MEMORY_CACHING_TYPE;

#define MM_DONT_ZERO_ALLOCATION			0x00000001
#define MM_ALLOCATE_FROM_LOCAL_NODE_ONLY	0x00000002
#define MM_ALLOCATE_FULLY_REQUIRED		0x00000004
#define MM_ALLOCATE_NO_WAIT			0x00000008
#define MM_ALLOCATE_PREFER_CONTIGUOUS		0x00000010
#define MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS	0x00000020

/**
 * IoAllocateMdl() - allocate an MDL for a buffer
 * @VirtualAddress: where the buffer begins
 * @Length: its bytes
 * @SecondaryBuffer: not used: there are no IRPs
 * @ChargeQuota: not used
 * @Irp: NULL
 *
 * The MDL describes nothing until MmBuildMdlForNonPagedPool() or
 * MmProbeAndLockPages().
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
 * @Mdl: from IoAllocateMdl() or MmAllocatePagesForMdlEx(), not in use, and
 *	unlocked; the rest of its chain is not freed
 *
 * Also does what ExFreePool() does for an MDL of MmAllocatePagesForMdlEx(). Free
 * the pages before: MmFreePagesFromMdl().
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
 * @Priority: not used, nor are MdlMappingNoExecute and MdlMappingNoWrite
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
 * MmUnmapLockedPages() - undo MmGetSystemAddressForMdlSafe() and
 *	MmMapLockedPagesSpecifyCache()
 * @BaseAddress: what these returned
 * @Mdl: the same MDL
 *
 * Context: as MmGetSystemAddressForMdlSafe().
 */
static inline void MmUnmapLockedPages(PVOID BaseAddress, PMDL Mdl)
{
	kmcl_mdl_unmap(kmcl_from_mdl(Mdl));
}

/**
 * MmMapLockedPagesSpecifyCache() - map the memory that an MDL describes
 * @Mdl: one of a chain
 * @AccessMode: KernelMode; user space has no mappings
 * @CacheType: MmCached: the kernel has its memory mapped in this way, and an
 *	architecture may not allow two
 * @RequestedAddress: not used
 * @BugCheckOnFailure: not used: the system does not stop
 * @Priority: as for MmGetSystemAddressForMdlSafe()
 *
 * There is one mapping of an MDL: this returns the address that
 * MmGetSystemAddressForMdlSafe() returns, and one MmUnmapLockedPages() undoes
 * both.
 *
 * Context: as MmGetSystemAddressForMdlSafe().
 * Return: the address of the first byte; NULL: no memory, nothing is described,
 * or another mode or type.
 */
static inline PVOID MmMapLockedPagesSpecifyCache(PMDL Mdl,
						 KPROCESSOR_MODE AccessMode,
						 MEMORY_CACHING_TYPE CacheType,
						 PVOID RequestedAddress,
						 ULONG BugCheckOnFailure,
						 ULONG Priority)
{
	if (AccessMode != KernelMode || CacheType != MmCached)
		return NULL;
	return kmcl_mdl_map(kmcl_from_mdl(Mdl));
}

/**
 * MmProbeAndLockPages() - look up the pages of an MDL's buffer, and lock them
 * @Mdl: from IoAllocateMdl(), one of a chain, not locked
 * @AccessMode: UserMode: the buffer must be in user space; KernelMode: it may be
 * @Operation: what is done to the buffer. For IoReadAccess the MDL of a buffer in
 *	user space is read-only
 *
 * Windows raises an exception where this returns an error. A buffer in user space
 * is one of the task that calls.
 *
 * Context: PASSIVE; DISPATCH for kernel memory.
 * Return: STATUS_SUCCESS; STATUS_ACCESS_VIOLATION: there is no such memory, or it
 * cannot be written to; STATUS_INSUFFICIENT_RESOURCES: no memory;
 * STATUS_INVALID_DEVICE_STATE: it is locked; STATUS_CANCELLED: the task is being
 * killed; STATUS_NOT_SUPPORTED: memory of a file that cannot be locked. The MDL
 * describes nothing then, or what it did.
 */
static inline NTSTATUS __must_check
MmProbeAndLockPages(PMDL Mdl, KPROCESSOR_MODE AccessMode,
		    LOCK_OPERATION Operation)
{
	struct kmcl_mdl *mdl = kmcl_from_mdl(Mdl);

	if (AccessMode == KernelMode && !mdl->pinned && !kmcl_mdl_build(mdl))
		return STATUS_SUCCESS;
	return kmcl_ntstatus(kmcl_mdl_pin_user(mdl, Operation != IoReadAccess));
}

/**
 * MmUnlockPages() - undo MmProbeAndLockPages()
 * @Mdl: locked with success, its memory not in use
 *
 * The MDL describes nothing in user space any more. For kernel memory this does
 * nothing.
 *
 * Context: DISPATCH, once what had to be mapped is unmapped; else PASSIVE.
 */
static inline void MmUnlockPages(PMDL Mdl)
{
	kmcl_mdl_unpin(kmcl_from_mdl(Mdl));
}

/**
 * MmAllocatePagesForMdlEx() - allocate pages, and an MDL that describes them
 * @LowAddress: where the pages may begin: 0
 * @HighAddress: the last address that they may have: at least 0xffffffff
 * @SkipBytes: not used: there is one range
 * @TotalBytes: how many; rounded up to pages. At most what an MDL that kmalloc()
 *	allocates has room for, about 2 GiB
 * @CacheType: MmCached
 * @Flags: MM_DONT_ZERO_ALLOCATION, without which the pages are zeroed;
 *	MM_ALLOCATE_FROM_LOCAL_NODE_ONLY; MM_ALLOCATE_FULLY_REQUIRED;
 *	MM_ALLOCATE_NO_WAIT; MM_ALLOCATE_PREFER_CONTIGUOUS, which is not used
 *
 * Without MM_ALLOCATE_FULLY_REQUIRED there may be fewer pages than asked for: see
 * MmGetMdlByteCount(). The MDL has no virtual address until it is mapped.
 *
 * Context: PASSIVE; DISPATCH with MM_ALLOCATE_NO_WAIT.
 * Return: the MDL, whose pages MmFreePagesFromMdl() frees, and then IoFreeMdl()
 * the MDL; NULL: no memory, or an argument that is not as above.
 */
static inline PMDL MmAllocatePagesForMdlEx(PHYSICAL_ADDRESS LowAddress,
					   PHYSICAL_ADDRESS HighAddress,
					   PHYSICAL_ADDRESS SkipBytes,
					   SIZE_T TotalBytes,
					   MEMORY_CACHING_TYPE CacheType,
					   ULONG Flags)
{
	const ULONG known = MM_DONT_ZERO_ALLOCATION |
			    MM_ALLOCATE_FROM_LOCAL_NODE_ONLY |
			    MM_ALLOCATE_FULLY_REQUIRED | MM_ALLOCATE_NO_WAIT |
			    MM_ALLOCATE_PREFER_CONTIGUOUS;
	const ULONG bytes = TotalBytes & U32_MAX;
	const u64 high = HighAddress.QuadPart;
	ULONG least;
	gfp_t gfp;

	if (LowAddress.QuadPart || high < U32_MAX || TotalBytes > U32_MAX ||
	    CacheType != MmCached || Flags & ~known)
		return NULL;
	/* An address of 52 bits is the highest one that a page can have */
	if (high < BIT_ULL(52) - 1 && !IS_ENABLED(CONFIG_ZONE_DMA32))
		return NULL;
	/* Where there is too little memory, fewer pages, and no task killed */
	gfp = Flags & MM_ALLOCATE_NO_WAIT ? GFP_NOWAIT :
	      GFP_KERNEL | __GFP_RETRY_MAYFAIL;
	if (high < BIT_ULL(52) - 1)
		gfp |= GFP_DMA32;
	if (!(Flags & MM_DONT_ZERO_ALLOCATION))
		gfp |= __GFP_ZERO;
	if (Flags & MM_ALLOCATE_FROM_LOCAL_NODE_ONLY)
		gfp |= __GFP_THISNODE;
	least = Flags & MM_ALLOCATE_FULLY_REQUIRED ? bytes : 0;
	return kmcl_to_mdl(kmcl_mdl_alloc_pages(bytes, least, gfp));
}

/**
 * MmFreePagesFromMdl() - free the pages of an MDL
 * @Mdl: from MmAllocatePagesForMdlEx(), its memory not in use
 *
 * Free the MDL then, with IoFreeMdl().
 *
 * Context: DISPATCH, once what had to be mapped is unmapped; else PASSIVE.
 */
static inline void MmFreePagesFromMdl(PMDL Mdl)
{
	kmcl_mdl_free_pages(kmcl_from_mdl(Mdl));
}

#endif
