// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl list: the devices of the VMBus.
 */
#include <string.h>

#include "kmclctl.h"

enum {
	DEVICE, WHAT, DRIVER, STATE, SUBCHANNELS, CLASS, INSTANCE, OVERRIDE
};

/* The last ones only with --long, and in JSON */
static const struct column columns[] = {
	[DEVICE] = { "DEVICE", TEXT },
	[WHAT] = { "WHAT", TEXT },
	[DRIVER] = { "DRIVER", TEXT },
	[STATE] = { "STATE", TEXT },
	[SUBCHANNELS] = { "SUBCHANNELS", NUMBER },
	[CLASS] = { "CLASS", TEXT },
	[INSTANCE] = { "INSTANCE", TEXT },
	[OVERRIDE] = { "OVERRIDE", TEXT },
};

struct list {
	struct table *table;
	bool all;
};

static enum status row(const struct device *device, void *context)
{
	struct list *list = context;
	char words[40];

	table_row(list->table);
	table_text(list->table, DEVICE, device->name);
	table_text(list->table, WHAT,
		   class_words(device->class, words, sizeof(words)));
	table_text(list->table, DRIVER, device->driver);
	table_text(list->table, STATE, vmbus_state(device));
	table_number(list->table, SUBCHANNELS, vmbus_subchannels(device));
	if (!list->all)
		return OK;
	table_text(list->table, CLASS, device->class);
	table_text(list->table, INSTANCE, device->instance);
	table_text(list->table, OVERRIDE, device->override);
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
		.doc = "Print the devices that the host offers on the VMBus.",
	};
	struct list list = { NULL, false };
	enum status status = parse(&argp, argc, argv, &list);

	if (status)
		return status;
	if (!vmbus_there())
		return tell(NOT_THERE, NO_VMBUS);
	list.all |= json;
	list.table = table_new("devices", columns,
			       list.all ? ARRAY_SIZE(columns) : CLASS);
	vmbus_each(row, &list);
	status = table_show(list.table);
	table_free(list.table);
	return status;
}
