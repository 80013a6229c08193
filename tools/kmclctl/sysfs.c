// SPDX-License-Identifier: GPL-2.0
/*
 * The devices of a subsystem, and small files: those of the kernel that libudev does
 * not write as they have to be, and those that are not attributes of a device.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kmclctl.h"

static void path_of(char *path, size_t size, const char *directory,
		    const char *file)
{
	snprintf(path, size, "%s%s%s", directory ? directory : "",
		 directory ? "/" : "", file);
}

/* With one call: each is a command of its own */
int write_file(const char *directory, const char *file, const char *text)
{
	char path[PATH_MAX];
	int fd, error = 0;
	ssize_t done;

	path_of(path, sizeof(path), directory, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	done = write(fd, text, strlen(text));
	if (done < 0)
		error = -errno;
	else if ((size_t)done != strlen(text))
		error = -EIO;
	close(fd);
	return error;
}

char *read_file(const char *directory, const char *file)
{
	char path[PATH_MAX], text[4096];
	ssize_t length;
	int fd;

	path_of(path, sizeof(path), directory, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	length = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (length < 0)
		return NULL;
	text[length] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return need(strdup(text));
}

enum status subsystem_each(const char *subsystem, subsystem_fn fn, void *context)
{
	struct udev *udev = need(udev_new());
	struct udev_enumerate *found = need(udev_enumerate_new(udev));
	struct udev_list_entry *entry;
	enum status status = OK;
	struct udev_device *dev;

	udev_enumerate_add_match_subsystem(found, subsystem);
	udev_enumerate_scan_devices(found);
	udev_list_entry_foreach(entry, udev_enumerate_get_list_entry(found)) {
		dev = udev_device_new_from_syspath(udev,
						   udev_list_entry_get_name(entry));
		/* It has gone meanwhile */
		if (!dev)
			continue;
		status = fn(dev, context);
		udev_device_unref(dev);
		if (status)
			break;
	}
	udev_enumerate_unref(found);
	udev_unref(udev);
	return status;
}
