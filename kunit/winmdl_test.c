// SPDX-License-Identifier: GPL-2.0
/*
 * MDLs of user space's memory and of pages of their own; and MDLs where a driver
 * must not sleep: CONFIG_DEBUG_ATOMIC_SLEEP reports what sleeps, and a report
 * fails the run. The thread of a case has user space of its own.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include "leaks.h"
#include "win_harness.h"

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");

#define PAGES	3
#define FROM	100
#define BYTES	(2 * PAGE_SIZE)		/* from there on they need PAGES */
#define NOWHERE	((PVOID)PAGE_SIZE)	/* nothing is mapped at so low an address */

/* Whose frame numbers take 8 MiB, more than kmalloc() has */
#define LARGEST	((ULONG)(U32_MAX - PAGE_SIZE))

static DEFINE_SPINLOCK(winmdl_lock);

static void freed_under_a_spinlock(struct kunit *test)
{
	static const ULONG sizes[] = { 8, SZ_1M, SZ_512M, LARGEST };
	unsigned int i;
	PMDL mdl;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		spin_lock(&winmdl_lock);
		mdl = IoAllocateMdl((PVOID)PAGE_SIZE, sizes[i], FALSE, FALSE,
				    NULL);
		IoFreeMdl(mdl);
		spin_unlock(&winmdl_lock);
		if (i < 2)
			KUNIT_EXPECT_PTR_NE(test, mdl, NULL);
	}
}

