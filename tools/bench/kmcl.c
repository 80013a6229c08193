// SPDX-License-Identifier: GPL-2.0
/*
 * A character device of kmcl_cdev, with read() and write() that wait, and with
 * epoll, edge-triggered, and calls that do not.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "echo_bench.h"

static int fd, epoll;

static void blocking_open(const char *path)
{
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
}

static void blocking_close(void)
{
	close(fd);
}

static void blocking_exchange(uint64_t first, unsigned int count)
{
	uint8_t message[ECHO_BYTES];
	unsigned int i;

	for (i = 0; i < count; i++) {
		echo_fill(message, first + i);
		if (write(fd, message, sizeof(message)) != sizeof(message))
			err(1, "write");
	}
	for (i = 0; i < count; i++)
		echo_check(message, read(fd, message, sizeof(message)),
			   first + i);
}

static void epoll_open(const char *path)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		err(1, "epoll");
}

static void epoll_close(void)
{
	close(epoll);
	close(fd);
}

static void epoll_exchange(uint64_t first, unsigned int count)
{
	uint8_t message[ECHO_BYTES];
	struct epoll_event event;
	unsigned int i;
	ssize_t bytes;

	for (i = 0; i < count; i++) {
		echo_fill(message, first + i);
		if (write(fd, message, sizeof(message)) != sizeof(message))
			err(1, "write");
	}
	for (i = 0; i < count; ) {
		bytes = read(fd, message, sizeof(message));
		if (bytes < 0 && errno == EAGAIN) {
			if (epoll_wait(epoll, &event, 1, -1) != 1)
				err(1, "epoll_wait");
			continue;
		}
		echo_check(message, bytes, first + i);
		i++;
	}
}

const struct echo_way echo_blocking = {
	.name = "kmcl",
	.open = blocking_open,
	.exchange = blocking_exchange,
	.close = blocking_close,
};

const struct echo_way echo_epoll = {
	.name = "epoll",
	.open = epoll_open,
	.exchange = epoll_exchange,
	.close = epoll_close,
};
