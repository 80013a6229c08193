// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl send, recv, request: single messages.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kmcl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kmclctl.h"

struct transfer {
	const char *name;
	char **words;
	int count;
	struct format format;
	bool wait;
	unsigned long long messages;
	long long timeout;
};

enum {
	OPT_WAIT = 256
};

#define HEX_OPTION							\
	{ "hex", 'x', NULL, 0, "messages as hexadecimal digits", 0 }
#define TIMEOUT_OPTION							\
	{ "timeout", 't', "SECONDS", 0, "wait no longer than that", 0 }

static error_t transfer_parse(int key, char *value, struct argp_state *state)
{
	struct transfer *transfer = state->input;

	switch (key) {
	case 'x':
		transfer->format.hex = true;
		return 0;
	case 'l':
		transfer->format.lines = true;
		return 0;
	case 't':
		transfer->timeout = seconds_of(state, value);
		return 0;
	case 'n':
		transfer->messages = number_of(state, value, 0, UINT64_MAX);
		return 0;
	case OPT_WAIT:
		transfer->wait = true;
		return 0;
	case ARGP_KEY_ARG:
		if (transfer->name)
			return ARGP_ERR_UNKNOWN;
		transfer->name = value;
		return 0;
	case ARGP_KEY_ARGS:
		/* Words after those that were taken */
		transfer->words = state->argv + state->next;
		transfer->count = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* All of standard input; what is beyond @size shows that it is too long */
static char *read_all(size_t size, size_t *length)
{
	char *data = need(malloc(size + 1));

	*length = fread(data, 1, size + 1, stdin);
	return data;
}

/* A message of @length bytes from @word, or from standard input; allocated */
static char *message_of(const struct transfer *transfer, const char *word,
			size_t size, size_t *length, enum status *status)
{
	ssize_t bytes;
	char *data;

	if (word) {
		data = need(strdup(word));
		*length = strlen(word);
	} else {
		/* Two digits and a blank for each byte */
		data = read_all(transfer->format.hex ? 3 * size : size, length);
	}
	*status = OK;
	if (transfer->format.hex) {
		bytes = hex_bytes(data, *length);
		if (bytes < 0)
			*status = tell(USAGE, "%s: the message has something else than pairs of hexadecimal digits",
				       transfer->name);
		else
			*length = bytes;
	}
	return data;
}

static enum status send_one(const struct port *port, const char *data,
			    size_t length, long long until)
{
	enum status status;

	while (write(port->fd, data, length) < 0) {
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return channel_errno(port->name, "sending", errno);
		status = port_wait(port, until, "sending");
		if (status)
			return status;
	}
	return OK;
}

enum status send_command(int argc, char **argv)
{
	static const struct argp_option options[] = {
		HEX_OPTION,
		TIMEOUT_OPTION,
		{ "wait", OPT_WAIT, NULL, 0,
		  "until the messages are in the ring that the host reads", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = transfer_parse,
		.args_doc = "NAME [MESSAGE...]",
		.children = common,
		.doc = "Send each word as a message, or all of standard input as one. While the channel is closed they are queued.",
	};
	struct transfer transfer = { .timeout = -1 };
	enum status status = parse(&argp, argc, argv, &transfer);
	unsigned long long sent = 0, bytes = 0;
	struct port port;
	long long until;
	size_t length;
	char *data;
	int i = 0;

	if (status)
		return status;
	status = port_open(&port, transfer.name, O_WRONLY);
	if (status)
		return status;
	until = until_ns(transfer.timeout);
	do {
		data = message_of(&transfer, transfer.count ?
				  transfer.words[i] : NULL, port.size, &length,
				  &status);
		if (!status)
			status = send_one(&port, data, length, until);
		free(data);
		if (!status) {
			sent++;
			bytes += length;
		}
	} while (!status && ++i < transfer.count);
	if (!status && transfer.wait && fsync(port.fd))
		status = channel_errno(port.name, "waiting for the host", errno);
	if (!status && json) {
		const struct field fields[] = {
			{ .column = { "NAME", TEXT }, .text = port.name },
			{ .column = { "MESSAGES", NUMBER }, .number = sent },
			{ .column = { "BYTES", NUMBER }, .number = bytes },
		};

		status = fields_show("send", fields, ARRAY_SIZE(fields));
	}
	port_close(&port);
	return status;
}

enum status recv_command(int argc, char **argv)
{
	static const struct argp_option options[] = {
		HEX_OPTION,
		TIMEOUT_OPTION,
		{ "lines", 'l', NULL, 0, "print a newline after each", 0 },
		{ "count", 'n', "N", 0,
		  "so many, 1 without this; 0: until it is interrupted", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = transfer_parse,
		.args_doc = "NAME",
		.children = common,
		.doc = "Print the next messages.",
	};
	struct transfer transfer = { .timeout = -1, .messages = 1 };
	enum status status = parse(&argp, argc, argv, &transfer);
	unsigned long long got = 0;
	unsigned char *data;
	struct port port;
	long long until;
	ssize_t length;

	if (status)
		return status;
	if (transfer.count)
		return tell(USAGE, "recv: '%s' is one word too many",
			    transfer.words[0]);
	status = port_open(&port, transfer.name, O_RDONLY);
	if (status)
		return status;
	data = need(malloc(port.size));
	until = until_ns(transfer.timeout);
	while (!status && (!transfer.messages || got < transfer.messages)) {
		length = read(port.fd, data, port.size);
		if (length >= 0) {
			got++;
			status = message_print(port.name, &transfer.format,
					       data, length);
		} else if (errno == EAGAIN) {
			status = port_wait(&port, until, "receiving");
		} else if (errno != EINTR) {
			status = channel_errno(port.name, "receiving", errno);
		}
	}
	free(data);
	port_close(&port);
	return status;
}

static enum status ask(const struct port *port, const char *data, size_t length,
		       const struct transfer *transfer)
{
	unsigned char *reply = need(malloc(port->size));
	struct kmcl_request request = {
		.size = sizeof(request),
		.data = (uintptr_t)data,
		.data_len = length,
		.reply = (uintptr_t)reply,
		.reply_len = port->size,
		.timeout_ns = transfer->timeout < 0 ? KMCL_NO_TIME_LIMIT :
			transfer->timeout,
	};
	long long until = until_ns(transfer->timeout);
	enum status status = OK;

	while (!status && ioctl(port->fd, KMCL_IOC_REQUEST, &request)) {
		if (errno == EAGAIN)
			status = port_wait(port, until, "request");
		else if (errno == ETIME)
			status = tell(TIMED_OUT, "%s: request: the host did not answer within the time limit; it may have got it",
				      port->name);
		else
			status = channel_errno(port->name, "request", errno);
	}
	if (!status)
		status = message_print(port->name, &transfer->format, reply,
				       request.reply_len);
	free(reply);
	return status;
}

enum status request_command(int argc, char **argv)
{
	static const struct argp_option options[] = {
		HEX_OPTION,
		TIMEOUT_OPTION,
		{ "lines", 'l', NULL, 0, "print a newline after the answer", 0 },
		{ 0 }
	};
	static const struct argp argp = {
		.options = options,
		.parser = transfer_parse,
		.args_doc = "NAME [MESSAGE]",
		.children = common,
		.doc = "Send a word, or all of standard input, as a request, and print what the host's completion has.",
	};
	struct transfer transfer = { .timeout = -1 };
	enum status status = parse(&argp, argc, argv, &transfer);
	struct port port;
	size_t length;
	char *data;

	if (status)
		return status;
	if (transfer.count > 1)
		return tell(USAGE, "request: '%s' is one word too many",
			    transfer.words[1]);
	status = port_open(&port, transfer.name, O_RDWR);
	if (status)
		return status;
	data = message_of(&transfer, transfer.count ? transfer.words[0] : NULL,
			  port.size, &length, &status);
	if (!status)
		status = ask(&port, data, length, &transfer);
	free(data);
	port_close(&port);
	return status;
}
