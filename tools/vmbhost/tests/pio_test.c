// SPDX-License-Identifier: GPL-2.0
/* The I/O ports that end the run, and those of the bus. One thread. */
#include <string.h>

#include "../machine.h"
#include "test.h"

static struct vm vm;
static int stopped;
static uint8_t control;
static uint32_t written;

void vm_stop(struct vm *of, int status)
{
	(void)of;
	stopped = status;
}

int vm_error(const char *format, ...)
{
	(void)format;
	return -1;
}

int vm_irq_line(struct vm *of, unsigned int gsi, unsigned int level)
{
	(void)of;
	(void)gsi;
	(void)level;
	return 0;
}

uint64_t vm_now(struct vm *of)
{
	(void)of;
	return 0;
}

void vm_kick(struct vm *of)
{
	(void)of;
}

void vmbus_control_write(struct vmbus *bus, uint8_t byte)
{
	(void)bus;
	control = byte;
	written = written << 8 | byte;
}

uint8_t vmbus_control_read(struct vmbus *bus)
{
	(void)bus;
	return control + 1;
}

static void start(void)
{
	memset(&vm, 0, sizeof(vm));
	serial_init(&vm.serial, &vm);
	stopped = -1;
}

/* What ACPICA does for "poweroff -f", with SLP_TYP from the DSDT's _S5. */
static void power_off(void **state)
{
	start();
	assert_true(pio_read(&vm, PORT_PM1_CONTROL, 2) & 1);
	pio_write(&vm, PORT_PM1_EVENT, 2, 0x8000);
	pio_write(&vm, PORT_PM1_CONTROL, 2, 5 << 10 | 1);
	assert_int_equal(stopped, -1);
	pio_write(&vm, PORT_PM1_CONTROL, 2, 1 << 13 | 5 << 10 | 1);
	assert_int_equal(stopped, STATUS_OFF);
	/* Sleep states that the DSDT does not have. */
	for (unsigned int type = 0; type < 8; type++) {
		start();
		pio_write(&vm, PORT_PM1_CONTROL, 2, 1 << 13 | type << 10);
		assert_int_equal((stopped == STATUS_OFF), (type == SLEEP_TYPE_OFF));
		/* SLP_EN reads as zero. */
		assert_true(!(pio_read(&vm, PORT_PM1_CONTROL, 2) & 1 << 13));
	}
}

/* ACPICA reads back what it has enabled, and complains if it is not there. */
static void pm1_events(void **state)
{
	start();
	pio_write(&vm, PORT_PM1_EVENT + 2, 2, 0x0120);
	assert_int_equal(pio_read(&vm, PORT_PM1_EVENT + 2, 2), 0x0120);
	assert_int_equal(pio_read(&vm, PORT_PM1_EVENT, 2), 0);
	assert_int_equal(pio_read(&vm, PORT_PM1_EVENT, 4), 0x01200000);
	pio_write(&vm, PORT_PM1_EVENT, 4, 0x0020ffff);
	assert_int_equal(pio_read(&vm, PORT_PM1_EVENT + 2, 2), 0x0020);
}

static void resets(void **state)
{
	start();
	pio_write(&vm, PORT_RESET, 1, 2);
	assert_int_equal(stopped, -1);
	pio_write(&vm, PORT_RESET, 1, RESET_VALUE);
	assert_int_equal(stopped, STATUS_RESET);
	start();
	pio_write(&vm, PORT_KEYBOARD, 1, 0xd1);
	assert_int_equal(stopped, -1);
	/* The input buffer is empty, or a guest would wait for that. */
	assert_true(!(pio_read(&vm, PORT_KEYBOARD, 1) & 2));
	pio_write(&vm, PORT_KEYBOARD, 1, 0xfe);
	assert_int_equal(stopped, STATUS_RESET);
}

static void elsewhere(void **state)
{
	start();
	assert_int_equal(pio_read(&vm, 0xcf8, 4), 0xffffffff);
	assert_int_equal(pio_read(&vm, 0x2f8, 1), 0xff);
	assert_int_equal(pio_read(&vm, 0x1f0, 2), 0xffff);
	pio_write(&vm, 0x80, 1, 0);
	pio_write(&vm, PORT_CONTROL, 1, 'x');
	assert_int_equal(control, 'x');
	assert_int_equal(pio_read(&vm, PORT_CONTROL, 1), 'y');
	pio_write(&vm, PORT_CONTROL, 4, 'd' << 24 | 'c' << 16 | 'b' << 8 | 'a');
	assert_int_equal(written, ('a' << 24 | 'b' << 16 | 'c' << 8 | 'd'));
	pio_write(&vm, PORT_RTC_INDEX, 1, 0x8d);
	assert_int_equal(pio_read(&vm, PORT_RTC_DATA, 1), 0x80);
	pio_write(&vm, PORT_SERIAL + 7, 1, 0x5a);
	assert_int_equal(pio_read(&vm, PORT_SERIAL + 7, 1), 0x5a);
	assert_int_equal(stopped, -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_off),
		cmocka_unit_test(pm1_events),
		cmocka_unit_test(resets),
		cmocka_unit_test(elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
