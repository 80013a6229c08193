// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl events: what happens to a channel, as it happens.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kmcl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kmclctl.h"

enum {
	TIME, NAME, NUMBER_OF, EVENT, STATE, CAUSE, ERROR, LOST
};

static const struct column columns[] = {
	[TIME] = { "TIME", NUMBER },
	[NAME] = { "NAME", TEXT },
	[NUMBER_OF] = { "SEQ", NUMBER },
	[EVENT] = { "EVENT", TEXT },
	[STATE] = { "STATE", TEXT },
	[CAUSE] = { "CAUSE", TEXT },
	[ERROR] = { "ERROR", TEXT },
	[LOST] = { "LOST", NUMBER },
};

struct events {
	const char *name;
	unsigned long long count;
	long long timeout;
	struct table *table;
	unsigned long long shown;
};

static const char *event_word(unsigned int type)
{
	static const char * const words[] = {
		[KMCL_EVENT_ENABLED] = "enabled",
		[KMCL_EVENT_OPENED] = "opened",
		[KMCL_EVENT_STARTED] = "started",
		[KMCL_EVENT_SUSPENDED] = "suspended",
		[KMCL_EVENT_RESUMED] = "resumed",
		[KMCL_EVENT_CLOSED] = "closed",
		[KMCL_EVENT_FAILED] = "failed",
		[KMCL_EVENT_DISABLED] = "disabled",
		[KMCL_EVENT_REMOVED] = "removed",
	};

	return type && type < ARRAY_SIZE(words) ? words[type] : "unknown";
}

static const char *cause_word(unsigned int cause)
{
	static const char * const words[] = {
		[KMCL_CAUSE_NONE] = NULL,
		[KMCL_CAUSE_DEVICE] = "device",
		[KMCL_CAUSE_LOCAL] = "local",
		[KMCL_CAUSE_HIBERNATE] = "hibernate",
	};

	return cause < ARRAY_SIZE(words) ? words[cause] : "unknown";
}

static enum status show(struct events *events, const struct kmcl_event *event)
{
	struct table *table = events->table;
	char time[32];

	/* As in the kernel's log */
	snprintf(time, sizeof(time), "%llu.%06llu",
		 (unsigned long long)event->time_ns / 1000000000,
		 (unsigned long long)event->time_ns / 1000 % 1000000);
	table_row(table);
	table_text(table, TIME, time);
	table_text(table, NAME, events->name);
	table_number(table, NUMBER_OF, event->seq);
	table_text(table, EVENT, event_word(event->type));
	table_text(table, STATE, channel_state(event->state));
	table_text(table, CAUSE, cause_word(event->cause));
	table_text(table, ERROR, event->error ? strerror(event->error) : NULL);
	table_number(table, LOST, event->lost);
	return events->shown++ ? table_continue(table) : table_show(table);
}

/* The events of one read(); each is as large as the kernel says */
static enum status show_all(struct events *events, const char *data,
			    size_t length)
{
	enum status status = OK;
	struct kmcl_event event;
	size_t step;

	while (!status && length &&
	       (!events->count || events->shown < events->count)) {
		memset(&event, 0, sizeof(event));
		memcpy(&event, data, length < sizeof(event) ? length :
		       sizeof(event));
		step = event.size;
		if (!step || step > length)
			return tell(FAILED, "%s: an event that kmclctl cannot read",
				    events->name);
		status = show(events, &event);
		data += step;
		length -= step;
	}
	return status;
}

static enum status follow(struct events *events, int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	long long until = until_ns(events->timeout), left;
	enum status status = OK;
	char data[4096];
	ssize_t length;
	int ready;

	while (!status && (!events->count || events->shown < events->count)) {
		left = until < 0 ? -1 : (until - now_ns()) / 1000000 + 1;
		if (until >= 0 && left < 0)
			left = 0;
		ready = poll(&poll_fd, 1, left > INT_MAX ? INT_MAX : left);
		if (ready < 0 && errno != EINTR)
			return tell_errno(errno, "%s: poll", events->name);
		if (!ready)
			return tell(TIMED_OUT, "%s: no event within the time limit",
				    events->name);
		length = read(fd, data, sizeof(data));
		/* The end: the channel was removed */
		if (!length)
			return OK;
		if (length > 0)
			status = show_all(events, data, length);
		else if (errno != EINTR && errno != EAGAIN)
			status = channel_errno(events->name, "events", errno);
	}
	return status;
}

static error_t events_parse(int key, char *value, struct argp_state *state)
{
	struct events *events = state->input;

	switch (key) {
	case 'n':
		events->count = number_of(state, value, 0, UINT64_MAX);
		return 0;
	case 't':
		events->timeout = seconds_of(state, value);
		return 0;
	case ARGP_KEY_ARG:
	case ARGP_KEY_NO_ARGS:
		state->input = &events->name;
		return parse_name(key, value, state);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

enum status events_command(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "count", 'n', "N", 0,
		  "end after so many; 0: until it is interrupted or the channel is removed",
		  0 },
		{ "timeout", 't', "SECONDS", 0, "wait no longer than that", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = events_parse,
		.args_doc = "NAME",
		.children = common,
		.doc = "Print what happens to a channel: the last event that there was, and then each as it happens.",
	};
	struct events events = { .timeout = -1 };
	enum status status = parse(&argp, argc, argv, &events);
	int fd, stream;

	if (status)
		return status;
	fd = channel_open(events.name, O_RDONLY | O_NONBLOCK, &status);
	if (fd < 0)
		return status;
	stream = ioctl(fd, KMCL_IOC_EVENTS, O_NONBLOCK);
	if (stream < 0) {
		status = channel_errno(events.name, "events", errno);
		close(fd);
		return status;
	}
	events.table = table_new("events", columns, ARRAY_SIZE(columns));
	table_width(events.table, TIME, 13);
	table_width(events.table, NUMBER_OF, 5);
	table_width(events.table, EVENT, strlen("suspended"));
	table_width(events.table, STATE, strlen("disabled"));
	table_width(events.table, CAUSE, strlen("hibernate"));
	table_width(events.table, ERROR, strlen("ERROR"));
	table_width(events.table, LOST, strlen("LOST"));
	status = follow(&events, stream);
	table_free(events.table);
	close(stream);
	close(fd);
	return status;
}
