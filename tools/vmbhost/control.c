// SPDX-License-Identifier: GPL-2.0
/*
 * The control language, and the port that it comes by.
 *
 * The same commands are given with vmbhostctl in the guest, as lines of a
 * scenario file, and as what is to be done when something happens. N is the
 * number of a channel: 0 for the first offer, and so on. '#' begins a comment.
 *
 *   add CLASS [INSTANCE] [flags=F] [mmio=M] [user=HEX] [monitor] [BEHAVIOUR]
 *	adds an offer and tells its number. CLASS and INSTANCE are GUIDs; without
 *	INSTANCE it is one that has the number in its first field. M: megabytes.
 *	F: with 0x10 it is a pipe, see traffic.c.
 *	monitor: the guest may signal through the monitor page (N up to 127).
 *   subchannels N COUNT	offers as many sub-channels of N, and tells the
 *				first one's number
 *   rescind N [again]		rescinds it; "again": sends the message once more
 *   offer N			offers the same instance with another relid; after
 *				a rescind when the guest has released the old one
 *   behave N BEHAVIOUR		from now on
 *   stall N, unstall N		stops reading what the guest sends, goes on
 *   refuse open|gpadl COUNT	refuses the next COUNT, of whatever channels
 *   refuse teardown|body|close COUNT	does not take the next COUNT messages
 *   withhold open|gpadl|teardown	keeps the answers back, of all channels
 *   release open|gpadl|teardown	gives them
 *   stats [N]			what the host has counted, "name value" lines
 *   reset N			counts and sequence numbers of N begin anew
 *   state N			absent, offered, opening, open or rescinded
 *   forget N			offers it no more to a guest that connects anew
 *   restart			starts the guest again when it turns itself off or
 *				resets itself next
 *   quit STATUS		ends the run with this exit status
 *   on EVENT N [after TIME] COMMAND	does COMMAND when it happens, once
 *   every EVENT N [after TIME] COMMAND	each time
 *   after TIME COMMAND		does COMMAND then. TIME: 30ms, 5s, 100us
 *   cancel N			no more of what on and every say about N
 *   cancel after		no more of what after says
 *   type [WORDS]		types them at the guest's console, and Enter
 *
 * EVENT is offer, open, close, gpadl, teardown, release (of the relid), or
 * rx:K, when the K-th packet has come (with "every": each K packets).
 *
 * BEHAVIOUR is one of
 *   echo			a completion with the same payload if one is
 *				requested, else the payload in a packet
 *   sink			reads; completes without a payload
 *   source [rate=R,size=S,count=C,completion=1]
 *				R packets a second (0: as many as fit) of S bytes,
 *				C in all; reads like sink
 *   slow [us=U|ms=M]		echo, a packet in that time
 *   complete-late [us=U|ms=M,keep=1]	completes with the same payload after
 *				that time; with keep what the channel's closing
 *				comes before is written when it is open again, for
 *				as long
 *   complete-out-of-order [depth=D,seed=S]	mixes up to D completions
 *   complete-never		reads
 *   garble [seed=S,count=C,rare=R,what=KIND+KIND...]	C mutations, then reads,
 *				see garble.c. KIND: fields, lengths, indices,
 *				signals, offers, all
 *   ic-heartbeat [us=U|ms=M,count=C,fault=FAULT]	the host's end of that
 *				integration service, see ic.c. FAULT: versions,
 *				counts, type
 *   ic-fcopy [file=FILE|bytes=B,seed=S] [name=N,path=P,overwrite=1,create=1,
 *	size=S,cancel=C,us=U|ms=M,fault=FAULT]	copies a file to the guest, see
 *				fcopy.c; FAULT: also operation, data-first,
 *				complete-first, twice, cut, huge, short, long, beyond,
 *				far, overlap, hole, fragment
 *   stall, unstall		as above, with "behave" only
 *
 * The port: the guest writes a line, ended by '\n', a byte at a time, and reads
 * the answer a byte at a time until a 0 comes. An answer begins with "ok" or
 * with "error"; lines may follow.
 *
 * Serialised by vm->lock.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "channel.h"
#include "control.h"
#include "ic.h"
#include "parse.h"

struct command {
	struct vmbus *bus;
	int words;
	char **word;
	char *reply;
	size_t size, length;
};

static void say(struct command *c, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void say(struct command *c, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(c->reply + c->length, c->size - c->length, format, args);
	va_end(args);
	if (n > 0)
		c->length += (size_t)n < c->size - c->length ?
			     (size_t)n : c->size - c->length - 1;
}

static int fail(struct command *c, const char *what)
{
	c->length = 0;
	say(c, "error: %s\n", what);
	return -1;
}

static int done(struct command *c)
{
	say(c, "ok\n");
	return 0;
}

static struct channel *channel_arg(struct command *c, int i)
{
	uint64_t n;

	if (i >= c->words || number_parse(c->word[i], &n) ||
	    n >= c->bus->channel_count)
		return NULL;
	return c->bus->channels[n];
}

static int user_parse(const char *text, uint8_t *user)
{
	size_t i, length = strlen(text);

	if (length % 2 || length > 240 ||
	    strspn(text, "0123456789abcdefABCDEF") != length)
		return -1;
	for (i = 0; i < length / 2; i++)
		if (sscanf(text + 2 * i, "%2hhx", &user[i]) != 1)
			return -1;
	return 0;
}

static int cmd_add(struct command *c)
{
	struct behaviour behaviour = { .seed = c->bus->seed };
	struct guid class, instance = { { 0 } };
	unsigned int number = c->bus->channel_count;
	uint64_t flags = OFFER_ENUMERATE, mmio = 0;
	uint8_t user[120] = { 0 };
	const char *error;
	struct channel *channel;
	bool monitor = false;
	int i = 2;

	if (c->words < 2 || guid_parse(c->word[1], &class))
		return fail(c, "add needs the GUID of a class: " GUID_FORM);
	memcpy(instance.b, &number, sizeof(number));
	if (i < c->words && !guid_parse(c->word[i], &instance))
		i++;
	else if (i < c->words && guid_meant(c->word[i]))
		return fail(c, "the instance is no GUID: " GUID_FORM);
	for (; i < c->words; i++) {
		if (!strncmp(c->word[i], "flags=", 6)) {
			if (number_parse(c->word[i] + 6, &flags) ||
			    flags > UINT16_MAX)
				return fail(c, "flags are 16 bits");
		} else if (!strncmp(c->word[i], "mmio=", 5)) {
			if (number_parse(c->word[i] + 5, &mmio) ||
			    mmio > UINT16_MAX)
				return fail(c, "mmio is a number of megabytes");
		} else if (!strncmp(c->word[i], "user=", 5)) {
			if (user_parse(c->word[i] + 5, user))
				return fail(c, "user is up to 120 bytes in hexadecimal");
		} else if (!strcmp(c->word[i], "monitor") && number < MONITORS) {
			monitor = true;
		} else {
			break;
		}
	}
	if (i < c->words &&
	    behaviour_parse(&behaviour, c->words - i, c->word + i, &error))
		return fail(c, error);
	if (!file_there(&behaviour))
		return fail(c, "the file cannot be read");
	channel = channel_add(c->bus, &class, &instance);
	if (!channel)
		return fail(c, "no room for another channel");
	channel->flags = flags;
	/* Hyper-V's are pipes of messages. */
	if (behaviour.kind == BEHAVE_HEARTBEAT || behaviour.kind == BEHAVE_FCOPY) {
		channel->flags |= OFFER_PIPE;
		user[0] = PIPE_MESSAGES;
	}
	channel->mmio_mib = mmio;
	channel->monitored = monitor;
	memcpy(channel->user, user, sizeof(user));
	behaviour_set(channel, &behaviour);
	if (c->bus->requested)
		channel_offer(channel);
	say(c, "ok %u\n", channel->number);
	return 0;
}

