// SPDX-License-Identifier: GPL-2.0
/*
 * Devices of the VMBus, as libudev shows them.
 *
 * A device can go at any moment, when the host takes it back. Its attributes are
 * missing then, and it is left out.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kmclctl.h"

bool vmbus_there(void)
{
	return !access(VMBUS, F_OK);
}

/* false if the device is going, or none that has a class */
static bool describe(struct device *device, struct udev_device *udev)
{
	const char *class = udev_device_get_sysattr_value(udev, "class_id");
	const char *id = udev_device_get_sysattr_value(udev, "device_id");

	if (!class || !id || !guid_text(class, device->class) ||
	    !guid_text(id, device->instance))
		return false;
	device->udev = udev;
	device->name = udev_device_get_sysname(udev);
	device->driver = udev_device_get_driver(udev);
	device->override = udev_device_get_sysattr_value(udev,
							 "driver_override");
	if (device->override && !strcmp(device->override, "(null)"))
		device->override = NULL;
	snprintf(device->ours, sizeof(device->ours), "vmbkmcl-%s",
		 device->class);
	return true;
}

struct devices {
	device_fn fn;
	void *context;
};

static enum status each(struct udev_device *dev, void *context)
{
	const struct devices *devices = context;
	struct device device;

	return describe(&device, dev) ? devices->fn(&device, devices->context) :
					OK;
}

enum status vmbus_each(device_fn fn, void *context)
{
	struct devices devices = { fn, context };

	return subsystem_each("vmbus", each, &devices);
}

/*
 * What a user means with a word: a device, by its name or instance, or else the only
 * device of a class.
 */
struct search {
	const char *what;
	char guid[GUID_TEXT];
	const char *class;
	bool exactly;
	int found;
	device_fn fn;
	void *context;
};

static bool is_it(const struct device *device, const struct search *search)
{
	if (search->exactly)
		return !strcmp(device->name, search->what) ||
		       !strcmp(device->instance, search->guid);
	return search->class && !strcmp(device->class, search->class);
}

static enum status count_it(const struct device *device, void *context)
{
	struct search *search = context;

	search->found += is_it(device, search);
	return OK;
}

static enum status call_it(const struct device *device, void *context)
{
	struct search *search = context;

	return is_it(device, search) ? search->fn(device, search->context) : OK;
}

enum status vmbus_one(const char *what, device_fn fn, void *context)
{
	const struct class *class = class_of_name(what);
	struct search search = {
		.what = what, .exactly = true, .fn = fn, .context = context
	};

	if (!vmbus_there())
		return tell(NOT_THERE, NO_VMBUS);
	if (guid_text(what, search.guid))
		search.class = search.guid;
	else if (class)
		search.class = class->guid;
	vmbus_each(count_it, &search);
	if (!search.found) {
		search.exactly = false;
		vmbus_each(count_it, &search);
	}
	if (!search.found)
		return tell(NOT_THERE, "%s: there is no such device on the VMBus; 'kmclctl list' lists those that the host offers",
			    what);
	if (search.found > 1)
		return tell(FAILED, "%s: there are %d devices of this class; name one of them, as 'kmclctl list' does",
			    what, search.found);
	return vmbus_each(call_it, &search);
}

/* The host's numbers of a class's channels: 0 is the first one's */
int vmbus_subchannels(const struct device *device)
{
	char path[PATH_MAX], file[PATH_MAX];
	struct dirent *entry;
	int count = 0;
	char *number;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/channels",
		 udev_device_get_syspath(device->udev));
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/subchannel_id", entry->d_name);
		number = read_file(path, file);
		count += number && strcmp(number, "0");
		free(number);
	}
	closedir(dir);
	return count;
}

/* enum vmbus_channel_state of the kernel */
const char *vmbus_state(const struct device *device)
{
	static const char * const words[] = {
		"offered", "opening", "closed", "open"
	};
	const char *state = udev_device_get_sysattr_value(device->udev, "state");
	unsigned long number;
	char *end;

	if (!state || !*state)
		return NULL;
	number = strtoul(state, &end, 10);
	return *end || number >= ARRAY_SIZE(words) ? state : words[number];
}
