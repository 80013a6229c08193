// SPDX-License-Identifier: GPL-2.0
/*
 * Channels for programs: /dev/kmcl/NAME, of kmcl_cdev.
 *
 * A channel can be removed at any moment. Its calls fail with ENODEV then.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kmcl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kmclctl.h"

#define NODES	"/dev/kmcl/"

bool channels_there(void)
{
	return !access("/sys/class/kmcl", F_OK);
}

struct channels {
	channel_fn fn;
	void *context;
};

static enum status each(struct udev_device *dev, void *context)
{
	const struct channels *channels = context;
	const struct channel channel = {
		.name = udev_device_get_sysname(dev),
		.state = udev_device_get_property_value(dev, "KMCL_STATE"),
		.class = udev_device_get_property_value(dev, "KMCL_CLASS"),
		.instance = udev_device_get_property_value(dev, "KMCL_INSTANCE"),
	};

	return channels->fn(&channel, channels->context);
}

enum status channel_each(channel_fn fn, void *context)
{
	struct channels channels = { fn, context };

	return subsystem_each("kmcl", each, &channels);
}

const char *channel_state(unsigned int state)
{
	static const char * const words[] = {
		[KMCL_STATE_OFF] = "off",
		[KMCL_STATE_DISABLED] = "disabled",
		[KMCL_STATE_WAITING] = "waiting",
		[KMCL_STATE_PAUSED] = "paused",
		[KMCL_STATE_ACTIVE] = "active",
	};

	return state < ARRAY_SIZE(words) ? words[state] : "unknown";
}

const char *channel_name(const char *what)
{
	if (!strncmp(what, NODES, strlen(NODES)))
		what += strlen(NODES);
	return *what && *what != '.' && !strchr(what, '/') &&
		strlen(what) < KMCL_NAME_SIZE ? what : NULL;
}

enum status channel_errno(const char *name, const char *what, int error)
{
	switch (error) {
	case ENODEV:
		return tell_errno(error, "%s: %s: the channel was removed, or its device went away",
				  name, what);
	case ENOTCONN:
		return tell(FAILED, "%s: %s: the channel is off; 'kmclctl enable %s' switches it on",
			    name, what, name);
	case ECANCELED:
		return tell_errno(error, "%s: %s: the channel was disabled",
				  name, what);
	case EMSGSIZE:
		return tell_errno(error, "%s: %s: 'kmclctl info %s' has the largest size (packet_bytes)",
				  name, what, name);
	case EOPNOTSUPP:
		return tell_errno(error, "%s: %s: a pipe has messages only, use 'kmclctl send' and 'kmclctl recv'",
				  name, what);
	default:
		return tell_errno(error, "%s: %s", name, what);
	}
}

int channel_try(const char *name, int flags)
{
	char path[sizeof(NODES) + KMCL_NAME_SIZE];
	int fd;

	snprintf(path, sizeof(path), NODES "%s", name);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int channel_open(const char *name, int flags, enum status *status)
{
	const char *known = channel_name(name);
	int fd;

	if (!known) {
		*status = tell(USAGE, "%s: this is no name of a channel", name);
		return -1;
	}
	fd = channel_try(known, flags);
	if (fd >= 0)
		*status = OK;
	else if (fd == -ENOENT && !channels_there())
		*status = tell(NOT_THERE, "%s: kmcl_cdev is not loaded; 'kmclctl doctor' says what to do",
			       known);
	else if (fd == -ENOENT)
		*status = tell(NOT_THERE, "%s: there is no " NODES "%s; 'kmclctl create %s --class=CLASS' makes it",
			       known, known, known);
	else if (fd == -EACCES)
		*status = tell_errno(-fd, "%s: opening " NODES "%s: be root, or in the group that it belongs to",
				     known, known);
	else
		*status = tell_errno(-fd, "%s: opening " NODES "%s", known,
				     known);
	return fd < 0 ? -1 : fd;
}

int channel_get_info(int fd, struct kmcl_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return ioctl(fd, KMCL_IOC_GET_INFO, info) ? -errno : 0;
}

int channel_get_stats(int fd, struct kmcl_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->size = sizeof(*stats);
	return ioctl(fd, KMCL_IOC_GET_STATS, stats) ? -errno : 0;
}

enum status channel_info(int fd, const char *name, struct kmcl_info *info)
{
	int error = channel_get_info(fd, info);

	return error ? channel_errno(name, "asking for its state", -error) : OK;
}
