// SPDX-License-Identifier: GPL-2.0
/*
 * The services of the machine that every other file may use: memory, clock,
 * waking the worker, ending the run, interrupt lines, error messages. The
 * lowest layer of vmbhost: no other file of it is called from here.
 *
 * vm_wake_at(), vm_stop(), vm_start_again(), vm_type() and vm_irq_line() are called
 * with vm->lock held. The others need no lock: what they read is constant once the
 * processors run.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "machine.h"

/* Print an error. Return: -1, for the caller to return */
int vm_error(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fprintf(stderr, "vmbhost: %s\n", text);
	return -1;
}

void *guest_memory(struct vm *vm, uint64_t gpa, uint64_t length)
{
	if (gpa < vm->low)
		return length <= vm->low - gpa ? vm->memory + gpa : NULL;
	if (gpa < HIGH_RAM || gpa - HIGH_RAM >= vm->high)
		return NULL;
	gpa -= HIGH_RAM;
	return length <= vm->high - gpa ? vm->memory + vm->low + gpa : NULL;
}

static uint64_t monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* From now on vm_now() counts from 0. */
void vm_start_clock(struct vm *vm)
{
	vm->started = monotonic();
}

uint64_t vm_now(struct vm *vm)
{
	return monotonic() - vm->started;
}

/* Have the worker look around. */
void vm_kick(struct vm *vm)
{
	/* Full is as good as written: the worker will wake. */
	(void)!write(vm->wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t));
}

void vm_wake_at(struct vm *vm, uint64_t when)
{
	if (when >= vm->wake_at)
		return;
	vm->wake_at = when;
	vm_kick(vm);
}

void vm_stop(struct vm *vm, int status)
{
	if (atomic_load(&vm->stopping))
		return;
	vm->status = status;
	atomic_store(&vm->stopping, true);
	vm_kick(vm);
}

void vm_start_again(struct vm *vm)
{
	vm->again = true;
}

/* The worker passes it on, since the serial line is above this file. */
int vm_type(struct vm *vm, const char *bytes, size_t length)
{
	if (length > SERIAL_INPUT - vm->typed_length)
		return -1;
	memcpy(vm->typed + vm->typed_length, bytes, length);
	vm->typed_length += length;
	vm_kick(vm);
	return 0;
}

unsigned int vm_cpus(struct vm *vm)
{
	return vm->config.cpus;
}

/**
 * vm_irq_line() - raise or lower an interrupt line
 * Return: 0; -1 if a SynIC's source is masked
 */
int vm_irq_line(struct vm *vm, unsigned int gsi, unsigned int level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	if (ioctl(vm->fd, KVM_IRQ_LINE_STATUS, &line) < 0)
		return -1;
	return (int)line.status < 0 ? -1 : 0;
}
