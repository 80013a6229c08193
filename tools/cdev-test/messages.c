// SPDX-License-Identifier: GPL-2.0
/*
 * Messages to the echo and back: by read() and write(), poll() and epoll, and io_uring.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "test.h"

void test_messages(void)
{
	struct kmcl_mode mode = { .size = sizeof(mode), .flags = 1 };
	struct iovec parts[2] = { { "eight..", 8 }, { "and 8..", 8 } };
	int fd = dev_open(O_RDWR), other = dev_open(O_RDWR | O_NONBLOCK);
	struct kmcl_stats before = stats_of(fd);
	char buf[4104], *gap, *nowhere;
	int i, len;

	EQ(write(fd, "hello 8", 8), 8);
	EQ(read(fd, buf, sizeof(buf)), 8);
	OK(!memcmp(buf, "hello 8", 8));
	EQ(writev(fd, parts, 2), 16);
	EQ(read(fd, buf, sizeof(buf)), 16);
	OK(!memcmp(buf + 8, "and 8..", 8));
	EQ(write(fd, buf, 0), 0);
	EQ(read(fd, buf, sizeof(buf)), 0);
	FAILS(write(fd, buf, 4097), EMSGSIZE);
	memset(buf, 0x5a, sizeof(buf));
	EQ(write(fd, buf, 4096), 4096);
	buf[4095] = 0;
	EQ(read(fd, buf, sizeof(buf)), 4096);
	OK(buf[4095] == 0x5a);
	FAILS(read(other, buf, sizeof(buf)), EAGAIN);

	/* A buffer that is too short */
	EQ(write(fd, "16 bytes of data", 16), 16);
	FAILS(read(fd, buf, 15), EMSGSIZE);
	EQ(ioctl(fd, FIONREAD, &len), 0);
	EQ(len, 16);
	EQ(ioctl(fd, KMCL_IOC_SET_MODE, &mode), 0);
	FAILS(read(other, buf, 15), EMSGSIZE);
	EQ(read(fd, buf, 4), 4);
	FAILS(read(other, buf, sizeof(buf)), EAGAIN);

	/* Memory that is not there: not at all, and not yet */
	nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FAILS(write(fd, nowhere, 8), EFAULT);
	FAILS(write(fd, nowhere, 2048), EFAULT);
	EQ(write(fd, "a fault", 8), 8);
	FAILS(read(fd, nowhere, 8), EFAULT);
	gap = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	OK(gap != MAP_FAILED);
	EQ(read(fd, gap + 4092, 8), 8);
	OK(!memcmp(gap + 4092, "a fault", 8));
	munmap(gap, 8192);

	/* More than a ring has room for */
	for (i = 0; i < 500; i++) {
		memcpy(buf, &i, sizeof(i));
		if (write(fd, buf, 256) != 256)
			break;
		if (i >= 20) {
			if (read(fd, buf, sizeof(buf)) != 256)
				break;
			memcpy(&len, buf, sizeof(len));
			if (len != i - 20)
				break;
		}
	}
	EQ(i, 500);
	for (i = 0; i < 20; i++)
		EQ(read(fd, buf, sizeof(buf)), 256);
	EQ(fsync(fd), 0);
	EQ(fdatasync(fd), 0);
	EQ(stats_of(fd).written - before.written, 506);
	EQ(stats_of(fd).read - before.read, 506);
	EQ(stats_of(fd).openers, 2);
	close(other);
	close(fd);
}

static int wait_epoll(int ep, int ms)
{
	struct epoll_event e = {};

	return epoll_wait(ep, &e, 1, ms) == 1 ? (int)e.events : 0;
}

void test_poll(void)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP |
					   EPOLLPRI | EPOLLET };
	int fd = dev_open(O_RDWR | O_NONBLOCK), ep = epoll_create1(EPOLL_CLOEXEC);
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLOUT | POLLRDHUP };
	char buf[64];

	state_of(fd);
	EQ(poll(&p, 1, 0), 1);
	EQ(p.revents, POLLOUT);
	EQ(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e), 0);
	EQ(wait_epoll(ep, 0), EPOLLOUT);
	EQ(wait_epoll(ep, 20), 0);
	EQ(write(fd, "an edge", 8), 8);
	EQ(wait_epoll(ep, WAIT_MS), EPOLLIN | EPOLLOUT);
	EQ(wait_epoll(ep, 20), 0);
	EQ(read(fd, buf, sizeof(buf)), 8);
	EQ(write(fd, "another", 8), 8);
	EQ(wait_epoll(ep, WAIT_MS), EPOLLIN | EPOLLOUT);
	EQ(read(fd, buf, sizeof(buf)), 8);

	/* Each change is an edge, and tells itself */
	host("rescind");
	while (state_of(fd) != KMCL_STATE_WAITING)
		usleep(1000);
	OK(wait_epoll(ep, WAIT_MS) & EPOLLHUP);
	EQ(poll(&p, 1, 0), 1);
	EQ(p.revents & (POLLHUP | POLLOUT), POLLHUP | POLLOUT);
	while (wait_epoll(ep, 50))
		;
	host("offer");
	OK(wait_epoll(ep, WAIT_MS) & EPOLLRDHUP);
	wait_state(fd, KMCL_STATE_ACTIVE);
	EQ(poll(&p, 1, 0), 1);
	EQ(p.revents, POLLOUT);
	close(ep);
	close(fd);
}

void test_uring(void)
{
	struct ring *ring = ring_new();
	int fd = dev_open(O_RDWR), res, i, n = 0;
	struct pollfd p = { .fd = fd };
	char in[32][16], out[32][16];
	uint64_t id, seen = 0;

	/* Reads before there is something to read */
	for (i = 0; i < 32; i++)
		ring_read(ring, fd, in[i], 16, i);
	EQ(ring_submit(ring), 32);
	OK(!ring_result(ring, 20, &id, &res));
	memset(out, 0x11, sizeof(out));
	for (i = 0; i < 32; i++)
		ring_write(ring, fd, out[i], 16, 100);
	EQ(ring_submit(ring), 32);
	while (n < 64 && ring_result(ring, WAIT_MS, &id, &res)) {
		n++;
		if (res != 16)
			EQ(res, 16);
		if (id < 32)
			seen |= 1ULL << id;
	}
	EQ(n, 64);
	EQ(seen, 0xffffffff);

	/* A poll that ends when the state changes */
	state_of(fd);
	ring_poll(ring, fd, EPOLLRDHUP, 7);
	EQ(ring_submit(ring), 1);
	OK(!ring_result(ring, 20, &id, &res));
	host("rescind");
	OK(ring_result(ring, WAIT_MS, &id, &res));
	/* It is suspended first, perhaps not closed yet */
	OK(res > 0 && res & EPOLLRDHUP);
	wait_state(fd, KMCL_STATE_WAITING);
	EQ(poll(&p, 1, 0), 1);
	EQ(p.revents, POLLHUP);
	/* What cannot be sent is queued, and what cannot be read waits */
	ring_write(ring, fd, out[0], 16, 8);
	EQ(ring_submit(ring), 1);
	OK(ring_result(ring, WAIT_MS, &id, &res));
	EQ(res, 16);
	ring_read(ring, fd, in[0], 16, 9);
	EQ(ring_submit(ring), 1);
	OK(!ring_result(ring, 20, &id, &res));
	host("offer");
	OK(ring_result(ring, WAIT_MS, &id, &res));
	EQ(res, 16);
	wait_state(fd, KMCL_STATE_ACTIVE);
	ring_free(ring);
	close(fd);
}
