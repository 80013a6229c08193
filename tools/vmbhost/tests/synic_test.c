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
	expect(gsi >= GSI_SYNIC && gsi < GSI_SYNIC + VM_MAX_CPUS && level);
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

static void pages_are_cleared(void)
{
	start();
	for (unsigned int i = 0; i < PAGE; i++)
		expect(!memory[EVENTS + i] && !memory[MESSAGES + i]);
	expect(memory[EVENTS - 1] == 0xcc && memory[MESSAGES + PAGE] == 0xcc);
	/* Not again by another register's change. */
	memory[MESSAGES] = 1;
	synic_changed(&vm.synics[0], ON, 0, MESSAGES | ON);
	expect(memory[MESSAGES] == 1);
}

static void message(void)
{
	start();
	expect(!synic_post_message(&vm, 0, VMBUS_SINT, 1, "hello", 5));
	expect(type() == 1);
	expect(slot[4] == 5 && slot[5] == 0);
	expect(!memcmp(slot + 16, "hello", 5));
	expect(interrupts[0] == 1 && !interrupts[1]);
	expect(!consume());
}

static void message_order(void)
{
	start();
	for (uint32_t i = 1; i <= 5; i++)
		expect(!post(i));
	expect(type() == 1);
	/* An end of an interrupt that is not one of the message. */
	synic_end_of_message(&vm.synics[0]);
	expect(type() == 1);
	for (uint32_t i = 1; i <= 5; i++) {
		expect(type() == i);
		expect(!memcmp(slot + 16, &i, 4));
		expect(interrupts[0] == i);
		expect(consume() == (i < 5));
	}
	expect(!type());
	expect(!vm.synics[0].queued);
	expect(!post(6));
	expect(type() == 6);
}

/* The slot is freed, but the guest has not said so: nobody overtakes. */
static void no_overtaking(void)
{
	start();
	post(1);
	post(2);
	memset(slot, 0, 4);
	post(3);
	synic_end_of_message(&vm.synics[0]);
	expect(type() == 2);
	consume();
	expect(type() == 3);
}

static void off(void)
{
	static const uint64_t control[] = { 0, ON, ON, ON };
	static const uint64_t pages[] = { MESSAGES | ON, MESSAGES, MEMORY | ON,
					  (uint64_t)-PAGE | ON };

	for (unsigned int i = 0; i < 4; i++) {
		start();
		synic_changed(&vm.synics[0], control[i], pages[i], pages[i]);
		expect(post(1));
		expect(synic_signal_event(&vm, 0, VMBUS_SINT, 3));
		expect(!interrupts[0]);
	}
	start();
	expect(synic_post_message(&vm, 1, VMBUS_SINT, 1, "", 0));
	expect(synic_post_message(&vm, 2, VMBUS_SINT, 1, "", 0));
	expect(synic_post_message(&vm, 0, VMBUS_SINT + 1, 1, "", 0));
	expect(synic_post_message(&vm, 0, VMBUS_SINT, 0, "", 0));
	expect(synic_post_message(&vm, 0, VMBUS_SINT, 1, memory, 241));
	expect(!type());
}

static void masked_source(void)
{
	start();
	masked = true;
	expect(post(1));
	expect(!type());
	masked = false;
	expect(!post(2));
	expect(type() == 2);
}

static void switched_off_forgets(void)
{
	start();
	post(1);
	post(2);
	synic_changed(&vm.synics[0], ON, EVENTS | ON, MESSAGES);
	expect(!vm.synics[0].queued);
	synic_changed(&vm.synics[0], ON, EVENTS | ON, MESSAGES | ON);
	expect(!type());
	expect(!post(3));
	expect(type() == 3);
}

/* A guest that never reads does not fill our memory. */
static void bounded(void)
{
	unsigned int sent;

	start();
	for (sent = 0; sent < 1000000 && !post(1); sent++)
		;
	expect(sent > 1000 && sent < 100000);
	expect(consume());
	expect(!post(1));
}

static void events(void)
{
	uint8_t *flags = memory + EVENTS + 256 * VMBUS_SINT;

	start();
	expect(!synic_signal_event(&vm, 0, VMBUS_SINT, 0));
	expect(!synic_signal_event(&vm, 0, VMBUS_SINT, 2047));
	expect(flags[0] == 1 && flags[255] == 0x80);
	expect(interrupts[0] == 2);
	/* It has been told, and has not yet looked. */
	expect(!synic_signal_event(&vm, 0, VMBUS_SINT, 0));
	expect(interrupts[0] == 2);
	flags[0] = 0;
	expect(!synic_signal_event(&vm, 0, VMBUS_SINT, 0));
	expect(interrupts[0] == 3);
	expect(synic_signal_event(&vm, 0, VMBUS_SINT, 2048));
	expect(synic_signal_event(&vm, 1, VMBUS_SINT, 0));
	expect(synic_signal_event(&vm, 2, VMBUS_SINT, 0));
}

static uint64_t call_post(uint64_t gpa, uint32_t message_type, uint32_t size)
{
	uint32_t head[] = { 4, 0, message_type, size };
	uint64_t params[2] = { gpa, 0 };

	if (gpa < MEMORY - sizeof(head))
		memcpy(memory + gpa, head, sizeof(head));
	return hypercall(&vm, 0x5c, params);
}

static void call_post_message(void)
{
	start();
	memset(memory + INPUT + 16, 0x77, 240);
	expect(call_post(INPUT, 1, 240) == 0x12);
	expect(told.calls == 1);
	expect(told.connection == 4 && told.type == 1 && told.length == 240);
	expect(!memcmp(told.payload, memory + INPUT + 16, 240));
	expect(call_post(INPUT, 1, 241) == 5);
	expect(call_post(INPUT, 1, 0xffffffff) == 5);
	expect(call_post(INPUT, 0, 8) == 5);
	expect(call_post(INPUT, 0x80000001, 8) == 5);
	expect(call_post(INPUT + 4, 1, 8) == 4);
	/* Across a page's end, at memory's end, far outside. */
	expect(call_post(INPUT + PAGE - 248, 1, 8) == 5);
	expect(call_post(INPUT + PAGE - 256, 1, 8) == 0x12);
	expect(call_post(MEMORY, 1, 8) == 5);
	expect(call_post((uint64_t)-256, 1, 8) == 5);
	expect(told.calls == 2);
}

static void call_signal_event(void)
{
	uint64_t value = 0x10007 | 9ull << 32;
	uint64_t params[2] = { value, 0 };

	start();
	expect(!hypercall(&vm, 0x1005d, params));
	expect(told.connection == 0x10007 && told.flag == 9);
	params[0] |= 1ull << 48;
	expect(hypercall(&vm, 0x1005d, params) == 5);
	memcpy(memory + INPUT, &value, sizeof(value));
	params[0] = INPUT;
	expect(!hypercall(&vm, 0x5d, params));
	expect(told.calls == 2);
	params[0] = MEMORY;
	expect(hypercall(&vm, 0x5d, params) == 5);
	expect(hypercall(&vm, 0x1005c, params) == 3);
	expect(hypercall(&vm, 0x5e, params) == 2);
	expect(told.calls == 2);
}

int main(void)
{
	run(pages_are_cleared);
	run(message);
	run(message_order);
	run(no_overtaking);
	run(off);
	run(masked_source);
	run(switched_off_forgets);
	run(bounded);
	run(events);
	run(call_post_message);
	run(call_signal_event);
	for (unsigned int i = 0; i < 2; i++)
		synic_free(&vm.synics[i]);
	return test_end();
}
