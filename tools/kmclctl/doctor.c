// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl doctor: what a machine has, what is missing for channels of programs, and
 * the command that gets it. What the kernel requires of modules is in secure.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

enum {
	CHECK, RESULT, FOUND, ADVICE
};

static const struct column columns[] = {
	[CHECK] = { "CHECK", TEXT },
	[RESULT] = { "RESULT", TEXT },
	[FOUND] = { "FOUND", LONG_TEXT },
	[ADVICE] = { "ADVICE", LONG_TEXT },
};

static const char * const results[] = { "ok", "note", "unknown", "missing" };

void finding(struct doctor *doctor, const char *check, enum result result,
	     const char *advice, const char *format, ...)
{
	va_list arguments;
	char *found;

	va_start(arguments, format);
	if (vasprintf(&found, format, arguments) < 0)
		need(NULL);
	va_end(arguments);
	table_row(doctor->table);
	table_text(doctor->table, CHECK, check);
	table_text(doctor->table, RESULT, results[result]);
	table_text(doctor->table, FOUND, found);
	if (advice)
		table_text(doctor->table, ADVICE, advice);
	else if (!json)
		table_text(doctor->table, ADVICE, "");
	free(found);
	if (result == BAD)
		doctor->bad = true;
}

/* The ACPI or device tree node that hv_vmbus binds to */
static bool firmware_has_vmbus(void)
{
	struct udev *udev = need(udev_new());
	struct udev_enumerate *found = need(udev_enumerate_new(udev));
	bool there;

	udev_enumerate_add_match_subsystem(found, "acpi");
	udev_enumerate_add_match_sysname(found, "VMBUS:*");
	udev_enumerate_add_match_sysname(found, "VMBus:*");
	udev_enumerate_scan_devices(found);
	there = udev_enumerate_get_list_entry(found);
	udev_enumerate_unref(found);
	udev_unref(udev);
	return there;
}

static void hypervisor(struct doctor *doctor)
{
	char *vendor = read_file("/sys/class/dmi/id", "sys_vendor");
	char *product = read_file("/sys/class/dmi/id", "product_name");

	if (vmbus_there())
		finding(doctor, "Hyper-V", GOOD, NULL,
			"this is a guest, and its kernel has a VMBus");
	else if (firmware_has_vmbus())
		finding(doctor, "Hyper-V", BAD, "modprobe hv_vmbus",
			"this is a guest, and hv_vmbus is not loaded");
	else if (vendor && product && !strcmp(vendor, "Microsoft Corporation") &&
		 !strcmp(product, "Virtual Machine"))
		finding(doctor, "Hyper-V", BAD,
			"use a kernel with CONFIG_HYPERV and ACPI",
			"this is a guest, and its kernel finds no VMBus");
	else
		finding(doctor, "Hyper-V", BAD,
			"run this in a guest of Hyper-V; without it there is the loopback bus only",
			"this is no guest of Hyper-V, but %s %s",
			vendor ? vendor : "an unknown machine",
			product ? product : "");
	free(product);
	free(vendor);
}

/* hv_vmbus says it in the kernel's log only */
static void protocol(struct doctor *doctor)
{
	static const char says[] = "Vmbus version:";
	char buffer[16384], version[16] = "";
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	const char *at;
	ssize_t length;

	if (fd < 0) {
		finding(doctor, "VMBus version", UNKNOWN, "run this as root",
			"the kernel's log cannot be read (%s)", strerror(errno));
		return;
	}
	/* One message at a time; EPIPE is for those that were overwritten */
	while ((length = read(fd, buffer, sizeof(buffer) - 1)) > 0 ||
	       (length < 0 && errno == EPIPE)) {
		buffer[length < 0 ? 0 : length] = '\0';
		at = strstr(buffer, says);
		if (at)
			sscanf(at + strlen(says), "%15[0-9.]", version);
	}
	close(fd);
	if (*version)
		finding(doctor, "VMBus version", GOOD, NULL, "%s", version);
	else
		finding(doctor, "VMBus version", UNKNOWN,
			"journalctl -k -g 'Vmbus version'",
			"the kernel's log does not say it any more");
}

static enum status holder(const struct device *device, void *context)
{
	struct doctor *doctor = context;
	char what[40], check[80], advice[120];
	const char *words = class_words(device->class, what, sizeof(what));

	snprintf(check, sizeof(check), "Device %s", device->name);
	if (!words)
		words = "a device of an unknown class";
	if (device->driver && !strcmp(device->driver, device->ours)) {
		finding(doctor, check, GOOD, NULL, "%s; it belongs to vmbkmcl",
			words);
		return OK;
	}
	snprintf(advice, sizeof(advice), "kmclctl bind %s", device->name);
	if (device->override && strcmp(device->override, device->ours))
		finding(doctor, check, NOTE, advice,
			"%s; it is kept for driver %s", words, device->override);
	else if (device->driver)
		finding(doctor, check, NOTE, advice,
			"%s; driver %s has it", words, device->driver);
	else
		finding(doctor, check, NOTE, advice, "%s; no driver has it",
			words);
	return OK;
}

