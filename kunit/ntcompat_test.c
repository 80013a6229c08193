// SPDX-License-Identifier: GPL-2.0
/*
 * Windows' types, status codes, lists and pool, as drivers that are ported use
 * them. Where Linux has something of the kind with other semantics, it is
 * Windows' that is expected.
 */
#include <kunit/test.h>
#include <linux/align.h>
#include <linux/bottom_half.h>
#include <linux/console.h>
#include <linux/list.h>
#include <linux/string.h>
#include <kmcl/vmbuskernelmodeclientlibapi.h>
#include <kmcl/ntcompat.h>

#define TAG	0x74736574

struct item {
	int number;
	LIST_ENTRY Link;
};

static void integers_have_windows_sizes(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, sizeof(ULONG), 4);
	KUNIT_EXPECT_EQ(test, sizeof(LONG), 4);
	KUNIT_EXPECT_EQ(test, sizeof(ULONGLONG), 8);
	KUNIT_EXPECT_EQ(test, sizeof(WCHAR), 2);
	KUNIT_EXPECT_EQ(test, sizeof(ULONG_PTR), sizeof(PVOID));
	KUNIT_EXPECT_TRUE(test, (SHORT)-1 < 0 && (INT8)-1 < 0 &&
			  (LONG_PTR)-1 < 0);
	KUNIT_EXPECT_TRUE(test, (USHORT)-1 > 0 && (UCHAR)-1 > 0);
}

static void sizes_are_rounded(struct kunit *test)
{
	struct item item = {};

	KUNIT_EXPECT_EQ(test, ROUND_TO_SIZE(0, 8), 0);
	KUNIT_EXPECT_EQ(test, ROUND_TO_SIZE(1, 8), 8);
	KUNIT_EXPECT_EQ(test, ROUND_TO_SIZE(8, 8), 8);
	KUNIT_EXPECT_EQ(test, ROUND_TO_PAGES(4097), 8192);
	KUNIT_EXPECT_EQ(test, BYTES_TO_PAGES(0), 0);
	KUNIT_EXPECT_EQ(test, BYTES_TO_PAGES(4096), 1);
	KUNIT_EXPECT_EQ(test, BYTES_TO_PAGES(4097), 2);
	/* Two bytes on both sides of a boundary */
	KUNIT_EXPECT_EQ(test, ADDRESS_AND_SIZE_TO_SPAN_PAGES(0xfff, 2), 2);
	KUNIT_EXPECT_EQ(test, ADDRESS_AND_SIZE_TO_SPAN_PAGES(0x1000, 4096), 1);
	KUNIT_EXPECT_EQ(test, FIELD_OFFSET(struct item, Link),
			(LONG)offsetof(struct item, Link));
	KUNIT_EXPECT_PTR_EQ(test, CONTAINING_RECORD((PUCHAR)&item.Link,
						    struct item, Link), &item);
}

static const struct severity {
	u32 status;
	bool success, information, warning, error;
} severities[] = {
	{ 0x00000000, true, false, false, false },
	{ 0x00000102, true, false, false, false },
	{ 0x3fffffff, true, false, false, false },
	{ 0x40000000, true, true, false, false },
	{ 0x7fffffff, true, true, false, false },
	{ 0x80000005, false, false, true, false },
	{ 0xbfffffff, false, false, true, false },
	{ 0xc0000001, false, false, false, true },
	{ 0xffffffff, false, false, false, true },
};

static void a_status_is_of_one_kind(struct kunit *test)
{
	const struct severity *s;

	for (s = severities; s < severities + ARRAY_SIZE(severities); s++) {
		KUNIT_EXPECT_EQ(test, NT_SUCCESS(s->status), s->success);
		KUNIT_EXPECT_EQ(test, NT_INFORMATION(s->status), s->information);
		KUNIT_EXPECT_EQ(test, NT_WARNING(s->status), s->warning);
		KUNIT_EXPECT_EQ(test, NT_ERROR(s->status), s->error);
	}
	/* A wait that has timed out is a success */
	KUNIT_EXPECT_TRUE(test, NT_SUCCESS(STATUS_TIMEOUT));
}

DEFINE_GUID(Guid, 0x00112233, 0x4455, 0x6677, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
	    0xee, 0xff);

