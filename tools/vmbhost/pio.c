// SPDX-License-Identifier: GPL-2.0
/*
 * The I/O ports that KVM leaves to us: the console, the clock, power management,
 * reset, and the VMBus host's control port. Called with vm->lock held.
 */
#include "machine.h"

#define PM1_EVENT_ENABLE	2u	/* behind the status register */
#define PM1_SCI_ENABLE		1u
#define PM1_SLEEP		(1u << 13)
#define PM1_SLEEP_TYPE(value)	((value) >> 10 & 7)

#define KEYBOARD_RESET		0xfeu

static uint32_t ones(unsigned int size)
{
	return 0xffffffffu >> (32 - 8 * size);
}

static void end_in_reset(struct vm *vm)
{
	vm_error("the guest reset itself");
	vm_stop(vm, STATUS_RESET);
}

static void pm1_control(struct vm *vm, uint16_t value)
{
	vm->pm1_control = value & ~PM1_SLEEP;
	if ((value & PM1_SLEEP) && PM1_SLEEP_TYPE(value) == SLEEP_TYPE_OFF)
		vm_stop(vm, STATUS_OFF);
}

/**
 * pio_write() - the guest writes to a port
 * @size:	bytes: 1, 2 or 4
 */
void pio_write(struct vm *vm, uint16_t port, unsigned int size, uint32_t value)
{
	switch (port) {
	case PORT_SERIAL ... PORT_SERIAL + 7:
		serial_write(&vm->serial, port - PORT_SERIAL, value);
		break;
	case PORT_RTC_INDEX:
		vm->rtc_index = value & 0x7f;
		break;
	case PORT_PM1_EVENT:
		/* Status bits, written to be cleared: none is ever set. */
		if (size == 4)
			vm->pm1_enable = value >> 16;
		break;
	case PORT_PM1_EVENT + PM1_EVENT_ENABLE:
		vm->pm1_enable = value;
		break;
	case PORT_PM1_CONTROL:
		pm1_control(vm, value);
		break;
	case PORT_RESET:
		if (value == RESET_VALUE)
			end_in_reset(vm);
		break;
	case PORT_KEYBOARD:
		if (value == KEYBOARD_RESET)
			end_in_reset(vm);
		break;
	case PORT_CONTROL:
		/* A program that writes several saves exits */
		for (; size; size--, value >>= 8)
			vmbus_control_write(vm->bus, value);
		break;
	}
}

/**
 * pio_read() - the guest reads from a port
 * @size:	bytes: 1, 2 or 4
 * Return: what it reads; all ones where there is nothing
 */
uint32_t pio_read(struct vm *vm, uint16_t port, unsigned int size)
{
	switch (port) {
	case PORT_SERIAL ... PORT_SERIAL + 7:
		return serial_read(&vm->serial, port - PORT_SERIAL);
	case PORT_RTC_DATA:
		return rtc_read(vm->rtc_index, time(NULL));
	case PORT_PM1_EVENT:
		return size == 4 ? (uint32_t)vm->pm1_enable << 16 : 0;
	case PORT_PM1_EVENT + PM1_EVENT_ENABLE:
		return vm->pm1_enable;
	case PORT_PM1_CONTROL:
		return vm->pm1_control | PM1_SCI_ENABLE;
	case PORT_KEYBOARD:
		/* No keyboard, and none that is busy: a reset is heard. */
		return 0;
	case PORT_CONTROL:
		return vmbus_control_read(vm->bus);
	default:
		return ones(size);
	}
}