static int cmd_subchannels(struct command *c)
{
	struct channel *channel = channel_arg(c, 1);
	uint64_t count;
	int first;

	if (!channel || c->words != 3 || number_parse(c->word[2], &count) ||
	    count > MAX_CHANNELS)
		return fail(c, "subchannels N COUNT");
	first = channel_add_subs(channel, count);
	if (first < 0)
		return fail(c, "it is a sub-channel, or they are too many");
	say(c, "ok %d\n", first);
	return 0;
}

static int cmd_rescind(struct command *c)
{
	struct channel *channel = channel_arg(c, 1);
	struct msg_relid msg;

	if (!channel)
		return fail(c, "rescind N [again]");
	if (c->words == 3 && !strcmp(c->word[2], "again")) {
		if (channel->state != CHANNEL_RESCINDED)
			return fail(c, "it is not rescinded, or released already");
		msg.relid = channel->relid;
		bus_send(c->bus, &msg, MSG_RESCIND, sizeof(msg));
		return done(c);
	}
	if (c->words != 2)
		return fail(c, "rescind N [again]");
	if (channel_rescind(channel))
		return fail(c, "it is not offered");
	return done(c);
}

static int cmd_offer(struct command *c)
{
	struct channel *channel = channel_arg(c, 1);

	if (!channel || c->words != 2)
		return fail(c, "offer N");
	if (channel_offer(channel))
		return fail(c, "it is offered already");
	return done(c);
}

