// SPDX-License-Identifier: GPL-2.0
/* The clock in CMOS memory. One thread. */
#include "../machine.h"
#include "test.h"

static void digits(void **state)
{
	/* Monday, 23 November 2026, 13:45:57 UTC */
	time_t when = 1795441557;

	assert_int_equal(rtc_read(0x00, when), 0x57);
	assert_int_equal(rtc_read(0x02, when), 0x45);
	assert_int_equal(rtc_read(0x04, when), 0x13);
	assert_int_equal(rtc_read(0x06, when), 0x02);
	assert_int_equal(rtc_read(0x07, when), 0x23);
	assert_int_equal(rtc_read(0x08, when), 0x11);
	assert_int_equal(rtc_read(0x09, when), 0x26);
}

static void status(void **state)
{
	/* Never in an update, 24 hours and decimal, a good battery. */
	assert_true(!(rtc_read(0x0a, 0) & 0x80));
	assert_int_equal(rtc_read(0x0b, 0), 0x02);
	assert_true(rtc_read(0x0d, 0) & 0x80);
	assert_int_equal(rtc_read(0x7f, 0), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits),
		cmocka_unit_test(status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
