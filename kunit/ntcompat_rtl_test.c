// SPDX-License-Identifier: GPL-2.0
/*
 * Windows' functions for memory and strings, as drivers that are ported use them:
 * what they return, what they cut off, and what they leave alone.
 */
#include <kunit/test.h>
#include <kmcl/vmbuskernelmodeclientlibapi.h>
#include <kmcl/ntcompat.h>

#define EXPECT_STATUS(test, call, status) \
	KUNIT_EXPECT_EQ(test, (u32)(call), (u32)(status))

static void memory_is_copied_and_filled(struct kunit *test)
{
	CHAR block[9] = "abcdefgh";

	RtlMoveMemory(block + 1, block, 4);
	KUNIT_EXPECT_STREQ(test, block, "aabcdfgh");
	RtlCopyMemory(block, "xy", 2);
	KUNIT_EXPECT_STREQ(test, block, "xybcdfgh");
	/* The length is second, the byte third: not as memset() */
	RtlFillMemory(block, 3, 'z');
	KUNIT_EXPECT_STREQ(test, block, "zzzcdfgh");
	RtlZeroMemory(block + 4, 4);
	KUNIT_EXPECT_STREQ(test, block, "zzzc");
	KUNIT_EXPECT_PTR_EQ(test, RtlSecureZeroMemory(block, 8), (PVOID)block);
	KUNIT_EXPECT_EQ(test, block[0] | block[3], 0);
}

static void comparing_counts_what_is_equal(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, RtlCompareMemory("abcd", "abcd", 4), 4);
	KUNIT_EXPECT_EQ(test, RtlCompareMemory("abcd", "abXd", 4), 2);
	KUNIT_EXPECT_EQ(test, RtlCompareMemory("abcd", "Xbcd", 4), 0);
	KUNIT_EXPECT_EQ(test, RtlCompareMemory("a", "b", 0), 0);
	KUNIT_EXPECT_TRUE(test, RtlEqualMemory("abcd", "abcd", 4));
	KUNIT_EXPECT_FALSE(test, RtlEqualMemory("abcd", "abcX", 4));
}

static void a_string_is_described(struct kunit *test)
{
	UNICODE_STRING string;
	PWSTR longest;
	int i;

	RtlInitUnicodeString(&string, L"abc");
	KUNIT_EXPECT_EQ(test, string.Length, 6);
	KUNIT_EXPECT_EQ(test, string.MaximumLength, 8);
	RtlInitUnicodeString(&string, L"");
	KUNIT_EXPECT_EQ(test, string.Length, 0);
	KUNIT_EXPECT_EQ(test, string.MaximumLength, 2);
	RtlInitUnicodeString(&string, NULL);
	KUNIT_EXPECT_EQ(test, string.Length, 0);
	KUNIT_EXPECT_EQ(test, string.MaximumLength, 0);
	KUNIT_EXPECT_NULL(test, string.Buffer);

	longest = kunit_kcalloc(test, 40000, sizeof(WCHAR), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, longest);
	for (i = 0; i < 39999; i++)
		longest[i] = 'x';
	RtlInitUnicodeString(&string, longest);
	KUNIT_EXPECT_EQ(test, string.Length, 65532);
	KUNIT_EXPECT_EQ(test, string.MaximumLength, 65534);
}

static void a_string_is_copied_as_far_as_there_is_room(struct kunit *test)
{
	WCHAR buffer[4] = { 'x', 'x', 'x', 'x' };
	UNICODE_STRING source, string;

	RtlInitUnicodeString(&source, L"abc");
	RtlInitEmptyUnicodeString(&string, buffer, 6);
	RtlCopyUnicodeString(&string, &source);
	KUNIT_EXPECT_EQ(test, string.Length, 6);
	KUNIT_EXPECT_EQ(test, string.MaximumLength, 6);
	KUNIT_EXPECT_MEMEQ(test, buffer, L"abcx", 8);
	string.MaximumLength = 4;
	RtlCopyUnicodeString(&string, &source);
	KUNIT_EXPECT_EQ(test, string.Length, 4);
	string.MaximumLength = 8;
	RtlCopyUnicodeString(&string, &source);
	KUNIT_EXPECT_MEMEQ(test, buffer, L"abc", 8);
	RtlCopyUnicodeString(&string, NULL);
	KUNIT_EXPECT_EQ(test, string.Length, 0);
	KUNIT_EXPECT_EQ(test, buffer[0], 0);
}

