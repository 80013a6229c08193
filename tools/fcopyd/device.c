// SPDX-License-Identifier: GPL-2.0
/*
 * The device: messages are read, and answered one by one.
 *
 * When the channel closes, the copy is dropped at once. What is read after that and is
 * of the old connection is not answered: an answer that is written then would be the
 * first one that the host gets on the new connection. A channel that keeps no messages
 * refuses it with EPIPE; of others events tell as well as they can whether it is closed.
 * Where the device has none, as a socket in the tests, it never is.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kmcl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <syslog.h>
#include <unistd.h>

#include "fcopyd.h"

/* The longest message has DATA_FRAGMENT bytes of a file. */
#define MESSAGE_BYTES	8192

/**
 * struct device - what is known of the channel
 * @events:	where its changes are read; -1
 * @closed:	no message comes or can be sent
 * @openings:	how often it was opened since the start
 */
struct device {
	int fd, events;
	bool closed, removed;
	unsigned int openings;
	struct session *session;
};

static void on_event(struct device *device, const struct kmcl_event *event)
{
	switch (event->type) {
	case KMCL_EVENT_OPENED:
	case KMCL_EVENT_STARTED:
	case KMCL_EVENT_RESUMED:
		device->openings += event->type == KMCL_EVENT_OPENED;
		device->closed = false;
		break;
	case KMCL_EVENT_SUSPENDED:
		break;
	default:
		device->removed = event->type == KMCL_EVENT_REMOVED;
		device->closed = true;
		session_end(device->session, "the host has closed the channel");
		break;
	}
}

/* Read the events that there are. */
static void read_events(struct device *device)
{
	char buffer[1024];
	struct kmcl_event event;
	ssize_t n, at;

	if (device->events < 0)
		return;
	while ((n = read(device->events, buffer, sizeof(buffer))) > 0) {
		for (at = 0; at < n; at += event.size) {
			memset(&event, 0, sizeof(event));
			memcpy(&event, buffer + at,
			       (size_t)(n - at) < sizeof(event) ?
			       (size_t)(n - at) : sizeof(event));
			/* Events were lost, and with them perhaps a closing. */
			if (event.lost)
				session_end(device->session,
					    "the channel was closed");
			on_event(device, &event);
			if (event.size < sizeof(event.size))
				return;
		}
	}
}

/* Answer what was read, unless its connection is no more. */
static int answer(struct device *device, void *message, size_t bytes)
{
	unsigned int openings = device->openings;

	bytes = session_answer(device->session, message, bytes);
	if (!bytes)
		return 0;
	read_events(device);
	if (device->closed || device->openings != openings) {
		session_end(device->session, "the host has closed the channel");
		return 0;
	}
	if (write(device->fd, message, bytes) == (ssize_t)bytes)
		return 0;
	if (errno == ENODEV)
		return -1;
	if (errno == EPIPE) {
		session_end(device->session, "the host has closed the channel");
		return 0;
	}
	log_line(LOG_ERR, "cannot answer: %m");
	session_end(device->session, "the host has no answer");
	return 0;
}

/* Return: 1 at the end of the device, -1 if it cannot be read, else 0 */
static int receive(struct device *device)
{
	char message[MESSAGE_BYTES];
	ssize_t n = read(device->fd, message, sizeof(message));

	if (n > 0)
		return answer(device, message, n) ? 1 : 0;
	/* The other end of a socket is gone. */
	if (!n)
		return device->events < 0;
	switch (errno) {
	case EAGAIN:
	case EINTR:
		return 0;
	case ENODEV:
		return 1;
	case ENOTCONN:
		device->closed = true;
		return 0;
	default:
		log_line(LOG_ERR, "cannot read: %m");
		return -1;
	}
}

/*
 * The connection may be that of a daemon before this one, in whatever state: have the
 * host begin another one. What it has sent on the old one is of no use.
 */
static void connect_anew(const struct device *device)
{
	char message[MESSAGE_BYTES];

	if (device->events < 0 || ioctl(device->fd, KMCL_IOC_DISABLE))
		return;
	while (read(device->fd, message, sizeof(message)) > 0)
		;
	ioctl(device->fd, KMCL_IOC_ENABLE);
}

/**
 * device_run() - receive files until the device is removed
 * @fd:		O_NONBLOCK
 * @stop:	set by a signal
 * Return: 0; -1 after a message
 */
int device_run(int fd, struct session *session, volatile sig_atomic_t *stop)
{
	/* What is longer than any message of this protocol must not stay there. */
	struct kmcl_mode mode = {
		.size = sizeof(mode), .flags = KMCL_MODE_TRUNCATE,
	};
	struct device device = { .fd = fd, .session = session };
	int result = 0;

	ioctl(fd, KMCL_IOC_SET_MODE, &mode);
	device.events = ioctl(fd, KMCL_IOC_EVENTS, O_NONBLOCK);
	if (device.events < 0 && errno != ENOTTY && errno != EOPNOTSUPP) {
		log_line(LOG_ERR, "no events: %m");
		return -1;
	}
	connect_anew(&device);
	while (!*stop && !result && !device.removed) {
		struct pollfd polled[] = {
			/* EPOLLHUP of a closed channel would be there always. */
			{ .fd = device.closed ? -1 : fd, .events = POLLIN },
			{ .fd = device.events, .events = POLLIN },
		};

		if (poll(polled, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			log_line(LOG_ERR, "cannot wait: %m");
			result = -1;
			break;
		}
		if (polled[1].revents)
			read_events(&device);
		else if (polled[0].revents & POLLIN)
			result = receive(&device);
		else if (polled[0].revents & (POLLHUP | POLLERR))
			device.closed = true;
		if (device.closed && device.events < 0)
			break;
	}
	session_end(session, result < 0 || *stop ? "kmcl-fcopyd ends" :
						   "the device is gone");
	if (device.events >= 0)
		close(device.events);
	return result < 0 ? -1 : 0;
}
