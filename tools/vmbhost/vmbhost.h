/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vmbhost: the whole interface between the virtual machine and its VMBus host.
 * The VMBus host calls two files of the machine, vm.c and synic.c; the rest of
 * the machine is above it and calls it.
 *
 * Locking: one mutex, vm->lock. The machine takes it before every call into the
 * VMBus host (vmbus_*), whichever thread that comes from (a processor's, or the
 * worker's), and the VMBus host calls down (synic_*, vm_*) with it held. There
 * is no other lock. Nothing sleeps under it.
 */
#ifndef VMBHOST_H
#define VMBHOST_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VM_MAX_CPUS	4
/* The synthetic interrupt source that VMBus uses for its messages. */
#define VMBUS_SINT	2
/* A time that is never reached. */
#define NEVER		UINT64_MAX

struct vm;
struct vmbus;

/* The machine's options from the command line. */
struct vm_config {
	const char *kernel, *initrd, *append;
	const char *disk;	/* file for persistent memory, or NULL */
	unsigned int cpus, memory_mib;
	bool plain_apic;	/* no synthetic timers, no registers for it */
	const char *serial;	/* file for the console, NULL: standard output */
};

/* The machine, for the VMBus host: vm.c and synic.c. */

/**
 * guest_memory() - get the mapping of guest physical memory
 * @gpa:	guest physical address
 * @length:	bytes
 * Return: NULL unless all of it is RAM
 */
void *guest_memory(struct vm *vm, uint64_t gpa, uint64_t length);

/* Nanoseconds since the machine was started (monotonic). */
uint64_t vm_now(struct vm *vm);

/* Have the worker thread call vmbus_work() again at @when at the latest. */
void vm_wake_at(struct vm *vm, uint64_t when);

/* End the run after this with exit status @status. */
void vm_stop(struct vm *vm, int status);

/* When the guest turns itself off or resets itself next, start it again. */
void vm_start_again(struct vm *vm);

/*
 * Type at the guest's console, whoever sits there. Return: 0; -1 if that is more than
 * it has room for (the bytes are dropped).
 */
int vm_type(struct vm *vm, const char *bytes, size_t length);

unsigned int vm_cpus(struct vm *vm);

/**
 * synic_post_message() - put a message into a virtual processor's slot
 *
 * Messages for a slot that is still full wait in order and are delivered at the
 * guest's end of message. Return: 0; -1 if the guest has not enabled that
 * processor's message page or source (the message is dropped).
 */
int synic_post_message(struct vm *vm, unsigned int vcpu, unsigned int sint,
		       uint32_t type, const void *payload, size_t length);

/**
 * synic_signal_event() - set an event flag and interrupt
 * Return: 0; -1 if the guest has not enabled the page or the source.
 */
int synic_signal_event(struct vm *vm, unsigned int vcpu, unsigned int sint,
		       unsigned int flag);

/* The VMBus host, for the machine: vmbus.c and control.c. */

/* HvCallPostMessage. Return: the hypervisor's status for the guest. */
uint16_t vmbus_post_message(struct vmbus *bus, uint32_t connection,
			    uint32_t type, const void *payload, size_t length);

/* HvCallSignalEvent. Return: the hypervisor's status for the guest. */
uint16_t vmbus_signal_event(struct vmbus *bus, uint32_t connection,
			    uint16_t flag);

/*
 * Do what is due: delayed completions, sources, scenario lines. Called by the
 * worker at the time that vm_wake_at() set.
 */
void vmbus_work(struct vmbus *bus);

/*
 * The control port, written to and read from by vmbhostctl in the guest, a byte
 * at a time (see control.c for what the bytes mean).
 */
void vmbus_control_write(struct vmbus *bus, uint8_t byte);
uint8_t vmbus_control_read(struct vmbus *bus);

/* The machine is off; its memory is still there. */
void vmbus_disconnect(struct vmbus *bus);

/* The VMBus host, for main.c: before the machine runs, on one thread. */

/**
 * vmbus_new() - create a VMBus host without offers
 * Return: NULL if there is no memory; vmbus_free() frees it, after the machine
 */
struct vmbus *vmbus_new(struct vm *vm);
void vmbus_free(struct vmbus *bus);

/**
 * vmbus_option() - set an option of the command line
 * @name:	"protocol": the newest version to accept, "3.0" to "5.3";
 *		"offer": what follows "add" in the control language, with
 *		blanks or commas;
 *		"scenario": a file of the control language, a command a line;
 *		"seed": seed of all random sequences
 *
 * Return: 0; -1 after an error was printed
 */
int vmbus_option(struct vmbus *bus, const char *name, const char *value);

#endif
