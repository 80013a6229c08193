// SPDX-License-Identifier: GPL-2.0
/*
 * The synthetic interrupt controller's pages. KVM keeps the registers and
 * tells of each write to them; messages and event flags are written into the
 * guest's pages here, and KVM is asked for the interrupt. Called with vm->lock
 * held.
 *
 * The pages are the guest's memory: it can write to them at any time, so
 * nothing there is trusted, and what both sides write is accessed atomically.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define SYNIC_ENABLE		1ull
#define SOURCES			16u
#define MESSAGE_PAYLOAD		240u
#define MESSAGE_PENDING		1u
#define FLAGS_PER_SOURCE	2048u
/* A guest that never takes its messages is not let fill our memory. */
#define QUEUE_MAX		16384u

/* A slot of the message page, as the hypervisor's specification has it. */
struct slot {
	uint32_t type;		/* 0: free */
	uint8_t size, flags, reserved[2];
	uint64_t sender;
	uint8_t payload[MESSAGE_PAYLOAD];
};

static_assert(sizeof(struct slot) == 256, "a slot's size");

struct queued_message {
	struct queued_message *next;
	uint32_t type;
	uint8_t size;
	uint8_t payload[MESSAGE_PAYLOAD];
};

void synic_init(struct synic *synic, struct vm *vm, unsigned int vcpu)
{
	memset(synic, 0, sizeof(*synic));
	synic->vm = vm;
	synic->vcpu = vcpu;
	synic->end = &synic->first;
}

static void pop(struct synic *synic)
{
	struct queued_message *message = synic->first;

	synic->first = message->next;
	if (!synic->first)
		synic->end = &synic->first;
	synic->queued--;
	free(message);
}

/* Drop what waits. */
void synic_free(struct synic *synic)
{
	while (synic->first)
		pop(synic);
}

/* The page that SIMP or SIEFP names; NULL if it is off or no RAM. */
static void *page(const struct synic *synic, uint64_t reg)
{
	if (!(synic->control & SYNIC_ENABLE) || !(reg & SYNIC_ENABLE))
		return NULL;
	return guest_memory(synic->vm, reg & ~(uint64_t)(PAGE - 1), PAGE);
}

static struct slot *slot(const struct synic *synic)
{
	struct slot *slots = page(synic, synic->message_page);

	return slots ? &slots[VMBUS_SINT] : NULL;
}

/*
 * The hypervisor's pages are its own until the guest puts its page in their
 * place, and empty; KVM leaves that to us.
 */
static void clear(struct synic *synic, uint64_t old, uint64_t new)
{
	void *memory;

	if (!(new & SYNIC_ENABLE) || old == new)
		return;
	memory = guest_memory(synic->vm, new & ~(uint64_t)(PAGE - 1), PAGE);
	if (memory)
		memset(memory, 0, PAGE);
}

/**
 * synic_changed() - the guest wrote SCONTROL, SIEFP or SIMP
 */
void synic_changed(struct synic *synic, uint64_t control, uint64_t event_page,
		   uint64_t message_page)
{
	clear(synic, synic->event_page, event_page);
	clear(synic, synic->message_page, message_page);
	synic->control = control;
	synic->event_page = event_page;
	synic->message_page = message_page;
	if (!slot(synic))
		synic_free(synic);
}

static int interrupt(struct synic *synic)
{
	return vm_irq_line(synic->vm, GSI_SYNIC + synic->vcpu, 1);
}

/*
 * Whether the slot is free. If not, the guest has been asked to tell when it
 * is: it looks at that bit after it has freed the slot, and we look at the slot
 * after we have set the bit, so that one of the two sees the other.
 */
static bool claim(struct slot *slot)
{
	if (!__atomic_load_n(&slot->type, __ATOMIC_SEQ_CST))
		return true;
	__atomic_fetch_or(&slot->flags, MESSAGE_PENDING, __ATOMIC_SEQ_CST);
	return !__atomic_load_n(&slot->type, __ATOMIC_SEQ_CST);
}

/* Return: 0; -1 if the source is masked, and the slot is free again */
static int deliver(struct synic *synic, struct slot *slot, uint32_t type,
		   const void *payload, size_t length, bool more)
{
	slot->size = length;
	slot->reserved[0] = 0;
	slot->reserved[1] = 0;
	slot->sender = 0;
	memcpy(slot->payload, payload, length);
	__atomic_store_n(&slot->flags, more ? MESSAGE_PENDING : 0,
			 __ATOMIC_RELAXED);
	/* The type is what makes it a message. */
	__atomic_store_n(&slot->type, type, __ATOMIC_SEQ_CST);
	if (!interrupt(synic))
		return 0;
	__atomic_store_n(&slot->type, 0, __ATOMIC_SEQ_CST);
	return -1;
}

static int enqueue(struct synic *synic, uint32_t type, const void *payload,
		   size_t length)
{
	struct queued_message *message;

	if (synic->queued == QUEUE_MAX)
		return -1;
	message = calloc(1, sizeof(*message));
	if (!message)
		return -1;
	message->type = type;
	message->size = length;
	memcpy(message->payload, payload, length);
	*synic->end = message;
	synic->end = &message->next;
	synic->queued++;
	return 0;
}

int synic_post_message(struct vm *vm, unsigned int vcpu, unsigned int sint,
		       uint32_t type, const void *payload, size_t length)
{
	struct synic *synic;
	struct slot *to;

	if (vcpu >= vm_cpus(vm) || sint != VMBUS_SINT || !type ||
	    length > MESSAGE_PAYLOAD)
		return -1;
	synic = &vm->synics[vcpu];
	to = slot(synic);
	if (!to)
		return -1;
	if (synic->first || !claim(to))
		return enqueue(synic, type, payload, length);
	return deliver(synic, to, type, payload, length, false);
}

/**
 * synic_end_of_message() - the guest may have freed its slot
 *
 * The guest says so by writing EOM, and KVM says the same at each end of an
 * interrupt, so the slot may still be full.
 */
void synic_end_of_message(struct synic *synic)
{
	struct queued_message *message = synic->first;
	struct slot *to = slot(synic);

	if (!message || !to || !claim(to))
		return;
	/* A masked source drops the message, as if it were new. */
	deliver(synic, to, message->type, message->payload, message->size,
		message->next);
	pop(synic);
}

int synic_signal_event(struct vm *vm, unsigned int vcpu, unsigned int sint,
		       unsigned int flag)
{
	struct synic *synic;
	uint8_t *flags;
	uint8_t old, bit;

	if (vcpu >= vm_cpus(vm) || sint != VMBUS_SINT ||
	    flag >= FLAGS_PER_SOURCE)
		return -1;
	synic = &vm->synics[vcpu];
	flags = page(synic, synic->event_page);
	if (!flags)
		return -1;
	flags += VMBUS_SINT * (PAGE / SOURCES) + flag / 8;
	bit = 1u << (flag % 8);
	old = __atomic_fetch_or(flags, bit, __ATOMIC_SEQ_CST);
	/* Who set it has interrupted, and the guest has not yet looked. */
	if (old & bit)
		return 0;
	return interrupt(synic);
}
