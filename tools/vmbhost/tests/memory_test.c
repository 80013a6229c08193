// SPDX-License-Identifier: GPL-2.0
/* Guest physical addresses, which the guest makes up. One thread. */
#include "../machine.h"
#include "test.h"

static uint8_t memory[4];	/* addresses only: nothing is accessed */
static struct vm vm;

static void start(uint64_t low, uint64_t high)
{
	vm.memory = memory;
	vm.low = low;
	vm.high = high;
}

static bool is(uint64_t gpa, uint64_t length, uint64_t offset)
{
	return (uintptr_t)guest_memory(&vm, gpa, length) ==
	       (uintptr_t)memory + offset;
}

static bool is_none(uint64_t gpa, uint64_t length)
{
	return !guest_memory(&vm, gpa, length);
}

static void low_only(void **state)
{
	start(64 * MIB, 0);
	assert_true(is(0, 1, 0));
	assert_true(is(0, 64 * MIB, 0));
	assert_true(is(64 * MIB - 1, 1, 64 * MIB - 1));
	assert_true(is_none(64 * MIB - 1, 2));
	assert_true(is_none(64 * MIB, 1));
	assert_true(is_none(0, 64 * MIB + 1));
	assert_true(is_none(HIGH_RAM, 1));
	assert_true(is_none(PAGE, UINT64_MAX));
	assert_true(is_none(PAGE, UINT64_MAX - PAGE + 1));
	assert_true(is_none(UINT64_MAX, 1));
	assert_true(is_none(UINT64_MAX, UINT64_MAX));
}

static void both(void **state)
{
	start(LOW_RAM_MAX, 2 * GIB);
	assert_true(is(LOW_RAM_MAX - 8, 8, LOW_RAM_MAX - 8));
	assert_true(is_none(LOW_RAM_MAX - 8, 9));
	assert_true(is_none(LOW_RAM_MAX, 1));
	assert_true(is_none(HIGH_RAM - 1, 1));
	assert_true(is_none(HIGH_RAM - 1, 2));
	assert_true(is(HIGH_RAM, 2 * GIB, LOW_RAM_MAX));
	assert_true(is_none(HIGH_RAM, 2 * GIB + 1));
	assert_true(is(HIGH_RAM + 2 * GIB - 1, 1, LOW_RAM_MAX + 2 * GIB - 1));
	assert_true(is_none(HIGH_RAM + 2 * GIB, 1));
	assert_true(is_none(HIGH_RAM + 2 * GIB + 1, 1));
	/* One range that begins in the low part and ends in the high one. */
	assert_true(is_none(LOW_RAM_MAX - PAGE, 2 * GIB));
	assert_true(is_none(HIGH_RAM + PAGE, UINT64_MAX - PAGE));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(low_only),
		cmocka_unit_test(both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
