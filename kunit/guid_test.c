// SPDX-License-Identifier: GPL-2.0
/*
 * GUIDs as text: the forms in which people have them, and what is none.
 */
#include <kunit/test.h>
#include <linux/kmcl.h>

static const guid_t wanted =
	GUID_INIT(0x1eccfd72, 0x4b41, 0x45ef,
		  0xb7, 0x3a, 0x4a, 0x6e, 0x44, 0xc1, 0x29, 0x24);

static const char * const forms[] = {
	"1eccfd72-4b41-45ef-b73a-4a6e44c12924",
	"1ECCFD72-4B41-45EF-B73A-4A6E44C12924",
	"1eccfd72-4B41-45ef-B73A-4a6e44C12924",
	"{1eccfd72-4b41-45ef-b73a-4a6e44c12924}",
	"{1ECCFD72-4B41-45EF-B73A-4A6E44C12924}",
	"1eccfd72-4b41-45ef-b73a-4a6e44c12924\n",
	"{1eccfd72-4b41-45ef-b73a-4a6e44c12924}\n",
};

static void each_form_is_read(struct kunit *test)
{
	guid_t guid;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		guid = guid_null;
		KUNIT_EXPECT_EQ_MSG(test, kmcl_guid_parse(forms[i], &guid), 0,
				    "%s", forms[i]);
		KUNIT_EXPECT_TRUE_MSG(test, guid_equal(&guid, &wanted), "%s",
				      forms[i]);
	}
}

static const char * const others[] = {
	NULL,
	"",
	"\n",
	"{",
	"{}",
	"1eccfd72",
	"1eccfd72-4b41-45ef-b73a-4a6e44c1292",
	"1eccfd72-4b41-45ef-b73a-4a6e44c129240",
	"1eccfd72-4b41-45ef-b73a-4a6e44c12924}",
	"{1eccfd72-4b41-45ef-b73a-4a6e44c12924",
	"{1eccfd72-4b41-45ef-b73a-4a6e44c1292}",
	"{{1eccfd72-4b41-45ef-b73a-4a6e44c12924}}",
	"{1eccfd72-4b41-45ef-b73a-4a6e44c12924}}",
	"{1eccfd72-4b41-45ef-b73a-4a6e44c12924\n}",
	"(1eccfd72-4b41-45ef-b73a-4a6e44c12924)",
	"1eccfd72-4b41-45ef-b73a-4a6e44c12924\n\n",
	"1eccfd72-4b41-45ef-b73a-4a6e44c12924 ",
	" 1eccfd72-4b41-45ef-b73a-4a6e44c12924",
	"1eccfd724b4145efb73a4a6e44c12924",
	"1eccfd72-4b41-45ef-b73a4a6e44c12924-",
	"gccfd72e-4b41-45ef-b73a-4a6e44c12924",
	"vmbus:72fdcc1e414bef45b73a4a6e44c12924",
};

static void nothing_else_is(struct kunit *test)
{
	guid_t guid;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(others); i++) {
		guid = guid_null;
		KUNIT_EXPECT_EQ_MSG(test, kmcl_guid_parse(others[i], &guid),
				    -EINVAL, "%s", others[i]);
		KUNIT_EXPECT_TRUE_MSG(test, guid_is_null(&guid), "%s", others[i]);
	}
}

static struct kunit_case guid_cases[] = {
	KUNIT_CASE(each_form_is_read),
	KUNIT_CASE(nothing_else_is),
	{}
};

static struct kunit_suite guid_suite = {
	.name = "kmcl_guid",
	.test_cases = guid_cases,
};

kunit_test_suite(guid_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL's GUIDs as text");
MODULE_LICENSE("GPL");