/* User space of PAGES pages, each byte of which is @value */
static u8 *user_memory(struct kunit *test, u8 value)
{
	unsigned long at = kunit_vm_mmap(test, NULL, 0, PAGES * PAGE_SIZE,
					 PROT_READ | PROT_WRITE,
					 MAP_ANONYMOUS | MAP_PRIVATE, 0);
	u8 *mem = kunit_kmalloc(test, PAGES * PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NE(test, at, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(at));
	KUNIT_ASSERT_NOT_NULL(test, mem);
	memset(mem, value, PAGES * PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, 0, copy_to_user((void __user *)at, mem,
					      PAGES * PAGE_SIZE));
	return (u8 *)at;
}

static PMDL undescribed(struct kunit *test, PVOID at, ULONG bytes)
{
	PMDL mdl = IoAllocateMdl(at, bytes, FALSE, FALSE, NULL);

	KUNIT_ASSERT_NOT_NULL(test, mdl);
	return mdl;
}

static void unlock_under_a_spinlock(PMDL mdl)
{
	spin_lock(&winmdl_lock);
	MmUnlockPages(mdl);
	spin_unlock(&winmdl_lock);
}

static void expect_unlocked(struct kunit *test, PMDL mdl, struct page *page,
			    bool dirty)
{
	KUNIT_EXPECT_EQ(test, mdl->PfnCount, 0);
	KUNIT_EXPECT_NULL(test, MmGetSystemAddressForMdlSafe(mdl, 0));
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_FALSE(test, folio_maybe_dma_pinned(page_folio(page)));
	KUNIT_EXPECT_EQ(test, !!PageDirty(page), dirty);
}

static void locking_user_memory(struct kunit *test)
{
	u8 *user = user_memory(test, 0x5a), *p, value = 0;
	PMDL mdl = undescribed(test, user + FROM, BYTES);
	struct page *page;
	u32 i;

	EXPECT_STATUS(test, MmProbeAndLockPages(mdl, UserMode, IoModifyAccess),
		      STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, mdl->PfnCount, PAGES);
	page = pfn_to_page(MmGetMdlPfnArray(mdl)[0]);
	get_page(page);
	KUNIT_EXPECT_TRUE(test, folio_maybe_dma_pinned(page_folio(page)));
	ClearPageDirty(page);
	KUNIT_EXPECT_EQ(test, MmGetMdlByteOffset(mdl), FROM);
	KUNIT_EXPECT_PTR_EQ(test, MmGetMdlVirtualAddress(mdl),
			    (PVOID)(user + FROM));
	p = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority |
					 MdlMappingNoExecute);
	KUNIT_ASSERT_NOT_NULL(test, p);
	KUNIT_EXPECT_PTR_NE(test, p, user + FROM);
	for (i = 0; i < BYTES; i++)
		if (p[i] != 0x5a)
			break;
	KUNIT_EXPECT_EQ(test, i, BYTES);
	/* Both sides have the same memory */
	p[BYTES - 1] = 0xc3;
	KUNIT_EXPECT_EQ(test, 0, copy_from_user(&value, (void __force __user *)
						(user + FROM + BYTES - 1), 1));
	KUNIT_EXPECT_EQ(test, value, 0xc3);
	KUNIT_EXPECT_PTR_EQ(test, (PVOID)p, MmGetSystemAddressForMdlSafe(mdl, 0));
	MmUnmapLockedPages(p, mdl);
	KUNIT_EXPECT_PTR_EQ(test, MmGetMdlVirtualAddress(mdl),
			    (PVOID)(user + FROM));
	/* It stays although its owner unmaps it */
	KUNIT_EXPECT_EQ(test, 0, vm_munmap((unsigned long)user,
					   PAGES * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, 0, kmcl_mdl_read(kmcl_from_mdl(mdl), BYTES - 1,
					       &value, 1));
	KUNIT_EXPECT_EQ(test, value, 0xc3);
	unlock_under_a_spinlock(mdl);
	expect_unlocked(test, mdl, page, true);
	put_page(page);
	IoFreeMdl(mdl);
}

static void locking_user_memory_to_read(struct kunit *test)
{
	u8 *user = user_memory(test, 7), value = 0;
	PMDL mdl = undescribed(test, user, PAGE_SIZE);
	struct page *page;
	u8 *p;

	EXPECT_STATUS(test, MmProbeAndLockPages(mdl, KernelMode, IoReadAccess),
		      STATUS_SUCCESS);
	KUNIT_ASSERT_EQ(test, mdl->PfnCount, 1);
	page = pfn_to_page(MmGetMdlPfnArray(mdl)[0]);
	get_page(page);
	ClearPageDirty(page);
	/* One page: the kernel has it mapped */
	p = MmGetSystemAddressForMdlSafe(mdl, 0);
	KUNIT_EXPECT_PTR_EQ(test, (void *)p, page_address(page));
	KUNIT_EXPECT_EQ(test, p[PAGE_SIZE - 1], 7);
	KUNIT_EXPECT_EQ(test, -EACCES, kmcl_mdl_write(kmcl_from_mdl(mdl), 0,
						      &value, 1));
	/* Locked once */
	EXPECT_STATUS(test, MmProbeAndLockPages(mdl, UserMode, IoReadAccess),
		      STATUS_INVALID_DEVICE_STATE);
	KUNIT_EXPECT_EQ(test, mdl->PfnCount, 1);
	unlock_under_a_spinlock(mdl);
	expect_unlocked(test, mdl, page, false);
	put_page(page);
	/* Again, and to write */
	EXPECT_STATUS(test, MmProbeAndLockPages(mdl, UserMode, IoWriteAccess),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, 0, kmcl_mdl_write(kmcl_from_mdl(mdl), 0, &value,
						1));
	MmUnlockPages(mdl);
	MmUnlockPages(mdl);
	IoFreeMdl(mdl);
}

static void locking_what_cannot_be_locked(struct kunit *test)
{
	u8 *user = user_memory(test, 1);
	PMDL mdl = undescribed(test, user, 2 * PAGE_SIZE);
	PMDL kernel = undescribed(test, &winmdl_lock, 8);
	PMDL nowhere = undescribed(test, NOWHERE, 8);
	PMDL end = undescribed(test, (PVOID)(ULONG_MAX - 7), 4096);
	PMDL none = undescribed(test, user, 0);
	struct page *page;

	/* The first page is there, the second one is not */
	EXPECT_STATUS(test, MmProbeAndLockPages(mdl, UserMode, IoReadAccess),
		      STATUS_SUCCESS);
	page = pfn_to_page(MmGetMdlPfnArray(mdl)[0]);
	get_page(page);
	MmUnlockPages(mdl);
	KUNIT_EXPECT_EQ(test, 0, vm_munmap((unsigned long)user + PAGE_SIZE,
					   PAGE_SIZE));
	ClearPageDirty(page);
	EXPECT_STATUS(test, MmProbeAndLockPages(mdl, UserMode, IoWriteAccess),
		      STATUS_ACCESS_VIOLATION);
	expect_unlocked(test, mdl, page, false);
	put_page(page);
	EXPECT_STATUS(test, MmProbeAndLockPages(nowhere, UserMode, IoReadAccess),
		      STATUS_ACCESS_VIOLATION);
	EXPECT_STATUS(test, MmProbeAndLockPages(nowhere, KernelMode,
						IoReadAccess),
		      STATUS_ACCESS_VIOLATION);
	EXPECT_STATUS(test, MmProbeAndLockPages(kernel, UserMode, IoReadAccess),
		      STATUS_ACCESS_VIOLATION);
	EXPECT_STATUS(test, MmProbeAndLockPages(end, UserMode, IoReadAccess),
		      STATUS_ACCESS_VIOLATION);
	EXPECT_STATUS(test, MmProbeAndLockPages(none, UserMode, IoReadAccess),
		      STATUS_ACCESS_VIOLATION);
	KUNIT_EXPECT_EQ(test, mdl->PfnCount + kernel->PfnCount +
			nowhere->PfnCount + end->PfnCount + none->PfnCount, 0);
	IoFreeMdl(mdl);
	IoFreeMdl(kernel);
	IoFreeMdl(nowhere);
	IoFreeMdl(end);
	IoFreeMdl(none);
}

static void locking_memory_that_is_not_writable(struct kunit *test)
{
	unsigned long at = kunit_vm_mmap(test, NULL, 0, PAGE_SIZE, PROT_READ,
					 MAP_ANONYMOUS | MAP_PRIVATE, 0);
	PMDL mdl = undescribed(test, (PVOID)at, 8);

	EXPECT_STATUS(test, MmProbeAndLockPages(mdl, UserMode, IoWriteAccess),
		      STATUS_ACCESS_VIOLATION);
	EXPECT_STATUS(test, MmProbeAndLockPages(mdl, UserMode, IoModifyAccess),
		      STATUS_ACCESS_VIOLATION);
	EXPECT_STATUS(test, MmProbeAndLockPages(mdl, UserMode, IoReadAccess),
		      STATUS_SUCCESS);
	MmUnlockPages(mdl);
	IoFreeMdl(mdl);
}

struct lock_job {
	struct work_struct work;
	PMDL mdl;
	NTSTATUS status;
};

static void lock_without_user_space(struct work_struct *work)
{
	struct lock_job *job = container_of(work, struct lock_job, work);

	job->status = MmProbeAndLockPages(job->mdl, UserMode, IoReadAccess);
}

/* A kernel thread would lock what the last task left behind */
static void a_kernel_thread_locks_no_user_memory(struct kunit *test)
{
	struct lock_job job = {
		.mdl = undescribed(test, user_memory(test, 1), 8),
	};

	INIT_WORK_ONSTACK(&job.work, lock_without_user_space);
	queue_work(kmcl_wq, &job.work);
	flush_work(&job.work);
	destroy_work_on_stack(&job.work);
	EXPECT_STATUS(test, job.status, STATUS_ACCESS_VIOLATION);
	IoFreeMdl(job.mdl);
}

static void locking_kernel_memory(struct kunit *test)
{
	u8 *mem = vmalloc(BYTES);
	PMDL mdl;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	mdl = undescribed(test, mem, BYTES);
	spin_lock(&winmdl_lock);
	EXPECT_STATUS(test, MmProbeAndLockPages(mdl, KernelMode, IoModifyAccess),
		      STATUS_SUCCESS);
	spin_unlock(&winmdl_lock);
	KUNIT_EXPECT_EQ(test, MmGetMdlPfnArray(mdl)[1],
			page_to_pfn(vmalloc_to_page(mem + PAGE_SIZE)));
	KUNIT_EXPECT_PTR_EQ(test, MmGetSystemAddressForMdlSafe(mdl, 0),
			    (PVOID)mem);
	unlock_under_a_spinlock(mdl);
	IoFreeMdl(mdl);
	vfree(mem);
}

#define PAGES_EX(low, high, bytes, cache, flags) \
	MmAllocatePagesForMdlEx((PHYSICAL_ADDRESS){ .QuadPart = (low) }, \
				(PHYSICAL_ADDRESS){ .QuadPart = (high) }, \
				(PHYSICAL_ADDRESS){ .QuadPart = 0 }, bytes, \
				cache, flags)

static PMDL pages(struct kunit *test, SIZE_T bytes, ULONG flags)
{
	PMDL mdl = PAGES_EX(0, -1, bytes, MmCached, flags);

	KUNIT_ASSERT_NOT_NULL(test, mdl);
	return mdl;
}

static void free_pages_and_mdl(PMDL mdl)
{
	MmFreePagesFromMdl(mdl);
	IoFreeMdl(mdl);
}

static void allocating_pages(struct kunit *test)
{
	PMDL mdl = pages(test, 2 * PAGE_SIZE + 1, MM_ALLOCATE_FULLY_REQUIRED);
	u8 *p;

	KUNIT_EXPECT_EQ(test, MmGetMdlByteCount(mdl), 3 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, MmGetMdlByteOffset(mdl), 0);
	KUNIT_EXPECT_EQ(test, mdl->PfnCount, 3);
	KUNIT_EXPECT_NULL(test, MmGetMdlVirtualAddress(mdl));
	KUNIT_EXPECT_NE(test, MmGetMdlPfnArray(mdl)[0], MmGetMdlPfnArray(mdl)[1]);
	p = MmMapLockedPagesSpecifyCache(mdl, KernelMode, MmCached, NULL, FALSE,
					 NormalPagePriority |
					 MdlMappingNoExecute);
	KUNIT_ASSERT_NOT_NULL(test, p);
	memset(p, 0xa5, 3 * PAGE_SIZE);
	KUNIT_EXPECT_PTR_EQ(test, (PVOID)p,
			    MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority));
	MmUnmapLockedPages(p, mdl);
	MmFreePagesFromMdl(mdl);
	KUNIT_EXPECT_EQ(test, mdl->PfnCount, 0);
	KUNIT_EXPECT_NULL(test, MmGetSystemAddressForMdlSafe(mdl, 0));
	MmFreePagesFromMdl(mdl);
	IoFreeMdl(mdl);
}

