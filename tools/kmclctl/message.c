// SPDX-License-Identifier: GPL-2.0
/*
 * Messages: waiting for a channel, and what they look like outside of it.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kmcl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "kmclctl.h"

#define NS_PER_S	1000000000LL
#define NS_PER_MS	1000000LL

enum status port_open(struct port *port, const char *name, int flags)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
	};
	struct kmcl_info info;
	enum status status;

	port->name = name;
	port->epoll = -1;
	port->fd = channel_open(name, flags | O_NONBLOCK, &status);
	if (port->fd < 0)
		return status;
	status = channel_info(port->fd, name, &info);
	/* What the host sends in raw mode ends on a multiple of 8 bytes */
	port->size = (info.packet_bytes + 7UL) & ~7UL;
	if (!status) {
		port->epoll = epoll_create1(EPOLL_CLOEXEC);
		if (port->epoll < 0 ||
		    epoll_ctl(port->epoll, EPOLL_CTL_ADD, port->fd, &event))
			status = tell_errno(errno, "%s: epoll", name);
	}
	if (status)
		port_close(port);
	return status;
}

void port_close(struct port *port)
{
	if (port->epoll >= 0)
		close(port->epoll);
	close(port->fd);
}

long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

long long until_ns(long long ns)
{
	return ns < 0 ? -1 : now_ns() + ns;
}

enum status port_wait(const struct port *port, long long until,
		      const char *what)
{
	struct epoll_event event;
	long long left = -1;
	int ready;

	do {
		if (until >= 0) {
			left = (until - now_ns() + NS_PER_MS - 1) / NS_PER_MS;
			if (left < 0)
				left = 0;
			if (left > INT_MAX)
				left = INT_MAX;
		}
		ready = epoll_wait(port->epoll, &event, 1, left);
	} while (ready < 0 && errno == EINTR);
	if (ready < 0)
		return tell_errno(errno, "%s: %s", port->name, what);
	if (!ready)
		return tell(TIMED_OUT, "%s: %s: nothing within the time limit; 'kmclctl info %s' says what the channel waits for",
			    port->name, what, port->name);
	return OK;
}

static char *to_hex(const unsigned char *data, size_t length)
{
	char *text = need(malloc(2 * length + 1));
	size_t i;

	for (i = 0; i < length; i++)
		snprintf(text + 2 * i, 3, "%02x", data[i]);
	text[2 * length] = '\0';
	return text;
}

enum status message_print(const char *name, const struct format *format,
			  const unsigned char *data, size_t length)
{
	enum status status = OK;
	char *hex = NULL;

	if (json || format->hex)
		hex = to_hex(data, length);
	if (json) {
		const struct field fields[] = {
			{ .column = { "NAME", TEXT }, .text = name },
			{ .column = { "BYTES", NUMBER }, .number = length },
			{ .column = { "HEX", TEXT }, .text = hex },
		};

		status = fields_show("message", fields, ARRAY_SIZE(fields));
	} else {
		if (hex)
			fputs(hex, stdout);
		else
			fwrite(data, 1, length, stdout);
		if (hex || format->lines)
			putchar('\n');
		if (fflush(stdout))
			status = tell_errno(errno, "writing the output");
	}
	free(hex);
	return status;
}

ssize_t hex_bytes(char *text, size_t length)
{
	unsigned int byte;
	size_t from = 0;
	ssize_t to = 0;

	while (from < length) {
		if (isspace((unsigned char)text[from])) {
			from++;
			continue;
		}
		if (length - from < 2 || !isxdigit((unsigned char)text[from]) ||
		    !isxdigit((unsigned char)text[from + 1]) ||
		    sscanf(text + from, "%2x", &byte) != 1)
			return -1;
		text[to++] = byte;
		from += 2;
	}
	return to;
}
