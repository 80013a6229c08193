/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pool memory.
 *
 * Memory that is not paged is contiguous and can be allocated and freed at
 * DISPATCH; paged memory may be made of single pages, and is allocated and freed at
 * PASSIVE. Neither is ever paged out. Tags are not stored. A driver frees with
 * ExFreePool() what it has got here, and nothing else.
 */
#ifndef _KMCL_NTCOMPAT_POOL_H
#define _KMCL_NTCOMPAT_POOL_H

#include <linux/bits.h>
#include <linux/cache.h>
#include <linux/gfp.h>
#include <linux/kconfig.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "ntcompat_types.h"

typedef ULONG64 POOL_FLAGS;

#define POOL_FLAG_USE_QUOTA		BIT_ULL(0)
#define POOL_FLAG_UNINITIALIZED		BIT_ULL(1)
#define POOL_FLAG_SESSION		BIT_ULL(2)
#define POOL_FLAG_CACHE_ALIGNED		BIT_ULL(3)
#define POOL_FLAG_RAISE_ON_FAILURE	BIT_ULL(5)
#define POOL_FLAG_NON_PAGED		BIT_ULL(6)
#define POOL_FLAG_NON_PAGED_EXECUTE	BIT_ULL(7)
#define POOL_FLAG_PAGED			BIT_ULL(8)

#define KMCL_NT_POOL_KINDS	(POOL_FLAG_NON_PAGED | POOL_FLAG_PAGED)
#define KMCL_NT_POOL_FLAGS \
	(KMCL_NT_POOL_KINDS | POOL_FLAG_USE_QUOTA | POOL_FLAG_UNINITIALIZED | \
	 POOL_FLAG_CACHE_ALIGNED)

#define MEMORY_ALLOCATION_ALIGNMENT	16

typedef enum _POOL_TYPE {
	NonPagedPool = 0,
	PagedPool = 1,
	NonPagedPoolNx = 512,
} POOL_TYPE;

/*
 * Linux has to be told whether an allocation may sleep. It may if that is known: a
 * kernel that does not count what disables preemption cannot tell.
 */
static inline gfp_t kmcl_nt_gfp(POOL_FLAGS Flags)
{
	bool sleeps = Flags & POOL_FLAG_PAGED;

	if (IS_ENABLED(CONFIG_PREEMPT_COUNT))
		sleeps |= preemptible() && !rcu_preempt_depth();
	return (sleeps ? GFP_KERNEL : GFP_ATOMIC) |
		(Flags & POOL_FLAG_UNINITIALIZED ? 0 : __GFP_ZERO);
}

/*
 * How much to ask the allocator for. A page or more begins with a page. What is less
 * is aligned to 16 bytes, which kmalloc() promises only for powers of 2: the caches
 * in between, for 96 and 192 bytes, are not used.
 */
static inline SIZE_T kmcl_nt_pool_size(POOL_FLAGS Flags, SIZE_T NumberOfBytes)
{
	SIZE_T size = max_t(SIZE_T, NumberOfBytes, MEMORY_ALLOCATION_ALIGNMENT);

	if (size >= PAGE_SIZE)
		return PAGE_ALIGN(size);
	if (Flags & POOL_FLAG_CACHE_ALIGNED)
		return roundup_pow_of_two(max_t(SIZE_T, size, L1_CACHE_BYTES));
	if (size > 64 && size <= 192)
		return roundup_pow_of_two(size);
	return ALIGN(size, MEMORY_ALLOCATION_ALIGNMENT);
}

/**
 * ExAllocatePool2() - allocate memory
 * @Flags: POOL_FLAG_NON_PAGED or POOL_FLAG_PAGED; POOL_FLAG_UNINITIALIZED: the
 *	memory is not zeroed, else it is; POOL_FLAG_CACHE_ALIGNED; with
 *	POOL_FLAG_USE_QUOTA nothing is charged
 * @NumberOfBytes: how much. A page or more begins with a page, less than that with a
 *	multiple of 16
 * @Tag: not 0; not stored
 *
 * Context: DISPATCH; PASSIVE with POOL_FLAG_PAGED.
 * Return: the memory, for ExFreePool(); NULL if there is none, @Tag is 0, the flags
 * have not exactly one of the two kinds, or one that Linux does not have: executable
 * memory, that of a session, and an exception on failure.
 */
static inline PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes,
				    ULONG Tag)
{
	SIZE_T size;
	gfp_t gfp;

	/* What is unknown in the upper half is a wish, and ignored */
	if (!Tag || lower_32_bits(Flags & ~KMCL_NT_POOL_FLAGS) ||
	    hweight64(Flags & KMCL_NT_POOL_KINDS) != 1)
		return NULL;
	if (NumberOfBytes > SSIZE_MAX)
		return NULL;
	size = kmcl_nt_pool_size(Flags, NumberOfBytes);
	gfp = kmcl_nt_gfp(Flags) | __GFP_NOWARN;
	if (Flags & POOL_FLAG_PAGED)
		return kvmalloc(size, gfp);
	return kmalloc(size, gfp);
}

/**
 * ExAllocatePoolZero() - allocate zeroed memory, as older drivers do
 * @PoolType: NonPagedPool, NonPagedPoolNx or PagedPool
 * @NumberOfBytes: how much
 * @Tag: not 0
 *
 * Context: DISPATCH; PASSIVE for PagedPool.
 * Return: as ExAllocatePool2().
 */
static inline PVOID ExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes,
				       ULONG Tag)
{
	return ExAllocatePool2(PoolType == PagedPool ? POOL_FLAG_PAGED :
			       POOL_FLAG_NON_PAGED, NumberOfBytes, Tag);
}

/**
 * ExAllocatePoolUninitialized() - allocate memory that is not zeroed
 * @PoolType: NonPagedPool, NonPagedPoolNx or PagedPool
 * @NumberOfBytes: how much
 * @Tag: not 0
 *
 * Context: DISPATCH; PASSIVE for PagedPool.
 * Return: as ExAllocatePool2().
 */
static inline PVOID ExAllocatePoolUninitialized(POOL_TYPE PoolType,
						SIZE_T NumberOfBytes, ULONG Tag)
{
	return ExAllocatePool2((PoolType == PagedPool ? POOL_FLAG_PAGED :
				POOL_FLAG_NON_PAGED) | POOL_FLAG_UNINITIALIZED,
			       NumberOfBytes, Tag);
}

/* Not zeroed: the deprecated function is not either */
#define ExAllocatePoolWithTag(PoolType, NumberOfBytes, Tag) \
	ExAllocatePoolUninitialized(PoolType, NumberOfBytes, Tag)

/**
 * ExFreePool() - free memory
 * @P: from one of the functions above; NULL, which ends Windows, is ignored
 *
 * Context: DISPATCH; PASSIVE for paged memory.
 */
static inline void ExFreePool(PVOID P)
{
	kvfree(P);
}

/**
 * ExFreePoolWithTag() - free memory
 * @P: from one of the functions above
 * @Tag: not compared
 *
 * Context: DISPATCH; PASSIVE for paged memory.
 */
static inline void ExFreePoolWithTag(PVOID P, ULONG Tag)
{
	ExFreePool(P);
}

#endif