/* Pages that are not in order are mapped, those and no others */
static void freeing_pages_unmaps_them(struct kunit *test)
{
	PMDL mdl = pages(test, 3 * PAGE_SIZE, 0);
	unsigned long *pfns = kmcl_from_mdl(mdl)->pfns;
	u8 *p;

	if (pfns[0] < pfns[1])
		swap(pfns[0], pfns[1]);
	p = MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority);
	KUNIT_ASSERT_TRUE(test, is_vmalloc_addr(p));
	KUNIT_EXPECT_EQ(test, get_vm_area_size(find_vm_area(p)), 3 * PAGE_SIZE);
	MmFreePagesFromMdl(mdl);
	KUNIT_EXPECT_NULL(test, find_vm_area(p));
	IoFreeMdl(mdl);
}

/* Those that were freed last are the first to be allocated again */
static void pages_are_zeroed(struct kunit *test)
{
	static const u8 zeroes[64];
	u8 bytes[64];
	PMDL mdl;
	u32 i;

	mdl = pages(test, 8 * PAGE_SIZE, MM_DONT_ZERO_ALLOCATION);
	memset(bytes, 0xa5, sizeof(bytes));
	for (i = 0; i < 8 * PAGE_SIZE; i += sizeof(bytes))
		KUNIT_ASSERT_EQ(test, 0, kmcl_mdl_write(kmcl_from_mdl(mdl), i,
							bytes, sizeof(bytes)));
	free_pages_and_mdl(mdl);
	mdl = pages(test, 8 * PAGE_SIZE, MM_ALLOCATE_FROM_LOCAL_NODE_ONLY);
	for (i = 0; i < 8 * PAGE_SIZE; i += sizeof(bytes)) {
		KUNIT_ASSERT_EQ(test, 0, kmcl_mdl_read(kmcl_from_mdl(mdl), i,
						       bytes, sizeof(bytes)));
		KUNIT_ASSERT_MEMEQ(test, bytes, zeroes, sizeof(bytes));
	}
	free_pages_and_mdl(mdl);
}