static void a_guid_has_windows_bytes(struct kunit *test)
{
	static const UCHAR bytes[] = {
		0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
		0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
	};
	GUID other = Guid;

	KUNIT_EXPECT_MEMEQ(test, &Guid, bytes, sizeof(bytes));
	KUNIT_EXPECT_TRUE(test, IsEqualGUID(&Guid, &other));
	other.b[15]++;
	KUNIT_EXPECT_FALSE(test, IsEqualGUID(&Guid, &other));
}

/* The list's entries, forwards and backwards, are these */
static void expect_list(struct kunit *test, PLIST_ENTRY head, const char *numbers)
{
	char forwards[8] = "", backwards[8] = "";
	PLIST_ENTRY entry;
	int n = 0, m = 0;

	for (entry = head->Flink; entry != head && n < 7; entry = entry->Flink)
		forwards[n++] = '0' + CONTAINING_RECORD(entry, struct item,
							Link)->number;
	for (entry = head->Blink; entry != head && m < 7; entry = entry->Blink)
		m++;
	KUNIT_ASSERT_EQ(test, n, m);
	for (entry = head->Blink; entry != head; entry = entry->Blink)
		backwards[--m] = '0' + CONTAINING_RECORD(entry, struct item,
							 Link)->number;
	KUNIT_EXPECT_STREQ(test, forwards, numbers);
	KUNIT_EXPECT_STREQ(test, backwards, numbers);
}

/* list_add_tail() has them the other way round */
static void the_list_comes_before_the_entry(struct kunit *test)
{
	struct item one = { 1 }, two = { 2 }, three = { 3 };
	LIST_ENTRY head;

	InitializeListHead(&head);
	KUNIT_EXPECT_TRUE(test, IsListEmpty(&head));
	InsertTailList(&head, &one.Link);
	KUNIT_EXPECT_FALSE(test, IsListEmpty(&head));
	InsertTailList(&head, &two.Link);
	InsertHeadList(&head, &three.Link);
	expect_list(test, &head, "312");
}

static void removing_says_whether_the_list_is_empty(struct kunit *test)
{
	struct item one = { 1 }, two = { 2 }, three = { 3 };
	LIST_ENTRY head;

	InitializeListHead(&head);
	InsertTailList(&head, &one.Link);
	InsertTailList(&head, &two.Link);
	InsertTailList(&head, &three.Link);
	KUNIT_EXPECT_FALSE(test, RemoveEntryList(&two.Link));
	expect_list(test, &head, "13");
	KUNIT_EXPECT_FALSE(test, RemoveEntryList(&three.Link));
	KUNIT_EXPECT_TRUE(test, RemoveEntryList(&one.Link));
	KUNIT_EXPECT_TRUE(test, IsListEmpty(&head));
}

static void entries_are_taken_from_both_ends(struct kunit *test)
{
	struct item one = { 1 }, two = { 2 }, three = { 3 };
	LIST_ENTRY head;

	InitializeListHead(&head);
	InsertTailList(&head, &one.Link);
	InsertTailList(&head, &two.Link);
	InsertTailList(&head, &three.Link);
	KUNIT_EXPECT_PTR_EQ(test, RemoveHeadList(&head), &one.Link);
	KUNIT_EXPECT_PTR_EQ(test, RemoveTailList(&head), &three.Link);
	expect_list(test, &head, "2");
	KUNIT_EXPECT_PTR_EQ(test, RemoveHeadList(&head), &two.Link);
	/* Not NULL: the list itself */
	KUNIT_EXPECT_PTR_EQ(test, RemoveHeadList(&head), &head);
	KUNIT_EXPECT_PTR_EQ(test, RemoveTailList(&head), &head);
	KUNIT_EXPECT_TRUE(test, IsListEmpty(&head));
}

static void a_list_is_appended(struct kunit *test)
{
	struct item one = { 1 }, two = { 2 }, three = { 3 }, four = { 4 };
	LIST_ENTRY head, other;

	InitializeListHead(&head);
	InitializeListHead(&other);
	InsertTailList(&head, &one.Link);
	InsertTailList(&head, &two.Link);
	InsertTailList(&other, &three.Link);
	InsertTailList(&other, &four.Link);
	RemoveEntryList(&other);
	AppendTailList(&head, &three.Link);
	expect_list(test, &head, "1234");
}