static int set_stalled(struct command *c, bool stalled)
{
	struct channel *channel = channel_arg(c, 1);

	if (!channel)
		return fail(c, "stall N, or unstall N");
	if (channel->stalled && !stalled && channel->state == CHANNEL_OPEN)
		channel->unstalled = vm_now(c->bus->vm);
	channel->stalled = stalled;
	if (!stalled)
		channel->ready = true;
	return done(c);
}

static int cmd_stall(struct command *c)
{
	return set_stalled(c, true);
}

static int cmd_unstall(struct command *c)
{
	return set_stalled(c, false);
}

static int cmd_behave(struct command *c)
{
	struct behaviour behaviour = { .seed = c->bus->seed };
	struct channel *channel = channel_arg(c, 1);
	const char *error;

	if (!channel || c->words < 3)
		return fail(c, "behave N BEHAVIOUR");
	if (c->words == 3 && !strcmp(c->word[2], "stall"))
		return set_stalled(c, true);
	if (c->words == 3 && !strcmp(c->word[2], "unstall"))
		return set_stalled(c, false);
	if (behaviour_parse(&behaviour, c->words - 2, c->word + 2, &error))
		return fail(c, error);
	if (!file_there(&behaviour))
		return fail(c, "the file cannot be read");
	behaviour_set(channel, &behaviour);
	return done(c);
}

static int answer_arg(struct command *c, int answers)
{
	static const char *const names[REFUSALS] = {
		[ANSWER_OPEN] = "open", [ANSWER_GPADL] = "gpadl",
		[ANSWER_TEARDOWN] = "teardown", [ANSWER_BODY] = "body",
		[ANSWER_CLOSE] = "close",
	};
	int i;

	for (i = 0; i < answers && c->words > 1; i++)
		if (!strcmp(c->word[1], names[i]))
			return i;
	return -1;
}

static int cmd_refuse(struct command *c)
{
	int answer = answer_arg(c, REFUSALS);

	if (answer < 0 || c->words != 3 ||
	    number_parse(c->word[2], &c->bus->refuse[answer]))
		return fail(c, "refuse open|gpadl|teardown|body|close COUNT");
	return done(c);
}

static int cmd_withhold(struct command *c)
{
	int answer = answer_arg(c, ANSWERS);

	if (answer < 0 || c->words != 2)
		return fail(c, "withhold open|gpadl|teardown");
	c->bus->withhold[answer] = true;
	return done(c);
}

static int cmd_release(struct command *c)
{
	int answer = answer_arg(c, ANSWERS);

	if (answer < 0 || c->words != 2)
		return fail(c, "release open|gpadl|teardown");
	answer_release(c->bus, answer);
	return done(c);
}

/* The counters are an array with names. */
static const char *const counter_names[] = {
#define X(name) #name,
	CHANNEL_COUNTERS(X)
#undef X
};

static int cmd_stats(struct command *c)
{
	struct channel *channel = channel_arg(c, 1);
	struct vmbus *bus = c->bus;
	struct counters sum = { 0 };
	unsigned int i, n;

	if (c->words > 2 || (c->words == 2 && !channel))
		return fail(c, "stats [N]");
	say(c, "ok\n");
	if (channel) {
		sum = channel->count;
		say(c, "relid %u\n", channel->relid);
		say(c, "rx_ring %u\ntx_ring %u\n",
		    channel->pages ? channel->rx.size : 0,
		    channel->pages ? channel->tx.size : 0);
		say(c, "ic_framework %u\nic_version %u\nic_status %u\n",
		    channel->ic.framework & UINT16_MAX,
		    channel->ic.version & UINT16_MAX, channel->ic.status);
		say(c, "file_crc %u\nfile_status %u\n", channel->ic.fcopy.crc,
		    channel->ic.fcopy.status);
	} else {
		for (i = 0; i < bus->channel_count; i++)
			for (n = 0; n < ARRAY_SIZE(counter_names); n++)
				((counter *)&sum)[n] +=
				((counter *)&bus->channels[i]->count)[n];
		say(c, "version %u.%u\nchannels %u\nmessages %llu\nunloads %llu\nrestarts %llu\n",
		    bus->version >> 16, bus->version & 0xffff,
		    bus->channel_count, bus->messages, bus->unloads,
		    bus->restarts);
		/* With those that are no channel's. */
		sum.protocol_errors = bus->errors;
	}
	for (n = 0; n < ARRAY_SIZE(counter_names); n++)
		say(c, "%s %llu\n", counter_names[n], ((counter *)&sum)[n]);
	return 0;
}

static int cmd_reset(struct command *c)
{
	struct channel *channel = channel_arg(c, 1);

	if (!channel || c->words != 2)
		return fail(c, "reset N");
	channel_reset_counters(channel);
	return done(c);
}