static void a_string_is_appended_whole_or_not(struct kunit *test)
{
	WCHAR buffer[6] = {};
	UNICODE_STRING string;

	RtlInitEmptyUnicodeString(&string, buffer, 10);
	EXPECT_STATUS(test, RtlAppendUnicodeToString(&string, L"abc"),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, RtlAppendUnicodeToString(&string, L"def"),
		      STATUS_BUFFER_TOO_SMALL);
	KUNIT_EXPECT_EQ(test, string.Length, 6);
	KUNIT_EXPECT_MEMEQ(test, buffer, L"abc", 8);
	EXPECT_STATUS(test, RtlAppendUnicodeToString(&string, L"de"),
		      STATUS_SUCCESS);
	EXPECT_STATUS(test, RtlAppendUnicodeToString(&string, NULL),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, string.Length, 10);
	KUNIT_EXPECT_MEMEQ(test, buffer, L"abcde", 12);
}

static void strings_are_compared(struct kunit *test)
{
	UNICODE_STRING abc, upper, ab, empty;

	RtlInitUnicodeString(&abc, L"abc");
	RtlInitUnicodeString(&upper, L"ABC");
	RtlInitUnicodeString(&ab, L"ab");
	RtlInitUnicodeString(&empty, NULL);
	KUNIT_EXPECT_TRUE(test, RtlEqualUnicodeString(&abc, &abc, FALSE));
	KUNIT_EXPECT_FALSE(test, RtlEqualUnicodeString(&abc, &upper, FALSE));
	KUNIT_EXPECT_TRUE(test, RtlEqualUnicodeString(&abc, &upper, TRUE));
	KUNIT_EXPECT_FALSE(test, RtlEqualUnicodeString(&abc, &ab, TRUE));
	KUNIT_EXPECT_TRUE(test, RtlEqualUnicodeString(&empty, &empty, FALSE));
	KUNIT_EXPECT_GT(test, RtlCompareUnicodeString(&abc, &ab, FALSE), 0);
	KUNIT_EXPECT_LT(test, RtlCompareUnicodeString(&upper, &ab, FALSE), 0);
}