/* Where channels are configured, and who may use them */
static void configuration(struct doctor *doctor)
{
	if (access("/sys/kernel/config", F_OK))
		finding(doctor, "configfs", BAD, "modprobe configfs",
			"not there, and channels are made in it");
	else if (access(CONFIG, F_OK))
		finding(doctor, "configfs", BAD,
			"mount -t configfs none /sys/kernel/config",
			"there is no " CONFIG);
	else
		finding(doctor, "configfs", GOOD, NULL, CONFIG);
	if (getgrnam("kmcl"))
		finding(doctor, "Group kmcl", GOOD, NULL, "it is there");
	else
		finding(doctor, "Group kmcl", NOTE, "groupadd --system kmcl",
			"not there, so only root can use channels");
}

/* What a channel that waits would have */
struct wait {
	struct doctor *doctor;
	const struct channel *channel;
	const char *check;
	int devices;
};

static enum status candidate(const struct device *device, void *context)
{
	struct wait *wait = context;
	const struct channel *channel = wait->channel;
	char advice[120];

	if (strcmp(device->class, channel->class) ||
	    (channel->instance && strcmp(device->instance, channel->instance)))
		return OK;
	wait->devices++;
	snprintf(advice, sizeof(advice), "kmclctl bind %s", device->name);
	if (device->driver && strcmp(device->driver, device->ours))
		finding(wait->doctor, wait->check, BAD, advice,
			"it waits, and driver %s has device %s",
			device->driver, device->name);
	else if (device->override && strcmp(device->override, device->ours))
		finding(wait->doctor, wait->check, BAD, advice,
			"it waits, and device %s is kept for driver %s",
			device->name, device->override);
	else
		finding(wait->doctor, wait->check, NOTE, "dmesg",
			"it waits, and device %s is there", device->name);
	return OK;
}

static enum status channel(const struct channel *channel, void *context)
{
	struct doctor *doctor = context;
	char check[64], advice[80];
	struct wait wait = { doctor, channel, check, 0 };

	snprintf(check, sizeof(check), "Channel %s", channel->name);
	snprintf(advice, sizeof(advice), "kmclctl enable %s", channel->name);
	if (!channel->state || !channel->class) {
		finding(doctor, check, NOTE, NULL, "it has no class yet");
	} else if (!strcmp(channel->state, "off") ||
		   !strcmp(channel->state, "disabled")) {
		finding(doctor, check, NOTE, advice, "it is %s", channel->state);
	} else if (strcmp(channel->state, "waiting")) {
		finding(doctor, check, GOOD, NULL, "%s", channel->state);
	} else {
		vmbus_each(candidate, &wait);
		if (!wait.devices)
			finding(doctor, check, NOTE, "kmclctl list",
				"it waits, and the host does not offer the device");
	}
	return OK;
}

static error_t doctor_parse(int key, char *value, struct argp_state *state)
{
	struct doctor *doctor = state->input;

	if (key != ARGP_KEY_ARG || state->arg_num > 0)
		return ARGP_ERR_UNKNOWN;
	doctor->device = value;
	return 0;
}

enum status doctor_command(int argc, char **argv)
{
	static const char * const modules[] = {
		"vmbkmcl", "vmbkmcl_hv", "kmcl_cdev"
	};
	static const struct argp argp = {
		.parser = doctor_parse,
		.args_doc = "[DEVICE]",
		.children = common,
		.doc = "Tell what is missing here for channels of programs, and what to do; and who has DEVICE.",
	};
	struct doctor doctor = { NULL };
	enum status status = parse(&argp, argc, argv, &doctor), shown;
	size_t i;

	if (status)
		return status;
	doctor.table = table_new("doctor", columns, ARRAY_SIZE(columns));
	doctor.kmod = kmod_new(NULL, NULL);
	hypervisor(&doctor);
	if (vmbus_there())
		protocol(&doctor);
	doctor_secure(&doctor);
	for (i = 0; i < ARRAY_SIZE(modules); i++)
		doctor_module(&doctor, modules[i]);
	if (!access("/sys/module/kmcl_cdev", F_OK)) {
		configuration(&doctor);
		channel_each(channel, &doctor);
	}
	if (doctor.device)
		status = vmbus_one(doctor.device, holder, &doctor);
	shown = table_show(doctor.table);
	table_free(doctor.table);
	if (doctor.kmod)
		kmod_unref(doctor.kmod);
	if (status)
		return status;
	if (shown)
		return shown;
	return doctor.bad ? FAILED : OK;
}
