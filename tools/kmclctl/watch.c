// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl watch: states, rates and queues of channels, again and again. On a
 * terminal the table stays in its place; elsewhere each round is some lines more.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kmcl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kmclctl.h"

enum {
	NAME, STATE, OUT, OUT_BYTES, IN, IN_BYTES, QUEUED, WAITING, RESCINDS
};

static const struct column columns[] = {
	[NAME] = { "NAME", TEXT },
	[STATE] = { "STATE", TEXT },
	[OUT] = { "OUT/S", NUMBER },
	[OUT_BYTES] = { "OUT_BYTES/S", NUMBER },
	[IN] = { "IN/S", NUMBER },
	[IN_BYTES] = { "IN_BYTES/S", NUMBER },
	[QUEUED] = { "QUEUED", NUMBER },
	[WAITING] = { "WAITING", NUMBER },
	[RESCINDS] = { "RESCINDS", NUMBER },
};

/* What a channel had at the end of the round before */
struct seen {
	struct seen *next;
	char name[KMCL_NAME_SIZE];
	long long when;
	struct kmcl_stats stats;
};

struct watch {
	char **names;
	int count;
	unsigned long long rounds;
	long long interval;
	struct table *table;
	struct seen *seen;
	bool found;
};

static struct seen *seen_of(struct watch *watch, const char *name)
{
	struct seen *seen;

	for (seen = watch->seen; seen; seen = seen->next)
		if (!strcmp(seen->name, name))
			return seen;
	seen = need(calloc(1, sizeof(*seen)));
	snprintf(seen->name, sizeof(seen->name), "%s", name);
	seen->next = watch->seen;
	watch->seen = seen;
	return seen;
}

static bool wanted(const struct watch *watch, const char *name)
{
	int i;

	for (i = 0; i < watch->count; i++)
		if (channel_name(watch->names[i]) &&
		    !strcmp(channel_name(watch->names[i]), name))
			return true;
	return !watch->count;
}

/* Of a channel that is new, or made anew under its old name, there is no rate yet */
static void rate(struct table *table, int column, long long ns, __u64 before,
		 __u64 now)
{
	if (ns <= 0 || now < before)
		table_text(table, column, NULL);
	else
		table_number(table, column, (now - before) * 1e9 / ns + 0.5);
}

static enum status row(const struct channel *channel, void *context)
{
	struct watch *watch = context;
	struct table *table = watch->table;
	struct kmcl_stats stats;
	struct kmcl_info info;
	struct seen *seen;
	long long now, ns;
	int fd, error;

	if (!wanted(watch, channel->name))
		return OK;
	fd = channel_try(channel->name, O_RDONLY | O_NONBLOCK);
	error = fd;
	if (fd >= 0) {
		error = channel_get_info(fd, &info);
		if (!error)
			error = channel_get_stats(fd, &stats);
		close(fd);
	}
	/* It was removed since the list was made */
	if (error == -ENOENT || error == -ENODEV || error == -ENXIO)
		return OK;
	if (error)
		return channel_errno(channel->name, "reading its counters",
				     -error);
	watch->found = true;
	seen = seen_of(watch, channel->name);
	now = now_ns();
	ns = seen->when ? now - seen->when : 0;
	table_row(table);
	table_text(table, NAME, info.name);
	table_text(table, STATE, channel_state(info.state));
	rate(table, OUT, ns, seen->stats.written, stats.written);
	rate(table, OUT_BYTES, ns, seen->stats.written_bytes,
	     stats.written_bytes);
	rate(table, IN, ns, seen->stats.received, stats.received);
	rate(table, IN_BYTES, ns, seen->stats.received_bytes,
	     stats.received_bytes);
	table_number(table, QUEUED, stats.queued);
	table_number(table, WAITING, stats.waiting);
	table_number(table, RESCINDS, stats.rescinds);
	seen->when = now;
	seen->stats = stats;
	return OK;
}

static enum status one_round(struct watch *watch, bool terminal, bool first)
{
	enum status status;

	if (terminal)
		/* To the upper left, and nothing below it */
		fputs("\033[H\033[J", stdout);
	status = channel_each(row, watch);
	if (status)
		return status;
	if (terminal || json || first)
		return table_show(watch->table);
	return table_continue(watch->table);
}

static error_t watch_parse(int key, char *value, struct argp_state *state)
{
	struct watch *watch = state->input;

	switch (key) {
	case 'i':
		watch->interval = seconds_of(state, value);
		return 0;
	case 'n':
		watch->rounds = number_of(state, value, 0, UINT64_MAX);
		return 0;
	case ARGP_KEY_ARGS:
		watch->names = state->argv + state->next;
		watch->count = state->argc - state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void forget(struct watch *watch)
{
	struct seen *seen;

	while ((seen = watch->seen)) {
		watch->seen = seen->next;
		free(seen);
	}
	table_free(watch->table);
}

enum status watch_command(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "interval", 'i', "SECONDS", 0, "1 without this", 0 },
		{ "count", 'n', "N", 0, "print so often; 0: until interrupted",
		  0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = watch_parse,
		.args_doc = "[NAME...]",
		.children = common,
		.doc = "Print the states, rates and queues of all channels, or of these, again and again.",
	};
	struct watch watch = { .interval = 1000000000 };
	enum status status = parse(&argp, argc, argv, &watch);
	unsigned long long round = 0;
	struct timespec pause;
	bool terminal;
	int i;

	if (status)
		return status;
	if (!channels_there())
		return tell(NOT_THERE, "kmcl_cdev is not loaded; 'kmclctl doctor' says what to do");
	pause.tv_sec = watch.interval / 1000000000;
	pause.tv_nsec = watch.interval % 1000000000;
	terminal = !json && isatty(STDOUT_FILENO);
	watch.table = table_new("watch", columns, ARRAY_SIZE(columns));
	table_width(watch.table, STATE, strlen("disabled"));
	for (i = OUT; i <= RESCINDS; i++)
		table_width(watch.table, i, strlen(columns[i].name));
	for (;;) {
		status = one_round(&watch, terminal, !round);
		round++;
		if (!status && watch.count && !watch.found)
			status = tell(NOT_THERE, "there is no such channel; 'kmclctl list' has their names");
		if (status || round == watch.rounds)
			break;
		nanosleep(&pause, NULL);
	}
	forget(&watch);
	return status;
}
