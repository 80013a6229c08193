// SPDX-License-Identifier: GPL-2.0
/*
 * vmbhost: boots an unmodified distribution kernel with KVM and plays Hyper-V's
 * VMBus host to it. This file is the command line. One thread; no lock.
 */
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define STATUSES \
	"The exit status is 0 when the guest turned itself off, 3 when it " \
	"reset itself, 2 when the command line is wrong, 1 after another " \
	"error, and otherwise what the scenario said."

enum {
	OPT_KERNEL = 'k',
	OPT_INITRD = 'i',
	OPT_APPEND = 'a',
	OPT_CPUS = 'c',
	OPT_MEMORY = 'm',
	OPT_SERIAL = 's',
	OPT_PROTOCOL = 'p',
	OPT_OFFER = 'o',
	OPT_SCENARIO = 'f',
	OPT_SEED = 'S',
	OPT_PROBE = 'P',
	OPT_PLAIN_APIC = 'A',
	OPT_DISK = 'd',
};

const char *argp_program_version = "vmbhost 0.1";

static const struct argp_option options[] = {
	{ .doc = "The machine:" },
	{ "kernel", OPT_KERNEL, "FILE", 0, "the kernel, a bzImage (required)", 0 },
	{ "initrd", OPT_INITRD, "FILE", 0, "its initramfs", 0 },
	{ "append", OPT_APPEND, "WORDS", 0, "its command line", 0 },
	{ "cpus", OPT_CPUS, "N", 0, "processors, 1 (the default) to 4", 0 },
	{ "memory", OPT_MEMORY, "MIB", 0, "memory, 64 to 16384 MiB; 512", 0 },
	{ "disk", OPT_DISK, "FILE", 0,
	  "persistent memory, which the guest can have as a disk", 0 },
	{ "serial", OPT_SERIAL, "FILE", 0,
	  "write the console (ttyS0) to FILE and not to the terminal", 0 },
	{ "plain-apic", OPT_PLAIN_APIC, NULL, 0,
	  "no synthetic timers, and each interrupt ends with an exit", 0 },
	{ "probe", OPT_PROBE, NULL, 0,
	  "only find out whether this computer's KVM is enough", 0 },
	{ .doc = "The VMBus host:" },
	{ "protocol", OPT_PROTOCOL, "VERSION", 0,
	  "the newest to accept: 3.0, 4.0, 4.1 or 5.0 to 5.3 (the default)", 0 },
	{ "offer", OPT_OFFER, "'CLASS [WORD...]'", 0,
	  "offer a device of this class; may be repeated, see vmbhost(8)", 0 },
	{ "scenario", OPT_SCENARIO, "FILE", 0,
	  "what the host shall do, and when; see vmbhost(8)", 0 },
	{ "seed", OPT_SEED, "NUMBER", 0, "where what is random begins", 0 },
	{ 0 }
};

struct arguments {
	struct vm_config config;
	struct vmbus *bus;
	bool probe;
};

static unsigned int number(struct argp_state *state, const char *what,
			   const char *text, unsigned int min, unsigned int max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || value < min ||
	    value > max)
		argp_error(state, "%s: %s is not from %u to %u", what, text,
			   min, max);
	return value;
}

/* An option of the VMBus host, which prints its own errors. */
static error_t bus_option(struct arguments *arguments, const char *name,
			  const char *value)
{
	return vmbus_option(arguments->bus, name, value) ? EINVAL : 0;
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	struct vm_config *config = &arguments->config;

	switch (key) {
	case OPT_KERNEL:
		config->kernel = value;
		return 0;
	case OPT_INITRD:
		config->initrd = value;
		return 0;
	case OPT_APPEND:
		config->append = value;
		return 0;
	case OPT_CPUS:
		config->cpus = number(state, "--cpus", value, 1, VM_MAX_CPUS);
		return 0;
	case OPT_MEMORY:
		config->memory_mib = number(state, "--memory", value,
					    MEMORY_MIN_MIB, MEMORY_MAX_MIB);
		return 0;
	case OPT_SERIAL:
		config->serial = value;
		return 0;
	case OPT_DISK:
		config->disk = value;
		return 0;
	case OPT_PROTOCOL:
		return bus_option(arguments, "protocol", value);
	case OPT_OFFER:
		return bus_option(arguments, "offer", value);
	case OPT_SCENARIO:
		return bus_option(arguments, "scenario", value);
	case OPT_SEED:
		return bus_option(arguments, "seed", value);
	case OPT_PLAIN_APIC:
		config->plain_apic = true;
		return 0;
	case OPT_PROBE:
		arguments->probe = true;
		return 0;
	case ARGP_KEY_END:
		if (!config->kernel && !arguments->probe)
			argp_error(state, "--kernel is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.doc = "Boot a kernel as a guest of KVM and be its Hyper-V: a VMBus host for tests.\v"
	       STATUSES,
};

int main(int argc, char **argv)
{
	struct arguments arguments = {
		.config = { .cpus = 1, .memory_mib = 512 },
	};
	int status = STATUS_ERROR;
	static struct vm vm;

	argp_err_exit_status = 2;
	if (vm_init(&vm))
		return STATUS_ERROR;
	arguments.bus = vmbus_new(&vm);
	if (!arguments.bus) {
		vm_error("out of memory");
		return STATUS_ERROR;
	}
	if (argp_parse(&argp, argc, argv, 0, NULL, &arguments))
		status = 2;
	else if (arguments.probe)
		status = vm_probe(&vm);
	else
		status = vm_run(&vm, &arguments.config, arguments.bus);
	vmbus_free(arguments.bus);
	return status;
}
