// SPDX-License-Identifier: GPL-2.0
/* What vm.c keeps for the worker, and that it wakes it. One thread. */
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../machine.h"
#include "test.h"

static struct vm vm;

/* How often the worker was woken since */
static uint64_t kicks(void)
{
	uint64_t count = 0;

	return read(vm.wake_fd, &count, sizeof(count)) < 0 ? 0 : count;
}

static void typing(void **state)
{
	char many[SERIAL_INPUT];

	vm.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	memset(many, 'm', sizeof(many));
	assert_int_equal(vm_type(&vm, "ab", 2), 0);
	assert_int_equal(kicks(), 1);
	/* All of it or nothing */
	assert_int_equal(vm_type(&vm, many, sizeof(many) - 1), -1);
	assert_int_equal(kicks(), 0);
	assert_int_equal(vm_type(&vm, many, sizeof(many) - 2), 0);
	assert_int_equal(kicks(), 1);
	assert_int_equal(vm_type(&vm, "c", 1), -1);
	assert_int_equal(vm.typed_length, SERIAL_INPUT);
	assert_memory_equal(vm.typed, "abmm", 4);
	assert_memory_equal(vm.typed + 2, many, sizeof(many) - 2);
	close(vm.wake_fd);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(typing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