static int cmd_state(struct command *c)
{
	static const char *const names[] = {
		[CHANNEL_ABSENT] = "absent", [CHANNEL_OFFERED] = "offered",
		[CHANNEL_OPENING] = "opening", [CHANNEL_OPEN] = "open",
		[CHANNEL_RESCINDED] = "rescinded",
	};
	struct channel *channel = channel_arg(c, 1);

	if (!channel || c->words != 2)
		return fail(c, "state N");
	say(c, "ok %s\n", names[channel->state]);
	return 0;
}

static int cmd_quit(struct command *c)
{
	uint64_t status;

	if (c->words != 2 || number_parse(c->word[1], &status) || status > 255)
		return fail(c, "quit STATUS");
	vm_stop(c->bus->vm, status);
	return done(c);
}

static int cmd_forget(struct command *c)
{
	struct channel *channel = channel_arg(c, 1);

	if (!channel || c->words != 2)
		return fail(c, "forget N");
	channel->wanted = false;
	return done(c);
}

static int cmd_restart(struct command *c)
{
	if (c->words != 1)
		return fail(c, "restart");
	vm_start_again(c->bus->vm);
	return done(c);
}

static int cmd_on(struct command *c)
{
	const char *error;

	if (event_rule(c->bus, c->words, c->word, !strcmp(c->word[0], "every"),
		       &error))
		return fail(c, error);
	return done(c);
}

static int cmd_cancel(struct command *c)
{
	struct channel *channel = channel_arg(c, 1);

	if (c->words == 2 && !strcmp(c->word[1], "after")) {
		event_cancel_after(c->bus);
		return done(c);
	}
	if (!channel || c->words != 2)
		return fail(c, "cancel N, or cancel after");
	event_cancel(channel);
	return done(c);
}

static int cmd_type(struct command *c)
{
	char text[CONTROL_LINE + 1];
	size_t length = join_words(text, sizeof(text), c->words - 1,
				   c->word + 1);

	/* Enter, as a terminal sends it */
	text[length++] = '\r';
	if (vm_type(c->bus->vm, text, length))
		return fail(c, "the console has no room for so much");
	return done(c);
}

static int cmd_after(struct command *c)
{
	const char *error;

	if (event_after(c->bus, c->words, c->word, &error))
		return fail(c, error);
	return done(c);
}

static const struct {
	const char *name;
	int (*run)(struct command *c);
} commands[] = {
	{ "add", cmd_add }, { "subchannels", cmd_subchannels },
	{ "rescind", cmd_rescind }, { "offer", cmd_offer },
	{ "behave", cmd_behave }, { "stall", cmd_stall },
	{ "unstall", cmd_unstall }, { "refuse", cmd_refuse },
	{ "withhold", cmd_withhold }, { "release", cmd_release },
	{ "stats", cmd_stats }, { "reset", cmd_reset }, { "state", cmd_state },
	{ "forget", cmd_forget }, { "restart", cmd_restart },
	{ "quit", cmd_quit }, { "on", cmd_on }, { "every", cmd_on },
	{ "after", cmd_after }, { "cancel", cmd_cancel },
	{ "type", cmd_type },
};

/**
 * control_run() - do one command
 * @reply:	what to answer, @size bytes, at least 64
 * Return: 0; -1 if the answer is an error
 */
int control_run(struct vmbus *bus, const char *line, char *reply, size_t size)
{
	char copy[CONTROL_LINE], *word[MAX_WORDS];
	struct command c = {
		.bus = bus, .word = word, .reply = reply, .size = size,
	};
	size_t i;

	if (strlen(line) >= sizeof(copy))
		return fail(&c, "the line is too long");
	memcpy(copy, line, strlen(line) + 1);
	c.words = split_words(copy, word);
	if (c.words < 0)
		return fail(&c, "too many words");
	if (!c.words)
		return done(&c);
	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		if (!strcmp(word[0], commands[i].name)) {
			int result = commands[i].run(&c);

			vm_wake_at(bus->vm, vm_now(bus->vm));
			return result;
		}
	}
	return fail(&c, "no such command");
}

void vmbus_control_write(struct vmbus *bus, uint8_t byte)
{
	if (byte != '\n') {
		if (bus->line_length < CONTROL_LINE - 1)
			bus->line[bus->line_length++] = byte;
		else
			bus->line_too_long = true;
		return;
	}
	bus->line[bus->line_length] = 0;
	bus->reply_at = 0;
	if (bus->line_too_long)
		snprintf(bus->reply, sizeof(bus->reply),
			 "error: the line is too long\n");
	else
		control_run(bus, bus->line, bus->reply, sizeof(bus->reply));
	bus->line_length = 0;
	bus->line_too_long = false;
}

uint8_t vmbus_control_read(struct vmbus *bus)
{
	uint8_t byte = bus->reply[bus->reply_at];

	if (byte)
		bus->reply_at++;
	return byte;
}