static void pages_under_a_spinlock(struct kunit *test)
{
	PMDL mdl, large = pages(test, SZ_4M, 0);

	spin_lock(&winmdl_lock);
	mdl = PAGES_EX(0, -1, 2 * PAGE_SIZE, MmCached, MM_ALLOCATE_NO_WAIT);
	if (mdl)
		free_pages_and_mdl(mdl);
	free_pages_and_mdl(large);
	spin_unlock(&winmdl_lock);
	KUNIT_EXPECT_PTR_NE(test, mdl, NULL);
}

static void pages_below_an_address(struct kunit *test)
{
	PMDL mdl = PAGES_EX(0, U32_MAX, PAGE_SIZE, MmCached,
			    MM_ALLOCATE_PREFER_CONTIGUOUS);

	KUNIT_ASSERT_EQ(test, !!mdl, IS_ENABLED(CONFIG_ZONE_DMA32));
	if (!mdl)
		return;
	KUNIT_EXPECT_LT(test, MmGetMdlPfnArray(mdl)[0], 1 << 20);
	free_pages_and_mdl(mdl);
}

static void pages_that_there_cannot_be(struct kunit *test)
{
	KUNIT_EXPECT_NULL(test, PAGES_EX(0, -1, 0, MmCached, 0));
	KUNIT_EXPECT_NULL(test, PAGES_EX(PAGE_SIZE, -1, 8, MmCached, 0));
	KUNIT_EXPECT_NULL(test, PAGES_EX(0, SZ_16M - 1, 8, MmCached, 0));
	KUNIT_EXPECT_NULL(test, PAGES_EX(0, -1, 8, MmNonCached, 0));
	KUNIT_EXPECT_NULL(test, PAGES_EX(0, -1, 8, MmWriteCombined, 0));
	KUNIT_EXPECT_NULL(test, PAGES_EX(0, -1, 8, MmCached,
					 MM_ALLOCATE_REQUIRE_CONTIGUOUS_CHUNKS));
	KUNIT_EXPECT_NULL(test, PAGES_EX(0, -1, 1ULL << 32, MmCached, 0));
	KUNIT_EXPECT_NULL(test, PAGES_EX(0, -1, U32_MAX, MmCached, 0));
	KUNIT_EXPECT_NULL(test, PAGES_EX(0, -1, U32_MAX - 4095, MmCached,
					 MM_ALLOCATE_FULLY_REQUIRED));
}

