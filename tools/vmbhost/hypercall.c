// SPDX-License-Identifier: GPL-2.0
/*
 * The two hypercalls that KVM leaves to us. Called with vm->lock held.
 */
#include <assert.h>
#include <string.h>

#include "machine.h"

#define CALL_POST_MESSAGE	0x5cu
#define CALL_SIGNAL_EVENT	0x5du
#define CALL_CODE		0xffffu
#define CALL_FAST		(1u << 16)

#define STATUS_INVALID_CODE	2u
#define STATUS_INVALID_INPUT	3u
#define STATUS_INVALID_ALIGNMENT 4u
#define STATUS_INVALID_PARAMETER 5u

#define MESSAGE_PAYLOAD		240u
/* Types with this bit are the hypervisor's own. */
#define MESSAGE_TYPE_HYPERVISOR	0x80000000u

struct post_message {
	uint32_t connection, reserved, type, size;
	uint8_t payload[MESSAGE_PAYLOAD];
};

struct signal_event {
	uint32_t connection;
	uint16_t flag, reserved;
};

/* Copy the input block, which other processors can write to, once. */
static uint64_t fetch(struct vm *vm, uint64_t gpa, void *to, size_t size)
{
	const void *from;

	if (gpa % 8)
		return STATUS_INVALID_ALIGNMENT;
	if (gpa % PAGE + size > PAGE)
		return STATUS_INVALID_PARAMETER;
	from = guest_memory(vm, gpa, size);
	if (!from)
		return STATUS_INVALID_PARAMETER;
	memcpy(to, from, size);
	return 0;
}

static uint64_t post_message(struct vm *vm, uint64_t input, uint64_t gpa)
{
	struct post_message message;
	uint64_t status;

	if (input & CALL_FAST)
		return STATUS_INVALID_INPUT;
	status = fetch(vm, gpa, &message, sizeof(message));
	if (status)
		return status;
	if (message.size > MESSAGE_PAYLOAD || !message.type ||
	    (message.type & MESSAGE_TYPE_HYPERVISOR))
		return STATUS_INVALID_PARAMETER;
	return vmbus_post_message(vm->bus, message.connection, message.type,
				  message.payload, message.size);
}

static uint64_t signal_event(struct vm *vm, uint64_t input, uint64_t param)
{
	struct signal_event event;
	uint64_t status;

	static_assert(sizeof(event) == sizeof(param), "passed in a register");
	if (input & CALL_FAST) {
		memcpy(&event, &param, sizeof(event));
	} else {
		status = fetch(vm, param, &event, sizeof(event));
		if (status)
			return status;
	}
	if (event.reserved)
		return STATUS_INVALID_PARAMETER;
	return vmbus_signal_event(vm->bus, event.connection, event.flag);
}

/**
 * hypercall() - answer one that KVM passed on
 * @input:	the guest's input value: the call's code and how it is made
 * @params:	the two input registers
 * Return: the result value for the guest
 */
uint64_t hypercall(struct vm *vm, uint64_t input, const uint64_t *params)
{
	switch (input & CALL_CODE) {
	case CALL_POST_MESSAGE:
		return post_message(vm, input, params[0]);
	case CALL_SIGNAL_EVENT:
		return signal_event(vm, input, params[0]);
	default:
		return STATUS_INVALID_CODE;
	}
}
