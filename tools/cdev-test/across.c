// SPDX-License-Identifier: GPL-2.0
/*
 * The device goes while processes are killed, close it, poll it, and use io_uring: COUNT
 * of them, four at a time, at random moments around each rescind, which SEED determines.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

enum { KILLED, CLOSES, POLLS, URING, KINDS };

static unsigned int seed;

static unsigned int below(unsigned int n)
{
	return rand_r(&seed) % n;
}

static unsigned int number(const char *name, unsigned int otherwise)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : otherwise;
}

/* Until the signal comes, which may be while it waits. ENODEV: a request's device went */
static int goes_on(int fd)
{
	static const enum what calls[] = { READ, FSYNC, REQUEST };
	const enum what what = calls[below(3)];
	int error;

	do
		error = call(what, fd);
	while (!error || (what == REQUEST && error == ENODEV));
	return error;
}

static int closes(int fd)
{
	unsigned int i;

	for (i = below(4); i; i--)
		if (write(fd, "written", 8) != 8)
			return errno;
	usleep(below(6000));
	return close(fd) ? errno : 0;
}

/* The next change ends it */
static int polls(int fd)
{
	state_of(fd);
	return call(POLL, fd);
}

/* Each operation has one result, whoever ends it */
static int uses_uring(int fd)
{
	char buf[64], reply[64];
	struct kmcl_request r = {
		.size = sizeof(r), .data = (uintptr_t)"request", .data_len = 8,
		.reply = (uintptr_t)reply, .reply_len = sizeof(reply),
		.timeout_ns = KMCL_NO_TIME_LIMIT,
	};
	struct ring *ring = ring_new();
	unsigned int seen[7] = { 0 }, i, n = 6;
	uint64_t id = 0;
	int res;

	state_of(fd);
	ring_read(ring, fd, buf, sizeof(buf), 1);
	ring_poll(ring, fd, POLLRDHUP, 2);
	ring_request(ring, fd, &r, 3);
	EQ(ring_submit(ring), 3);
	usleep(below(6000));
	/* With the ring as it is */
	if (below(2))
		return tap_failed != 0;
	for (i = 1; i <= 3; i++)
		ring_cancel(ring, i, 3 + i);
	EQ(ring_submit(ring), 3);
	while (n--) {
		OK(ring_result(ring, WAIT_MS, &id, &res));
		OK(id >= 1 && id <= 6 && !seen[id]++);
		if (id == 3 && res < 0)
			OK(res == -ECANCELED || res == -ENODEV || res == -EINTR);
		if (tap_failed)
			break;
	}
	ring_free(ring);
	return tap_failed != 0;
}

static pid_t begin(unsigned int kind)
{
	pid_t pid;
	int fd;

	seed += 1 + kind;
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	tap_failed = 0;
	fd = dev_open(O_RDWR);
	switch (kind) {
	case KILLED:
		_exit(goes_on(fd));
	case CLOSES:
		_exit(closes(fd));
	case POLLS:
		_exit(polls(fd));
	}
	_exit(uses_uring(fd));
}

/* The device has gone, and is back */
static void back(int fd, unsigned int rescinds)
{
	long end = now_ms() + WAIT_MS;

	while (stats_of(fd).rescinds < rescinds && now_ms() < end)
		usleep(1000);
	EQ(stats_of(fd).rescinds, rescinds);
	wait_state(fd, KMCL_STATE_ACTIVE);
}

static void drain_all(int fd)
{
	char buf[64];

	while (read(fd, buf, sizeof(buf)) >= 0)
		;
	EQ(errno, EAGAIN);
}

void test_across(void)
{
	unsigned int count = number("COUNT", 200), rounds = 0, i;
	int fd = dev_open(O_RDWR | O_NONBLOCK);
	struct kmcl_stats s = stats_of(fd);
	unsigned int before = s.rescinds;
	pid_t pid[KINDS];
	char line[64];

	seed = number("SEED", 1);
	host_rule("every release %s offer %s");
	while (rounds * KINDS < count && !tap_failed) {
		/* Half of the time nothing is answered at once, and reads wait */
		if (rounds * KINDS * 2 >= count && rounds * KINDS * 2 < count + 2 * KINDS)
			host("behave complete-late us=3000");
		for (i = 0; i < KINDS; i++)
			pid[i] = begin(i);
		snprintf(line, sizeof(line), "after %uus rescind %%s", below(6000));
		host_rule(line);
		usleep(below(6000));
		kill(pid[KILLED], SIGKILL);
		for (i = 0; i < KINDS; i++)
			EQ(ended(pid[i]), i == KILLED ? -SIGKILL : 0);
		back(fd, before + ++rounds);
		drain_all(fd);
	}
	host("cancel");
	host("behave echo");
	EQ(call(REQUEST, fd), 0);
	EQ(fsync(fd), 0);
	s = stats_of(fd);
	EQ(s.queued, 0);
	EQ(s.queued_bytes, 0);
	EQ(s.written, s.ended);
	EQ(s.openers, 1);
	EQ(s.lost, 0);
	printf("# %u rescinds; %u processes: killed, closing, polling, io_uring\n",
	       rounds, rounds * KINDS);
	close(fd);
}