static void mappings_that_there_cannot_be(struct kunit *test)
{
	PMDL mdl = pages(test, 8, 0);

#define MAP(mode, cache) \
	MmMapLockedPagesSpecifyCache(mdl, mode, cache, NULL, FALSE, 0)
	KUNIT_EXPECT_NULL(test, MAP(UserMode, MmCached));
	KUNIT_EXPECT_NULL(test, MAP(KernelMode, MmNonCached));
	KUNIT_EXPECT_NULL(test, MAP(KernelMode, MmWriteCombined));
	KUNIT_EXPECT_NOT_NULL(test, MAP(KernelMode, MmCached));
#undef MAP
	free_pages_and_mdl(mdl);
	/* Pages that are not the MDL's own are not freed */
	mdl = win_describe(test, &winmdl_lock, 8);
	MmFreePagesFromMdl(mdl);
	KUNIT_EXPECT_EQ(test, mdl->PfnCount, 1);
	IoFreeMdl(mdl);
}

static struct kunit_case winmdl_cases[] = {
	KUNIT_CASE(freed_under_a_spinlock),
	KUNIT_CASE(locking_user_memory),
	KUNIT_CASE(locking_user_memory_to_read),
	KUNIT_CASE(locking_what_cannot_be_locked),
	KUNIT_CASE(locking_memory_that_is_not_writable),
	KUNIT_CASE(a_kernel_thread_locks_no_user_memory),
	KUNIT_CASE(locking_kernel_memory),
	KUNIT_CASE(allocating_pages),
	KUNIT_CASE(freeing_pages_unmaps_them),
	KUNIT_CASE(pages_are_zeroed),
	KUNIT_CASE(pages_under_a_spinlock),
	KUNIT_CASE(pages_below_an_address),
	KUNIT_CASE(pages_that_there_cannot_be),
	KUNIT_CASE(mappings_that_there_cannot_be),
	{}
};

static struct kunit_suite winmdl_suite = {
	.name = "kmcl_winmdl",
	.init = leaks_watch,
	.test_cases = winmdl_cases,
};

kunit_test_suite(winmdl_suite);

MODULE_DESCRIPTION("KUnit tests of MDLs under Windows' names");
MODULE_LICENSE("GPL");