static void what_does_not_fit_is_cut_off(struct kunit *test)
{
	CHAR text[4] = "xxx";

	EXPECT_STATUS(test, RtlStringCbCopyA(text, 4, "abc"), STATUS_SUCCESS);
	KUNIT_EXPECT_STREQ(test, text, "abc");
	EXPECT_STATUS(test, RtlStringCchCopyA(text, 4, "defg"),
		      STATUS_BUFFER_OVERFLOW);
	KUNIT_EXPECT_STREQ(test, text, "def");
	/* Which is no success: the result has to be checked */
	KUNIT_EXPECT_FALSE(test, NT_SUCCESS(STATUS_BUFFER_OVERFLOW));
	EXPECT_STATUS(test, RtlStringCbCopyA(text, 0, "x"),
		      STATUS_INVALID_PARAMETER);
	EXPECT_STATUS(test, RtlStringCbCopyA(text, 0x80000000, "x"),
		      STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_STREQ(test, text, "def");
}

static void text_is_put_behind_text(struct kunit *test)
{
	CHAR text[6] = "ab";

	EXPECT_STATUS(test, RtlStringCbCatA(text, 6, "cd"), STATUS_SUCCESS);
	KUNIT_EXPECT_STREQ(test, text, "abcd");
	EXPECT_STATUS(test, RtlStringCchCatA(text, 6, "ef"),
		      STATUS_BUFFER_OVERFLOW);
	KUNIT_EXPECT_STREQ(test, text, "abcde");
	EXPECT_STATUS(test, RtlStringCbCatA(text, 4, "x"),
		      STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_STREQ(test, text, "abcde");
}

static void text_is_printed(struct kunit *test)
{
	CHAR text[6];

	EXPECT_STATUS(test, RtlStringCbPrintfA(text, 6, "%d", 12345),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_STREQ(test, text, "12345");
	EXPECT_STATUS(test, RtlStringCchPrintfA(text, 6, "%d", 678901),
		      STATUS_BUFFER_OVERFLOW);
	KUNIT_EXPECT_STREQ(test, text, "67890");
	EXPECT_STATUS(test, RtlStringCbPrintfA(text, 0, "x"),
		      STATUS_INVALID_PARAMETER);
}

static void the_null_has_to_be_within_the_size(struct kunit *test)
{
	SIZE_T length = 99;

	EXPECT_STATUS(test, RtlStringCbLengthA("abc", 4, &length),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, length, 3);
	EXPECT_STATUS(test, RtlStringCchLengthA("abc", 3, &length),
		      STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, length, 0);
	EXPECT_STATUS(test, RtlStringCbLengthA(NULL, 3, NULL),
		      STATUS_INVALID_PARAMETER);
}

static void units_and_bytes_of_wide_text(struct kunit *test)
{
	WCHAR text[4] = {};
	SIZE_T length;

	EXPECT_STATUS(test, RtlStringCchCopyW(text, 4, L"abc"), STATUS_SUCCESS);
	KUNIT_EXPECT_MEMEQ(test, text, L"abc", 8);
	EXPECT_STATUS(test, RtlStringCbCopyW(text, 7, L"def"),
		      STATUS_BUFFER_OVERFLOW);
	KUNIT_EXPECT_MEMEQ(test, text, L"de", 6);
	EXPECT_STATUS(test, RtlStringCchCopyW(text, 0, L"x"),
		      STATUS_INVALID_PARAMETER);
	EXPECT_STATUS(test, RtlStringCchLengthW(L"abc", 4, &length),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, length, 3);
	EXPECT_STATUS(test, RtlStringCbLengthW(L"abc", 8, &length),
		      STATUS_SUCCESS);
	KUNIT_EXPECT_EQ(test, length, 6);
	EXPECT_STATUS(test, RtlStringCbLengthW(L"abc", 6, &length),
		      STATUS_INVALID_PARAMETER);
	KUNIT_EXPECT_EQ(test, length, 0);
}

static struct kunit_case ntcompat_rtl_cases[] = {
	KUNIT_CASE(memory_is_copied_and_filled),
	KUNIT_CASE(comparing_counts_what_is_equal),
	KUNIT_CASE(a_string_is_described),
	KUNIT_CASE(a_string_is_copied_as_far_as_there_is_room),
	KUNIT_CASE(a_string_is_appended_whole_or_not),
	KUNIT_CASE(strings_are_compared),
	KUNIT_CASE(what_does_not_fit_is_cut_off),
	KUNIT_CASE(text_is_put_behind_text),
	KUNIT_CASE(text_is_printed),
	KUNIT_CASE(the_null_has_to_be_within_the_size),
	KUNIT_CASE(units_and_bytes_of_wide_text),
	{}
};

static struct kunit_suite ntcompat_rtl_suite = {
	.name = "kmcl_ntcompat_rtl",
	.test_cases = ntcompat_rtl_cases,
};

kunit_test_suite(ntcompat_rtl_suite);

MODULE_DESCRIPTION("KUnit tests of Windows' memory and string functions");
MODULE_LICENSE("GPL");
