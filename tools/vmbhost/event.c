// SPDX-License-Identifier: GPL-2.0
/*
 * Events of the channels, the rules of what is to be done at them, and the
 * timers of what is to be done when a time has come. scenario.c does it.
 *
 * Serialised by vm->lock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "parse.h"

struct rule {
	struct rule *next;
	bool every, done;
	enum event event;
	unsigned int channel;
	uint64_t count, delay;
	char command[];
};

static int add_timer(struct vmbus *bus, uint64_t due, bool after,
		     const char *command)
{
	size_t length = strlen(command) + 1;
	struct timer *timer = malloc(sizeof(*timer) + length);
	struct timer **p = &bus->timers;

	if (!timer)
		return -1;
	memcpy(timer->command, command, length);
	timer->due = due;
	timer->after = after;
	/* Those of one time in the order in which they came. */
	while (*p && (*p)->due <= due)
		p = &(*p)->next;
	timer->next = *p;
	*p = timer;
	return 0;
}

/**
 * event_happened() - something has happened
 * @count:	how often by now
 */
void event_happened(struct channel *channel, enum event event, uint64_t count)
{
	struct vmbus *bus = channel->bus;
	struct rule *rule;

	for (rule = bus->rules; rule; rule = rule->next) {
		if (rule->done || rule->event != event ||
		    rule->channel != channel->number)
			continue;
		if (rule->count && (rule->every ? count % rule->count :
						  count < rule->count))
			continue;
		rule->done = !rule->every;
		if (add_timer(bus, vm_now(bus->vm) + rule->delay, false,
			      rule->command)) {
			fprintf(stderr, "vmbhost: no memory for: %s\n",
				rule->command);
			continue;
		}
		if (rule->delay)
			vm_wake_at(bus->vm, bus->timers->due);
		else
			bus->urgent = true;
	}
}

/**
 * event_rule() - "on EVENT N [after TIME] COMMAND"
 * @word:	all of its words
 */
int event_rule(struct vmbus *bus, int words, char **word, bool every,
	       const char **error)
{
	static const char *const names[EVENTS] = {
		[EVENT_OPEN] = "open", [EVENT_CLOSE] = "close",
		[EVENT_OFFER] = "offer", [EVENT_RELEASE] = "release",
		[EVENT_GPADL] = "gpadl", [EVENT_TEARDOWN] = "teardown",
	};
	char command[CONTROL_LINE];
	struct rule *rule;
	uint64_t channel, count = 0, delay = 0;
	int event, at = 3;

	*error = "on EVENT N [after TIME] COMMAND";
	if (words < 4)
		return -1;
	for (event = 0; event < EVENTS; event++)
		if (names[event] && !strcmp(word[1], names[event]))
			break;
	if (event == EVENTS) {
		if (strncmp(word[1], "rx:", 3) ||
		    number_parse(word[1] + 3, &count) || !count)
			return -1;
		event = EVENT_RX;
	}
	if (number_parse(word[2], &channel) || channel >= MAX_CHANNELS)
		return -1;
	if (!strcmp(word[3], "after")) {
		if (words < 6 || time_parse(word[4], &delay))
			return -1;
		at = 5;
	}
	join_words(command, sizeof(command), words - at, word + at);

	*error = "no memory";
	rule = calloc(1, sizeof(*rule) + strlen(command) + 1);
	if (!rule)
		return -1;
	rule->every = every;
	rule->event = event;
	rule->channel = channel;
	rule->count = count;
	rule->delay = delay;
	memcpy(rule->command, command, strlen(command));
	*bus->rules_end = rule;
	bus->rules_end = &rule->next;
	return 0;
}

/**
 * event_cancel() - do nothing more at the channel's events
 */
void event_cancel(struct channel *channel)
{
	struct rule *rule;

	for (rule = channel->bus->rules; rule; rule = rule->next)
		if (rule->channel == channel->number)
			rule->done = true;
}

/**
 * event_after() - "after TIME COMMAND"
 */
int event_after(struct vmbus *bus, int words, char **word,
		const char **error)
{
	char command[CONTROL_LINE];
	uint64_t delay;

	*error = "after TIME COMMAND";
	if (words < 3 || time_parse(word[1], &delay))
		return -1;
	join_words(command, sizeof(command), words - 2, word + 2);
	*error = "no memory";
	return add_timer(bus, vm_now(bus->vm) + delay, true, command);
}

/**
 * event_cancel_after() - do nothing of what event_after() was given
 */
void event_cancel_after(struct vmbus *bus)
{
	struct timer **p = &bus->timers, *timer;

	while ((timer = *p)) {
		if (!timer->after) {
			p = &timer->next;
			continue;
		}
		*p = timer->next;
		free(timer);
	}
}

/**
 * event_next() - when something is due next, or NEVER
 */
uint64_t event_next(const struct vmbus *bus)
{
	return bus->timers ? bus->timers->due : NEVER;
}

void event_free_all(struct vmbus *bus)
{
	while (bus->timers) {
		struct timer *timer = bus->timers;

		bus->timers = timer->next;
		free(timer);
	}
	while (bus->rules) {
		struct rule *rule = bus->rules;

		bus->rules = rule->next;
		free(rule);
	}
	bus->rules_end = &bus->rules;
}
