// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl list: the devices of the VMBus, and the channels that programs have to
 * them; also channels whose device the host does not offer.
 */
#include <string.h>

#include "kmclctl.h"

enum {
	DEVICE, WHAT, DRIVER, STATE, SUBCHANNELS, CHANNEL, CLASS, INSTANCE, OVERRIDE
};

/* The last ones only with --long, and in JSON */
static const struct column columns[] = {
	[DEVICE] = { "DEVICE", TEXT },
	[WHAT] = { "WHAT", TEXT },
	[DRIVER] = { "DRIVER", TEXT },
	[STATE] = { "STATE", TEXT },
	[SUBCHANNELS] = { "SUBCHANNELS", NUMBER },
	[CHANNEL] = { "CHANNEL", TEXT },
	[CLASS] = { "CLASS", TEXT },
	[INSTANCE] = { "INSTANCE", TEXT },
	[OVERRIDE] = { "OVERRIDE", TEXT },
};

struct list {
	struct table *table;
	bool all;
};

/* A channel of kmcl_cdev has this device, or a device has this channel */
struct pair {
	const struct device *device;
	const struct channel *channel;
	struct table *table;
	bool found;
};

static bool belongs(const struct channel *channel, const struct device *device)
{
	return device->driver && !strcmp(device->driver, device->ours) &&
		channel->class && !strcmp(channel->class, device->class) &&
		channel->instance &&
		!strcmp(channel->instance, device->instance);
}

static enum status name_channel(const struct channel *channel, void *context)
{
	struct pair *pair = context;

	if (belongs(channel, pair->device)) {
		table_text(pair->table, CHANNEL, channel->name);
		pair->found = true;
	}
	return OK;
}

static enum status find_device(const struct device *device, void *context)
{
	struct pair *pair = context;

	pair->found |= belongs(pair->channel, device);
	return OK;
}

static enum status row(const struct device *device, void *context)
{
	struct list *list = context;
	struct pair pair = { .device = device, .table = list->table };
	char words[40];

	table_row(list->table);
	table_text(list->table, DEVICE, device->name);
	table_text(list->table, WHAT,
		   class_words(device->class, words, sizeof(words)));
	table_text(list->table, DRIVER, device->driver);
	table_text(list->table, STATE, vmbus_state(device));
	table_number(list->table, SUBCHANNELS, vmbus_subchannels(device));
	channel_each(name_channel, &pair);
	if (!pair.found)
		table_text(list->table, CHANNEL, NULL);
	if (!list->all)
		return OK;
	table_text(list->table, CLASS, device->class);
	table_text(list->table, INSTANCE, device->instance);
	table_text(list->table, OVERRIDE, device->override);
	return OK;
}

/* Of a channel whose device is not there, or belongs to another driver */
static enum status lonely_row(const struct channel *channel, void *context)
{
	struct list *list = context;
	struct pair pair = { .channel = channel };
	char words[40];

	vmbus_each(find_device, &pair);
	if (pair.found)
		return OK;
	table_row(list->table);
	table_text(list->table, DEVICE, NULL);
	table_text(list->table, WHAT, channel->class ?
		   class_words(channel->class, words, sizeof(words)) : NULL);
	table_text(list->table, DRIVER, NULL);
	table_text(list->table, STATE, channel->state);
	table_text(list->table, SUBCHANNELS, NULL);
	table_text(list->table, CHANNEL, channel->name);
	if (!list->all)
		return OK;
	table_text(list->table, CLASS, channel->class);
	table_text(list->table, INSTANCE, channel->instance);
	table_text(list->table, OVERRIDE, NULL);
	return OK;
}

static error_t list_parse(int key, char *value __attribute__((unused)),
			  struct argp_state *state)
{
	struct list *list = state->input;

	if (key != 'l')
		return ARGP_ERR_UNKNOWN;
	list->all = true;
	return 0;
}

enum status list_command(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "long", 'l', NULL, 0,
		  "also their GUIDs and what driver_override has", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = list_parse,
		.children = common,
		.doc = "Print the devices that the host offers on the VMBus, and the channels of programs, also those without a device.",
	};
	struct list list = { NULL, false };
	enum status status = parse(&argp, argc, argv, &list);

	if (status)
		return status;
	if (!vmbus_there() && !channels_there())
		return tell(NOT_THERE, NO_VMBUS);
	list.all |= json;
	list.table = table_new("devices", columns,
			       list.all ? ARRAY_SIZE(columns) : CLASS);
	vmbus_each(row, &list);
	channel_each(lonely_row, &list);
	status = table_show(list.table);
	table_free(list.table);
	return status;
}
