// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl enable, disable, pause, start: the state of a channel.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kmcl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kmclctl.h"

static enum status show(const char *command, int fd, const char *name)
{
	struct kmcl_info info;
	enum status status;

	if (!json)
		return OK;
	status = channel_info(fd, name, &info);
	if (status)
		return status;
	const struct field fields[] = {
		{ .column = { "NAME", TEXT }, .text = info.name },
		{ .column = { "STATE", TEXT },
		  .text = channel_state(info.state) },
		{ .column = { "OPEN", TRUTH },
		  .number = info.flags & KMCL_INFO_OPEN },
	};

	return fields_show(command, fields, ARRAY_SIZE(fields));
}

/* A channel that is off in its configuration: that, too, is enabled */
static enum status switch_on(const char *name)
{
	char path[PATH_MAX];
	int error;

	snprintf(path, sizeof(path), CONFIG "/%s", channel_name(name));
	error = write_file(path, "enabled", "1");
	return error ? tell_errno(-error, "%s: switching it on (%s/enabled)",
				  name, path) : OK;
}

static enum status control(int argc, char **argv, const char *command,
			   unsigned long request, const char *doc)
{
	const struct argp argp = {
		.parser = parse_name,
		.args_doc = "NAME",
		.children = common,
		.doc = doc,
	};
	const char *name = NULL;
	enum status status = parse(&argp, argc, argv, &name);
	int fd;

	if (status)
		return status;
	fd = channel_open(name, O_WRONLY | O_NONBLOCK, &status);
	if (fd < 0)
		return status;
	if (ioctl(fd, request))
		status = errno == ENOTCONN && request == KMCL_IOC_ENABLE ?
			switch_on(name) : channel_errno(name, command, errno);
	if (!status)
		status = show(command, fd, name);
	close(fd);
	return status;
}

enum status enable_command(int argc, char **argv)
{
	return control(argc, argv, "enable", KMCL_IOC_ENABLE,
		       "Have a channel open once the host offers its device.");
}

enum status disable_command(int argc, char **argv)
{
	return control(argc, argv, "disable", KMCL_IOC_DISABLE,
		       "Close a channel. Messages that are written then are queued.");
}

enum status pause_command(int argc, char **argv)
{
	return control(argc, argv, "pause", KMCL_IOC_PAUSE,
		       "Stop sending and receiving on a channel.");
}

enum status start_command(int argc, char **argv)
{
	return control(argc, argv, "start", KMCL_IOC_START,
		       "Go on sending and receiving on a channel that was paused.");
}