static void a_stack_gives_the_last_one_first(struct kunit *test)
{
	SINGLE_LIST_ENTRY head = {}, one, two;

	KUNIT_EXPECT_NULL(test, PopEntryList(&head));
	PushEntryList(&head, &one);
	PushEntryList(&head, &two);
	KUNIT_EXPECT_PTR_EQ(test, PopEntryList(&head), &two);
	KUNIT_EXPECT_PTR_EQ(test, PopEntryList(&head), &one);
	KUNIT_EXPECT_NULL(test, PopEntryList(&head));
}

static const POOL_FLAGS kinds[] = { POOL_FLAG_NON_PAGED, POOL_FLAG_PAGED };

/* Memory of this size that was in use before is zeroed, and where it has to be */
static void expect_zeroed(struct kunit *test, POOL_FLAGS kind, SIZE_T size)
{
	PUCHAR memory = ExAllocatePool2(kind | POOL_FLAG_UNINITIALIZED, size,
					TAG);

	KUNIT_ASSERT_NOT_NULL(test, memory);
	RtlFillMemory(memory, size, 0xa5);
	ExFreePool(memory);
	memory = ExAllocatePool2(kind, size, TAG);
	KUNIT_ASSERT_NOT_NULL(test, memory);
	KUNIT_EXPECT_NULL(test, memchr_inv(memory, 0, size));
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED((ULONG_PTR)memory, size < PAGE_SIZE ?
					   MEMORY_ALLOCATION_ALIGNMENT :
					   PAGE_SIZE));
	ExFreePoolWithTag(memory, TAG);
}

static void pool_is_zeroed_and_aligned(struct kunit *test)
{
	static const SIZE_T sizes[] = {
		1, 24, 72, 96, 136, 192, 200, 2000, 4095, 4096, 5000, 12288, 20000,
	};
	int i, k;

	for (k = 0; k < ARRAY_SIZE(kinds); k++) {
		for (i = 0; i < ARRAY_SIZE(sizes); i++)
			expect_zeroed(test, kinds[k], sizes[i]);
	}
}

static void pool_fills_a_cache_line(struct kunit *test)
{
	PVOID memory = ExAllocatePool2(POOL_FLAG_NON_PAGED |
				       POOL_FLAG_CACHE_ALIGNED, 20, TAG);

	KUNIT_ASSERT_NOT_NULL(test, memory);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED((ULONG_PTR)memory, L1_CACHE_BYTES));
	ExFreePool(memory);
}

/* Which the deprecated functions that have a successor say in their names */
static void older_functions_get_pool_as_well(struct kunit *test)
{
	PUCHAR memory = ExAllocatePoolZero(NonPagedPoolNx, 100, TAG);

	KUNIT_ASSERT_NOT_NULL(test, memory);
	KUNIT_EXPECT_NULL(test, memchr_inv(memory, 0, 100));
	ExFreePool(memory);
	memory = ExAllocatePoolUninitialized(PagedPool, 100, TAG);
	KUNIT_EXPECT_NOT_NULL(test, memory);
	ExFreePool(memory);
	memory = ExAllocatePoolWithTag(NonPagedPool, 100, TAG);
	KUNIT_EXPECT_NOT_NULL(test, memory);
	ExFreePool(memory);
}

static void pool_is_refused(struct kunit *test)
{
	static const POOL_FLAGS bad[] = {
		0, POOL_FLAG_PAGED | POOL_FLAG_NON_PAGED, POOL_FLAG_UNINITIALIZED,
		POOL_FLAG_NON_PAGED_EXECUTE,
		POOL_FLAG_PAGED | POOL_FLAG_SESSION,
		POOL_FLAG_PAGED | POOL_FLAG_RAISE_ON_FAILURE,
		POOL_FLAG_PAGED | BIT_ULL(31),
	};
	PVOID memory;
	int i;

	KUNIT_EXPECT_NULL(test, ExAllocatePool2(POOL_FLAG_NON_PAGED, 16, 0));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_NULL(test, ExAllocatePool2(bad[i], 16, TAG));
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		KUNIT_EXPECT_NULL(test, ExAllocatePool2(kinds[i], MAXSIZE_T,
							TAG));
		KUNIT_EXPECT_NULL(test, ExAllocatePool2(kinds[i], MAXSIZE_T / 2,
							TAG));
	}
	/* What is unknown in the upper half is no error */
	memory = ExAllocatePool2(POOL_FLAG_NON_PAGED | BIT_ULL(40), 16, TAG);
	KUNIT_EXPECT_NOT_NULL(test, memory);
	ExFreePool(memory);
}

