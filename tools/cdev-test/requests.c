// SPDX-License-Identifier: GPL-2.0
/*
 * Requests: the ioctl, and commands of io_uring.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <signal.h>
#include <stdio.h>

#include "test.h"

static struct kmcl_request request(const char *data, char *reply, int room,
				   long long timeout)
{
	return (struct kmcl_request){
		.size = sizeof(struct kmcl_request),
		.data = (uintptr_t)data, .data_len = 8,
		.reply = (uintptr_t)reply, .reply_len = room,
		.timeout_ns = timeout,
	};
}

void test_requests(void)
{
	int fd = dev_open(O_RDWR);
	char reply[64] = {};
	struct kmcl_request r;

	r = request("request", reply, 64, 10000000000LL);
	EQ(ioctl(fd, KMCL_IOC_REQUEST, &r), 0);
	EQ(r.reply_len, 8);
	OK(!strcmp(reply, "request"));
	r = request("request", NULL, 0, 10000000000LL);
	FAILS(ioctl(fd, KMCL_IOC_REQUEST, &r), ENOSPC);
	EQ(r.reply_len, 8);
	host("behave complete-never");
	r = request("request", reply, 64, 20000000);
	FAILS(ioctl(fd, KMCL_IOC_REQUEST, &r), ETIME);
	EQ(stats_of(fd).queued, 0);
	host("behave echo");
	r = request("request", reply, 64, -2);
	FAILS(ioctl(fd, KMCL_IOC_REQUEST, &r), EINVAL);
	r = request("request", reply, 64, 0);
	r.data_len = 5000;
	FAILS(ioctl(fd, KMCL_IOC_REQUEST, &r), EMSGSIZE);
	close(fd);
}

/* A process that ends with requests in flight, which end with it */
static void leave_requests(int fd)
{
	struct ring *ring = ring_new();
	struct kmcl_request r[8];
	static char reply[64];
	int i;

	for (i = 0; i < 8; i++) {
		r[i] = request("request", reply, 64, KMCL_NO_TIME_LIMIT);
		ring_request(ring, fd, &r[i], i);
	}
	if (ring_submit(ring) != 8)
		_exit(1);
	for (;;)
		pause();
}

void test_uring_requests(void)
{
	struct ring *ring = ring_new();
	int fd = dev_open(O_RDWR), ro = dev_open(O_RDONLY), res, i, n = 0;
	struct kmcl_request r[32];
	char reply[32][64] = {};
	unsigned long long opens;
	uint64_t id;
	pid_t pid;

	for (i = 0; i < 32; i++) {
		r[i] = request("request", reply[i], 64, 10000000000LL);
		ring_request(ring, fd, &r[i], i);
	}
	EQ(ring_submit(ring), 32);
	/* They have been read already */
	memset(r, 0, sizeof(r));
	while (n < 32 && ring_result(ring, WAIT_MS, &id, &res)) {
		n++;
		if (res != 8 || id >= 32 || strcmp(reply[id], "request"))
			EQ(res, 8);
	}
	EQ(n, 32);

	/* Errors, at once and in time */
	r[0] = request("request", reply[0], 64, 0);
	r[0].flags = 1;
	ring_request(ring, fd, &r[0], 1);
	EQ(ring_submit(ring), 1);
	OK(ring_result(ring, WAIT_MS, &id, &res));
	EQ(res, -EINVAL);
	r[0] = request("request", reply[0], 64, 0);
	ring_request(ring, ro, &r[0], 1);
	EQ(ring_submit(ring), 1);
	OK(ring_result(ring, WAIT_MS, &id, &res));
	EQ(res, -EBADF);
	host("behave complete-never");
	r[0] = request("request", reply[0], 64, 30000000);
	ring_request(ring, fd, &r[0], 1);
	EQ(ring_submit(ring), 1);
	OK(ring_result(ring, WAIT_MS, &id, &res));
	EQ(res, -ETIME);

	/* The device goes, with requests in flight */
	opens = stats_of(fd).opens;
	for (i = 0; i < 8; i++) {
		r[i] = request("request", reply[i], 64, KMCL_NO_TIME_LIMIT);
		ring_request(ring, fd, &r[i], i);
	}
	EQ(ring_submit(ring), 8);
	OK(!ring_result(ring, 20, &id, &res));
	host("rescind");
	for (i = 0; i < 8; i++) {
		OK(ring_result(ring, WAIT_MS, &id, &res));
		EQ(res, -ENODEV);
	}
	host("offer");
	wait_state(fd, KMCL_STATE_ACTIVE);
	EQ(stats_of(fd).opens, opens + 1);

	/* The process goes: SIGKILL leaves nothing */
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		leave_requests(fd);
	for (i = 0; i < WAIT_MS && stats_of(fd).queued < 8; i++)
		usleep(1000);
	EQ(stats_of(fd).queued, 8);
	kill(pid, SIGKILL);
	EQ(waitpid(pid, NULL, 0), pid);
	for (i = 0; i < WAIT_MS && stats_of(fd).queued; i++)
		usleep(1000);
	EQ(stats_of(fd).queued, 0);
	EQ(stats_of(fd).queued_bytes, 0);
	host("behave echo");
	ring_free(ring);
	close(ro);
	close(fd);
}
