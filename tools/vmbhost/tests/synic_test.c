// SPDX-License-Identifier: GPL-2.0
/*
 * The SynIC's pages and the hypercalls, with an array for the guest's memory.
 * One thread: the guest is what the test writes into that array.
 */
#include <stdlib.h>
#include <string.h>

#include "../machine.h"
#include "test.h"

#define MEMORY		(8 * PAGE)
#define EVENTS		(2 * PAGE)
#define MESSAGES	(3 * PAGE)
#define INPUT		(4 * PAGE)
#define ON		1u

static uint8_t memory[MEMORY] __attribute__((aligned(PAGE)));
static unsigned int interrupts[VM_MAX_CPUS];
static bool masked;
static struct vm vm;

/* The message slot of VMBUS_SINT. */
static uint8_t *const slot = memory + MESSAGES + 256 * VMBUS_SINT;

/* What the bus was told last. */
static struct {
	unsigned int calls, connection, type, flag;
	size_t length;
	uint8_t payload[240];
} told;

void *guest_memory(struct vm *of, uint64_t gpa, uint64_t length)
{
	(void)of;
	return gpa < MEMORY && length <= MEMORY - gpa ? memory + gpa : NULL;
}

int vm_irq_line(struct vm *of, unsigned int gsi, unsigned int level)
{
	(void)of;
	assert_true(gsi >= GSI_SYNIC && gsi < GSI_SYNIC + VM_MAX_CPUS && level);
	if (masked)
		return -1;
	interrupts[gsi - GSI_SYNIC]++;
	return 0;
}

unsigned int vm_cpus(struct vm *of)
{
	(void)of;
	return 2;
}

uint16_t vmbus_post_message(struct vmbus *bus, uint32_t connection,
			    uint32_t type, const void *payload, size_t length)
{
	(void)bus;
	told.calls++;
	told.connection = connection;
	told.type = type;
	told.length = length;
	memcpy(told.payload, payload, length);
	return 0x12;
}

uint16_t vmbus_signal_event(struct vmbus *bus, uint32_t connection,
			    uint16_t flag)
{
	(void)bus;
	told.calls++;
	told.connection = connection;
	told.flag = flag;
	return 0;
}

static void start(void)
{
	memset(memory, 0xcc, sizeof(memory));
	memset(interrupts, 0, sizeof(interrupts));
	memset(&told, 0, sizeof(told));
	masked = false;
	for (unsigned int i = 0; i < 2; i++) {
		synic_free(&vm.synics[i]);
		synic_init(&vm.synics[i], &vm, i);
	}
	synic_changed(&vm.synics[0], ON, EVENTS | ON, MESSAGES | ON);
}

static int post(uint32_t type)
{
	return synic_post_message(&vm, 0, VMBUS_SINT, type, &type,
				  sizeof(type));
}

static uint32_t type(void)
{
	uint32_t value;

	memcpy(&value, slot, sizeof(value));
	return value;
}

/* What a guest does when it has read a message. Return: whether it said so */
static bool consume(void)
{
	bool pending;

	memset(slot, 0, 4);
	pending = slot[5] & 1;
	if (pending)
		synic_end_of_message(&vm.synics[0]);
	return pending;
}

static void pages_are_cleared(void **state)
{
	start();
	for (unsigned int i = 0; i < PAGE; i++)
		assert_true(!memory[EVENTS + i] && !memory[MESSAGES + i]);
	assert_true(memory[EVENTS - 1] == 0xcc && memory[MESSAGES + PAGE] == 0xcc);
	/* Not again by another register's change. */
	memory[MESSAGES] = 1;
	synic_changed(&vm.synics[0], ON, 0, MESSAGES | ON);
	assert_int_equal(memory[MESSAGES], 1);
}

static void message(void **state)
{
	start();
	assert_false(synic_post_message(&vm, 0, VMBUS_SINT, 1, "hello", 5));
	assert_int_equal(type(), 1);
	assert_true(slot[4] == 5 && slot[5] == 0);
	assert_memory_equal(slot + 16, "hello", 5);
	assert_true(interrupts[0] == 1 && !interrupts[1]);
	assert_false(consume());
}

static void message_order(void **state)
{
	start();
	for (uint32_t i = 1; i <= 5; i++)
		assert_false(post(i));
	assert_int_equal(type(), 1);
	/* An end of an interrupt that is not one of the message. */
	synic_end_of_message(&vm.synics[0]);
	assert_int_equal(type(), 1);
	for (uint32_t i = 1; i <= 5; i++) {
		assert_int_equal(type(), i);
		assert_memory_equal(slot + 16, &i, 4);
		assert_int_equal(interrupts[0], i);
		assert_int_equal(consume(), (i < 5));
	}
	assert_false(type());
	assert_false(vm.synics[0].queued);
	assert_false(post(6));
	assert_int_equal(type(), 6);
}

/* The slot is freed, but the guest has not said so: nobody overtakes. */
static void no_overtaking(void **state)
{
	start();
	post(1);
	post(2);
	memset(slot, 0, 4);
	post(3);
	synic_end_of_message(&vm.synics[0]);
	assert_int_equal(type(), 2);
	consume();
	assert_int_equal(type(), 3);
}

