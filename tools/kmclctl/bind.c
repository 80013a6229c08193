// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl bind, unbind: which driver has a device.
 *
 * driver_override decides that, as it does for driverctl: it is set first, so that
 * no other driver gets the device in between, and stays.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kmclctl.h"

struct binding {
	const char *device;
	const char *driver;
	bool leave;
};

static error_t bind_parse(int key, char *value, struct argp_state *state)
{
	struct binding *binding = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			binding->device = value;
		else if (state->arg_num == 1)
			binding->driver = value;
		else
			return ARGP_ERR_UNKNOWN;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t unbind_parse(int key, char *value, struct argp_state *state)
{
	struct binding *binding = state->input;

	switch (key) {
	case 'n':
		binding->leave = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			return ARGP_ERR_UNKNOWN;
		binding->device = value;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static enum status went_wrong(const struct device *device, const char *what,
			      int error)
{
	if (error == -EACCES || error == -EPERM)
		return tell_errno(-error, "%s: %s: this needs root",
				  device->name, what);
	if (error == -ENODEV || error == -ENOENT)
		return tell_errno(-error, "%s: %s: the host has taken the device back",
				  device->name, what);
	return tell_errno(-error, "%s: %s", device->name, what);
}

/* The driver that has the device by now, allocated; NULL without one */
static char *driver_now(const struct device *device)
{
	char path[PATH_MAX], target[PATH_MAX];
	ssize_t length;
	char *name;

	snprintf(path, sizeof(path), VMBUS "/devices/%s/driver", device->name);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return NULL;
	target[length] = '\0';
	name = strrchr(target, '/');
	return need(strdup(name ? name + 1 : target));
}

static enum status override(const struct device *device, const char *driver)
{
	char line[NAME_MAX + 2];
	int error;

	snprintf(line, sizeof(line), "%s\n", driver);
	error = write_file(udev_device_get_syspath(device->udev),
			   "driver_override", line);
	return error ? went_wrong(device, "setting driver_override", error) : OK;
}

static enum status take_from(const struct device *device, const char *driver)
{
	char path[PATH_MAX];
	int error;

	snprintf(path, sizeof(path), VMBUS "/drivers/%s", driver);
	error = write_file(path, "unbind", device->name);
	/* It is not that driver's any more, which is what we want */
	return error && error != -ENODEV ?
		went_wrong(device, "taking it from its driver", error) : OK;
}

static enum status probe(const struct device *device)
{
	int error = write_file(VMBUS, "drivers_probe", device->name);

	/* Other errors are those of drivers, and who has the device says more */
	if (error == -EACCES || error == -EPERM || error == -ENODEV)
		return went_wrong(device, "probing", error);
	return OK;
}

static enum status show(const char *command, const struct device *device,
			const char *driver, const char *chosen)
{
	static const struct column columns[] = {
		{ "DEVICE", TEXT }, { "DRIVER", TEXT }, { "OVERRIDE", TEXT },
	};
	struct table *table;
	enum status status;

	if (!json)
		return OK;
	table = table_new(command, columns, ARRAY_SIZE(columns));
	table_row(table);
	table_text(table, 0, device->name);
	table_text(table, 1, driver);
	table_text(table, 2, chosen);
	status = table_show(table);
	table_free(table);
	return status;
}

static bool registered(const char *driver)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), VMBUS "/drivers/%s", driver);
	return !access(path, F_OK);
}

/* Why a driver that the device was given has not got it */
static enum status refused(const struct device *device, const char *driver)
{
	if (!strcmp(driver, device->ours))
		return tell(FAILED, "%s: it is kept for %s and has no driver yet: no channel that is enabled wants it. Enable one ('kmclctl enable NAME'), or give the device back ('kmclctl unbind %s')",
			    device->name, driver, device->name);
	return tell(FAILED, "%s: driver %s has refused it, the kernel's log may say why ('dmesg'). To give it back: 'kmclctl unbind %s'",
		    device->name, driver, device->name);
}

static enum status bind_it(const struct device *device, void *context)
{
	const struct binding *binding = context;
	const char *driver = binding->driver ? binding->driver : device->ours;
	enum status status = OK;
	char *now;

	if (strchr(driver, '/') || strlen(driver) > NAME_MAX)
		return tell(USAGE, "%s: this is no name of a driver", driver);
	if (!registered(driver) && !strcmp(driver, device->ours))
		return tell(NOT_THERE, "%s: no channel wants a device of class %s, and so there is no driver %s. Have a channel first ('kmclctl create NAME --class=%s'), or name a driver",
			    device->name, device->class, driver, device->class);
	if (!registered(driver))
		return tell(NOT_THERE, "%s: there is no driver %s; load its module first ('modprobe %s'?)",
			    device->name, driver, driver);

	status = override(device, driver);
	if (!status && device->driver && strcmp(device->driver, driver))
		status = take_from(device, device->driver);
	if (!status)
		status = probe(device);
	if (status)
		return status;
	now = driver_now(device);
	if (!now)
		status = refused(device, driver);
	else if (strcmp(now, driver))
		status = tell(FAILED, "%s: driver %s has it nonetheless",
			      device->name, now);
	else
		status = show("bind", device, now, driver);
	free(now);
	return status;
}

static enum status unbind_it(const struct device *device, void *context)
{
	const struct binding *binding = context;
	enum status status;
	char *now;

	status = override(device, "");
	if (!status && device->driver)
		status = take_from(device, device->driver);
	if (!status && !binding->leave)
		status = probe(device);
	if (status)
		return status;
	now = driver_now(device);
	if (now && !strcmp(now, device->ours))
		status = tell(FAILED, "%s: a channel that is enabled has taken it again. Disable the channel first ('kmclctl disable NAME')",
			      device->name);
	else if (now && binding->leave)
		status = tell(FAILED, "%s: driver %s has taken it again",
			      device->name, now);
	else
		status = show("unbind", device, now, NULL);
	free(now);
	return status;
}

enum status bind_command(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = bind_parse,
		.args_doc = "DEVICE [DRIVER]",
		.children = common,
		.doc = "Give a device to a driver, now and whenever it is offered; without DRIVER to vmbkmcl's, for the channel that wants it.",
	};
	struct binding binding = { NULL };
	enum status status = parse(&argp, argc, argv, &binding);

	return status ? status : vmbus_one(binding.device, bind_it, &binding);
}

enum status unbind_command(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "no-probe", 'n', NULL, 0, "leave it without a driver", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = unbind_parse,
		.args_doc = "DEVICE",
		.children = common,
		.doc = "Take a device from its driver, and let the kernel choose one as it does for a new device.",
	};
	struct binding binding = { NULL };
	enum status status = parse(&argp, argc, argv, &binding);

	return status ? status : vmbus_one(binding.device, unbind_it, &binding);
}