/* A kernel that checks finds a call that might sleep */
static void pool_at_dispatch_does_not_sleep(struct kunit *test)
{
	PVOID memory, large;

	local_bh_disable();
	rcu_read_lock();
	memory = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, TAG);
	large = ExAllocatePool2(POOL_FLAG_NON_PAGED, 12288, TAG);
	ExFreePool(large);
	ExFreePool(memory);
	rcu_read_unlock();
	local_bh_enable();
	KUNIT_EXPECT_NOT_NULL(test, memory);
	KUNIT_EXPECT_NOT_NULL(test, large);
}

/* Which printk() takes from the start of the text */
static void each_level_is_one_of_linux(struct kunit *test)
{
	KUNIT_EXPECT_STREQ(test, kmcl_nt_loglevel(DPFLTR_ERROR_LEVEL), KERN_ERR);
	KUNIT_EXPECT_STREQ(test, kmcl_nt_loglevel(DPFLTR_WARNING_LEVEL),
			   KERN_WARNING);
	KUNIT_EXPECT_STREQ(test, kmcl_nt_loglevel(DPFLTR_INFO_LEVEL), KERN_INFO);
	KUNIT_EXPECT_STREQ(test, kmcl_nt_loglevel(DPFLTR_TRACE_LEVEL),
			   KERN_DEBUG);
	KUNIT_EXPECT_STREQ(test, kmcl_nt_loglevel(0x80000008), KERN_DEBUG);
}

/* The messages that begin with the tests' word, without what comes before it */
static char printed[64];

/* Any context, with the console's lock held */
static void console_write(struct console *con, const char *s, unsigned int n)
{
	const char *text = strnstr(s, "ntcompat: ", n);

	if (text && !printed[0])
		snprintf(printed, sizeof(printed), "%.*s",
			 (int)(n - (text - s)), text);
}

static struct console listener = {
	.name = "ntcompat",
	.write = console_write,
	.flags = CON_ENABLED,
	.index = -1,
};

static void messages_are_printed(struct kunit *test)
{
	int evaluated = 0;

	printed[0] = 0;
	register_console(&listener);
	KUNIT_EXPECT_EQ(test, DbgPrintEx(DPFLTR_IHVDRIVER_ID,
					 DPFLTR_ERROR_LEVEL, "ntcompat: %s %d\n",
					 "error", 5), 0);
	unregister_console(&listener);
	KUNIT_EXPECT_STREQ(test, printed, "ntcompat: error 5\n");
	KdPrint(("ntcompat: %d\n", ++evaluated));
	KUNIT_EXPECT_EQ(test, evaluated, 1);
	KUNIT_EXPECT_TRUE(test, NT_ASSERT(++evaluated == 2));
}

static struct kunit_case ntcompat_cases[] = {
	KUNIT_CASE(integers_have_windows_sizes),
	KUNIT_CASE(sizes_are_rounded),
	KUNIT_CASE(a_status_is_of_one_kind),
	KUNIT_CASE(a_guid_has_windows_bytes),
	KUNIT_CASE(the_list_comes_before_the_entry),
	KUNIT_CASE(removing_says_whether_the_list_is_empty),
	KUNIT_CASE(entries_are_taken_from_both_ends),
	KUNIT_CASE(a_list_is_appended),
	KUNIT_CASE(a_stack_gives_the_last_one_first),
	KUNIT_CASE(pool_is_zeroed_and_aligned),
	KUNIT_CASE(pool_fills_a_cache_line),
	KUNIT_CASE(older_functions_get_pool_as_well),
	KUNIT_CASE(pool_is_refused),
	KUNIT_CASE(pool_at_dispatch_does_not_sleep),
	KUNIT_CASE(each_level_is_one_of_linux),
	KUNIT_CASE(messages_are_printed),
	{}
};

static struct kunit_suite ntcompat_suite = {
	.name = "kmcl_ntcompat",
	.test_cases = ntcompat_cases,
};

kunit_test_suite(ntcompat_suite);

MODULE_DESCRIPTION("KUnit tests of Windows' names for drivers that are ported");
MODULE_LICENSE("GPL");
