// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl create, delete: the configuration of channels, in configfs.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kmclctl.h"

enum {
	OPT_CLASS = 256, OPT_INSTANCE, OPT_PIPE, OPT_RING, OPT_PACKET,
	OPT_QUEUE, OPT_PACKETS, OPT_MANUAL, OPT_DROP, OPT_OFF
};

/* In the order in which they are written; the value is NULL for the default */
static struct attribute {
	const char *name;
	const char *value;
} attributes[] = {
	{ "class", NULL }, { "instance", NULL }, { "mode", NULL },
	{ "packet_bytes", NULL }, { "ring_bytes", NULL },
	{ "queue_bytes", NULL }, { "queue_packets", NULL },
	{ "reopen", NULL }, { "keep", NULL }, { "enabled", "1" },
};

static void set(const char *name, const char *value)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(attributes); i++)
		if (!strcmp(attributes[i].name, name))
			attributes[i].value = value;
}

static const char *guid_or_class(struct argp_state *state, const char *text,
				 char guid[GUID_TEXT], bool words)
{
	const struct class *class = words ? class_of_name(text) : NULL;

	if (class)
		return class->guid;
	if (!guid_text(text, guid))
		argp_error(state, "%s: this is no GUID%s", text, words ?
			   ", and no class that 'kmclctl classes' lists" : "");
	return guid;
}

static error_t create_parse(int key, char *value, struct argp_state *state)
{
	static char class[GUID_TEXT], instance[GUID_TEXT];
	const char **name = state->input;

	switch (key) {
	case OPT_CLASS:
		set("class", guid_or_class(state, value, class, true));
		return 0;
	case OPT_INSTANCE:
		set("instance", guid_or_class(state, value, instance, false));
		return 0;
	case OPT_PIPE:
		set("mode", "pipe");
		return 0;
	case OPT_RING:
		set("ring_bytes", value);
		return 0;
	case OPT_PACKET:
		set("packet_bytes", value);
		return 0;
	case OPT_QUEUE:
		set("queue_bytes", value);
		return 0;
	case OPT_PACKETS:
		set("queue_packets", value);
		return 0;
	case OPT_MANUAL:
		set("reopen", "manual");
		return 0;
	case OPT_DROP:
		set("keep", "none");
		return 0;
	case OPT_OFF:
		set("enabled", NULL);
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			return ARGP_ERR_UNKNOWN;
		*name = value;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	case ARGP_KEY_END:
		if (!attributes[0].value)
			argp_error(state, "--class is needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static enum status show(const char *command, const char *name)
{
	const struct field fields[] = {
		{ .column = { "NAME", TEXT }, .text = name },
		{ .column = { "ENABLED", TRUTH },
		  .number = !strcmp(command, "create") &&
			    attributes[ARRAY_SIZE(attributes) - 1].value },
	};

	return json ? fields_show(command, fields, ARRAY_SIZE(fields)) : OK;
}

static enum status make(const char *name, const char *path)
{
	if (!mkdir(path, 0755))
		return OK;
	if (errno == EEXIST)
		return tell(FAILED, "%s: there is such a channel already; 'kmclctl delete %s' removes it",
			    name, name);
	if (errno == ENOENT)
		return tell(NOT_THERE, "%s: there is no " CONFIG "; 'modprobe kmcl_cdev', and 'mount -t configfs none /sys/kernel/config' if that is not mounted",
			    name);
	if (errno == EACCES || errno == EPERM)
		return tell_errno(errno, "%s: making a channel needs root",
				  name);
	return tell_errno(errno, "%s: making %s", name, path);
}

static enum status configure(const char *name, const char *path)
{
	size_t i;
	int error;

	for (i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (!attributes[i].value)
			continue;
		error = write_file(path, attributes[i].name,
				   attributes[i].value);
		if (error)
			return tell_errno(-error, "%s: setting %s to %s", name,
					  attributes[i].name,
					  attributes[i].value);
	}
	return OK;
}

/* The name without its directory, and its place in configfs */
static enum status find(const char **name, char *path, size_t size)
{
	const char *known = channel_name(*name);

	if (!known)
		return tell(USAGE, "%s: this is no name of a channel", *name);
	*name = known;
	snprintf(path, size, CONFIG "/%s", known);
	return OK;
}

enum status create_command(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "class", OPT_CLASS, "CLASS", 0,
		  "GUID of the class, or a word that 'kmclctl classes' prints; needed",
		  0 },
		{ "instance", OPT_INSTANCE, "GUID", 0,
		  "of the device; without it any of the class", 0 },
		{ "pipe", OPT_PIPE, NULL, 0,
		  "the service has messages with the header of VMBus pipes", 0 },
		{ "packet-bytes", OPT_PACKET, "N", 0,
		  "the largest message", 0 },
		{ "ring-bytes", OPT_RING, "N", 0, "size of each ring", 0 },
		{ "queue-bytes", OPT_QUEUE, "N", 0,
		  "memory for messages that wait", 0 },
		{ "queue-packets", OPT_PACKETS, "N", 0,
		  "messages that may wait", 0 },
		{ "manual", OPT_MANUAL, NULL, 0,
		  "stay closed after the host has taken the device away", 0 },
		{ "drop", OPT_DROP, NULL, 0,
		  "keep no message when the channel closes", 0 },
		{ "off", OPT_OFF, NULL, 0, "do not enable it", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = create_parse,
		.args_doc = "NAME --class=CLASS",
		.children = common,
		.doc = "Make a channel for programs, /dev/kmcl/NAME, which opens whenever the host offers the device.",
	};
	const char *name = NULL;
	enum status status = parse(&argp, argc, argv, &name);
	char path[PATH_MAX];

	if (status)
		return status;
	status = find(&name, path, sizeof(path));
	if (status)
		return status;
	status = make(name, path);
	if (status)
		return status;
	status = configure(name, path);
	if (status)
		rmdir(path);
	return status ? status : show("create", name);
}

enum status delete_command(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse_name,
		.args_doc = "NAME",
		.children = common,
		.doc = "Remove a channel, also while programs have it open.",
	};
	const char *name = NULL;
	enum status status = parse(&argp, argc, argv, &name);
	char path[PATH_MAX];

	if (status)
		return status;
	status = find(&name, path, sizeof(path));
	if (status)
		return status;
	if (!rmdir(path))
		return show("delete", name);
	if (errno == ENOENT)
		return tell(NOT_THERE, "%s: there is no such channel in " CONFIG,
			    name);
	return tell_errno(errno, "%s: removing it", name);
}
