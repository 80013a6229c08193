// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl cat: standard input to a channel, and the channel to standard output.
 *
 * The channel may close and open again in between: what is written meanwhile is
 * queued, and nothing is printed that was not received.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "kmclctl.h"

/**
 * struct cat - what has been read and not written
 * @port: the channel
 * @format: of messages
 * @quit: time after the end of standard input until the end, or -1
 * @buffer: from standard input; the first @message bytes are a message, of
 *	which @skip bytes follow that are no part of it
 * @filled: bytes in it
 * @pending: there is a message, which the channel does not take yet
 * @eof: standard input has ended
 * @in: a message from the channel
 */
struct cat {
	struct port port;
	struct format format;
	long long quit;
	char *buffer;
	size_t size;
	size_t filled;
	size_t message;
	size_t skip;
	bool pending;
	bool eof;
	unsigned char *in;
};

/* Whether the buffer begins with a message by now, or all of it has to be one */
static bool find_message(struct cat *cat)
{
	char *end = NULL;

	if (cat->pending)
		return true;
	if (cat->format.lines)
		end = memchr(cat->buffer, '\n', cat->filled);
	if (end) {
		cat->message = end - cat->buffer;
		cat->skip = 1;
	} else if (cat->filled && (!cat->format.lines || cat->eof ||
				   cat->filled == cat->size)) {
		cat->message = cat->filled;
		cat->skip = 0;
	} else {
		return false;
	}
	cat->pending = true;
	return true;
}

static enum status send_all(struct cat *cat)
{
	while (find_message(cat)) {
		if (write(cat->port.fd, cat->buffer, cat->message) < 0) {
			if (errno == EINTR)
				continue;
			return errno == EAGAIN ? OK :
				channel_errno(cat->port.name, "sending", errno);
		}
		cat->filled -= cat->message + cat->skip;
		memmove(cat->buffer, cat->buffer + cat->message + cat->skip,
			cat->filled);
		cat->pending = false;
	}
	return OK;
}

static enum status print_all(struct cat *cat)
{
	enum status status = OK;
	ssize_t length;

	while (!status) {
		length = read(cat->port.fd, cat->in, cat->port.size);
		if (length >= 0)
			status = message_print(cat->port.name, &cat->format,
					       cat->in, length);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			status = channel_errno(cat->port.name, "receiving",
					       errno);
	}
	return status;
}

static enum status read_input(struct cat *cat)
{
	ssize_t length = read(STDIN_FILENO, cat->buffer + cat->filled,
			      cat->size - cat->filled);

	if (length < 0 && errno != EINTR && errno != EAGAIN)
		return tell_errno(errno, "reading standard input");
	if (!length)
		cat->eof = true;
	if (length > 0)
		cat->filled += length;
	return OK;
}

/* OK: something can be done; TIMED_OUT: the time after the end is over */
static enum status wait_for_both(struct cat *cat, long long until)
{
	struct pollfd fds[] = {
		{ .fd = cat->port.epoll, .events = POLLIN },
		{ .fd = cat->pending || cat->eof ? -1 : STDIN_FILENO,
		  .events = POLLIN },
	};
	struct epoll_event event;
	int left = -1, ready;

	if (until >= 0)
		left = until > now_ns() ? (until - now_ns()) / 1000000 + 1 : 0;
	ready = poll(fds, ARRAY_SIZE(fds), left);
	if (ready < 0)
		return errno == EINTR ? OK :
			tell_errno(errno, "%s: poll", cat->port.name);
	if (!ready)
		return TIMED_OUT;
	/* Takes the change, so that poll() waits for the next one */
	if (fds[0].revents)
		epoll_wait(cat->port.epoll, &event, 1, 0);
	return fds[1].revents ? read_input(cat) : OK;
}

static enum status loop(struct cat *cat)
{
	enum status status = OK;
	long long until = -1;

	while (!status) {
		status = print_all(cat);
		if (!status)
			status = send_all(cat);
		if (!status && cat->eof && !cat->filled && until < 0 &&
		    cat->quit >= 0)
			until = until_ns(cat->quit);
		if (!status)
			status = wait_for_both(cat, until);
	}
	return status == TIMED_OUT ? OK : status;
}

static error_t cat_parse(int key, char *value, struct argp_state *state)
{
	struct cat *cat = state->input;

	switch (key) {
	case 'x':
		cat->format.hex = true;
		return 0;
	case 'l':
		cat->format.lines = true;
		return 0;
	case 'q':
		cat->quit = seconds_of(state, value);
		return 0;
	case ARGP_KEY_ARG:
	case ARGP_KEY_NO_ARGS:
		state->input = &cat->port.name;
		return parse_name(key, value, state);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

enum status cat_command(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{ "lines", 'l', NULL, 0,
		  "a line is a message, without its newline", 0 },
		{ "hex", 'x', NULL, 0,
		  "print messages as hexadecimal digits", 0 },
		{ "quit", 'q', "SECONDS", 0,
		  "end so long after the end of standard input", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = cat_parse,
		.args_doc = "NAME",
		.children = common,
		.doc = "Send standard input, each piece that is read as a message, and print the messages that arrive; until it is interrupted or the channel is removed.",
	};
	struct cat cat = { .quit = -1 };
	enum status status = parse(&argp, argc, argv, &cat);

	if (status)
		return status;
	status = port_open(&cat.port, cat.port.name, O_RDWR);
	if (status)
		return status;
	cat.size = cat.port.size;
	cat.buffer = need(malloc(cat.size));
	cat.in = need(malloc(cat.port.size));
	status = loop(&cat);
	free(cat.in);
	free(cat.buffer);
	port_close(&cat.port);
	return status;
}