static void off(void **state)
{
	static const uint64_t control[] = { 0, ON, ON, ON };
	static const uint64_t pages[] = { MESSAGES | ON, MESSAGES, MEMORY | ON,
					  (uint64_t)-PAGE | ON };

	for (unsigned int i = 0; i < 4; i++) {
		start();
		synic_changed(&vm.synics[0], control[i], pages[i], pages[i]);
		assert_true(post(1));
		assert_true(synic_signal_event(&vm, 0, VMBUS_SINT, 3));
		assert_false(interrupts[0]);
	}
	start();
	assert_true(synic_post_message(&vm, 1, VMBUS_SINT, 1, "", 0));
	assert_true(synic_post_message(&vm, 2, VMBUS_SINT, 1, "", 0));
	assert_true(synic_post_message(&vm, 0, VMBUS_SINT + 1, 1, "", 0));
	assert_true(synic_post_message(&vm, 0, VMBUS_SINT, 0, "", 0));
	assert_true(synic_post_message(&vm, 0, VMBUS_SINT, 1, memory, 241));
	assert_false(type());
}

static void masked_source(void **state)
{
	start();
	masked = true;
	assert_true(post(1));
	assert_false(type());
	masked = false;
	assert_false(post(2));
	assert_int_equal(type(), 2);
}

static void switched_off_forgets(void **state)
{
	start();
	post(1);
	post(2);
	synic_changed(&vm.synics[0], ON, EVENTS | ON, MESSAGES);
	assert_false(vm.synics[0].queued);
	synic_changed(&vm.synics[0], ON, EVENTS | ON, MESSAGES | ON);
	assert_false(type());
	assert_false(post(3));
	assert_int_equal(type(), 3);
}

/* A guest that never reads does not fill our memory. */
static void bounded(void **state)
{
	unsigned int sent;

	start();
	for (sent = 0; sent < 1000000 && !post(1); sent++)
		;
	assert_true(sent > 1000 && sent < 100000);
	assert_true(consume());
	assert_false(post(1));
}

static void events(void **state)
{
	uint8_t *flags = memory + EVENTS + 256 * VMBUS_SINT;

	start();
	assert_false(synic_signal_event(&vm, 0, VMBUS_SINT, 0));
	assert_false(synic_signal_event(&vm, 0, VMBUS_SINT, 2047));
	assert_true(flags[0] == 1 && flags[255] == 0x80);
	assert_int_equal(interrupts[0], 2);
	/* It has been told, and has not yet looked. */
	assert_false(synic_signal_event(&vm, 0, VMBUS_SINT, 0));
	assert_int_equal(interrupts[0], 2);
	flags[0] = 0;
	assert_false(synic_signal_event(&vm, 0, VMBUS_SINT, 0));
	assert_int_equal(interrupts[0], 3);
	assert_true(synic_signal_event(&vm, 0, VMBUS_SINT, 2048));
	assert_true(synic_signal_event(&vm, 1, VMBUS_SINT, 0));
	assert_true(synic_signal_event(&vm, 2, VMBUS_SINT, 0));
}

static uint64_t call_post(uint64_t gpa, uint32_t message_type, uint32_t size)
{
	uint32_t head[] = { 4, 0, message_type, size };
	uint64_t params[2] = { gpa, 0 };

	if (gpa < MEMORY - sizeof(head))
		memcpy(memory + gpa, head, sizeof(head));
	return hypercall(&vm, 0x5c, params);
}

static void call_post_message(void **state)
{
	start();
	memset(memory + INPUT + 16, 0x77, 240);
	assert_int_equal(call_post(INPUT, 1, 240), 0x12);
	assert_int_equal(told.calls, 1);
	assert_true(told.connection == 4 && told.type == 1 && told.length == 240);
	assert_memory_equal(told.payload, memory + INPUT + 16, 240);
	assert_int_equal(call_post(INPUT, 1, 241), 5);
	assert_int_equal(call_post(INPUT, 1, 0xffffffff), 5);
	assert_int_equal(call_post(INPUT, 0, 8), 5);
	assert_int_equal(call_post(INPUT, 0x80000001, 8), 5);
	assert_int_equal(call_post(INPUT + 4, 1, 8), 4);
	/* Across a page's end, at memory's end, far outside. */
	assert_int_equal(call_post(INPUT + PAGE - 248, 1, 8), 5);
	assert_int_equal(call_post(INPUT + PAGE - 256, 1, 8), 0x12);
	assert_int_equal(call_post(MEMORY, 1, 8), 5);
	assert_true(call_post((uint64_t)-256, 1, 8) == 5);
	assert_int_equal(told.calls, 2);
}

static void call_signal_event(void **state)
{
	uint64_t value = 0x10007 | 9ull << 32;
	uint64_t params[2] = { value, 0 };

	start();
	assert_false(hypercall(&vm, 0x1005d, params));
	assert_true(told.connection == 0x10007 && told.flag == 9);
	params[0] |= 1ull << 48;
	assert_int_equal(hypercall(&vm, 0x1005d, params), 5);
	memcpy(memory + INPUT, &value, sizeof(value));
	params[0] = INPUT;
	assert_false(hypercall(&vm, 0x5d, params));
	assert_int_equal(told.calls, 2);
	params[0] = MEMORY;
	assert_int_equal(hypercall(&vm, 0x5d, params), 5);
	assert_int_equal(hypercall(&vm, 0x1005c, params), 3);
	assert_int_equal(hypercall(&vm, 0x5e, params), 2);
	assert_int_equal(told.calls, 2);
}

static int end(void **state)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		synic_free(&vm.synics[i]);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_cleared),
		cmocka_unit_test(message),
		cmocka_unit_test(message_order),
		cmocka_unit_test(no_overtaking),
		cmocka_unit_test(off),
		cmocka_unit_test(masked_source),
		cmocka_unit_test(switched_off_forgets),
		cmocka_unit_test(bounded),
		cmocka_unit_test(events),
		cmocka_unit_test(call_post_message),
		cmocka_unit_test(call_signal_event),
	};

	return cmocka_run_group_tests(tests, NULL, end);
}
