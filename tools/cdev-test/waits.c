// SPDX-License-Identifier: GPL-2.0
/*
 * Calls that wait, and what ends them: the host, a signal, the end of the process, the
 * end of the device. Each is in a process of its own.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

int call(enum what what, int fd)
{
	char buf[64] = "written";
	struct kmcl_request r = {
		.size = sizeof(r), .data = (uintptr_t)"request", .data_len = 8,
		.reply = (uintptr_t)buf, .reply_len = sizeof(buf),
		.timeout_ns = KMCL_NO_TIME_LIMIT,
	};
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };
	ssize_t ret = 0;

	switch (what) {
	case READ:
		ret = read(fd, buf, sizeof(buf));
		break;
	case WRITE:
		ret = write(fd, buf, 8);
		break;
	case FSYNC:
		ret = fsync(fd);
		break;
	case REQUEST:
		ret = ioctl(fd, KMCL_IOC_REQUEST, &r);
		break;
	case POLL:
		ret = poll(&p, 1, -1);
		break;
	}
	return ret < 0 ? errno : 0;
}

static void nothing(int sig)
{
	(void)sig;
}

/* A process that waits in this call, and exits with its errno */
static pid_t waits(enum what what, int fd)
{
	struct sigaction action = { .sa_handler = nothing };
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		sigaction(SIGUSR1, &action, NULL);
		_exit(call(what, fd));
	}
	wait_sleeping(pid);
	return pid;
}

int ended(pid_t pid)
{
	long end = now_ms() + WAIT_MS;
	int status;
	pid_t ret;

	do {
		ret = waitpid(pid, &status, WNOHANG);
		usleep(1000);
	} while (!ret && now_ms() < end);
	if (ret != pid)
		return -1000;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* One message in the queue, which has room for no other */
static void fill(int fd)
{
	struct kmcl_limits limits = { .size = sizeof(limits),
				      .queue_packets = 1 };

	EQ(ioctl(fd, KMCL_IOC_SET_LIMITS, &limits), 0);
	EQ(write(fd, "the one", 8), 8);
}

static void unlimited(int fd)
{
	struct kmcl_limits limits = { .size = sizeof(limits),
				      .queue_packets = 1024 };

	EQ(ioctl(fd, KMCL_IOC_SET_LIMITS, &limits), 0);
}

static void drain(int fd, int n)
{
	char buf[64];

	while (n--)
		EQ(read(fd, buf, sizeof(buf)), 8);
}

static void rescinded(int fd)
{
	host("rescind");
	wait_state(fd, KMCL_STATE_WAITING);
}

static void offered(int fd)
{
	host("offer");
	wait_state(fd, KMCL_STATE_ACTIVE);
}

/* Until a worker of io_uring of this process waits */
static void wait_worker(void)
{
	long end = now_ms() + WAIT_MS;
	char path[64], name[32] = "";
	const struct dirent *task;
	pid_t tid = 0;
	FILE *file;
	DIR *dir;

	while (!tid && now_ms() < end) {
		dir = opendir("/proc/self/task");
		if (!dir)
			die("/proc/self/task");
		while (!tid && (task = readdir(dir))) {
			snprintf(path, sizeof(path), "/proc/self/task/%.20s/comm",
				 task->d_name);
			file = fopen(path, "r");
			if (!file)
				continue;
			if (fgets(name, sizeof(name), file) &&
			    !strncmp(name, "iou-wrk", 7))
				tid = atoi(task->d_name);
			fclose(file);
		}
		closedir(dir);
		usleep(1000);
	}
	OK(tid);
	if (tid)
		wait_sleeping(tid);
}

/* What io_uring does in a worker, and is cancelled there */
static void cancelled_in_a_worker(enum what what, int fd)
{
	struct ring *ring = ring_new();
	int res = 0, end = 0, i;
	uint64_t id = 0;
	char buf[64];

	if (what == READ)
		ring_read(ring, fd, buf, sizeof(buf), 1);
	else if (what == WRITE)
		ring_write(ring, fd, "no room", 8, 1);
	else
		ring_fsync(ring, fd, 1);
	EQ(ring_submit(ring), 1);
	wait_worker();
	ring_cancel(ring, 1, 2);
	EQ(ring_submit(ring), 1);
	for (i = 0; i < 2; i++) {
		OK(ring_result(ring, WAIT_MS, &id, &res));
		if (id == 1)
			end = res;
	}
	/* Cancelled before it waits, or while it does */
	if (end != -ECANCELED)
		EQ(end, -EINTR);
	ring_free(ring);
}

/*
 * A process ends while a worker, which was idle, begins: it has taken the signal that
 * ends the process before, and what it does then must not wait. On one processor, so
 * that the worker comes after the signal.
 */
static void end_with_a_worker(int fd)
{
	struct ring *ring = ring_new();
	uint64_t id;
	int res;

	ring_one_cpu(ring);
	/* One that has something to do is idle afterwards */
	ring_fsync(ring, fileno(tmpfile()), 1);
	EQ(ring_submit(ring), 1);
	OK(ring_result(ring, WAIT_MS, &id, &res));
	wait_worker();
	ring_fsync(ring, fd, 2);
	EQ(ring_submit(ring), 1);
	_exit(tap_failed != 0);
}

static void ends_while_a_worker_begins(int fd)
{
	int i, status = 0;
	pid_t pid;

	for (i = 0; i < 20 && !status; i++) {
		fflush(stdout);
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid)
			end_with_a_worker(fd);
		status = ended(pid);
	}
	EQ(status, 0);
}

void test_waits(void)
{
	int fd = dev_open(O_RDWR), nb = dev_open(O_RDWR | O_NONBLOCK);
	pid_t reader, writer, sync, asker;

	rescinded(fd);
	fill(fd);
	FAILS(write(nb, "no room", 8), EAGAIN);
	/* A signal ends what can be started again, or is told */
	reader = waits(READ, fd);
	writer = waits(WRITE, fd);
	sync = waits(FSYNC, fd);
	asker = waits(REQUEST, fd);
	kill(reader, SIGUSR1);
	kill(writer, SIGUSR1);
	kill(sync, SIGUSR1);
	kill(asker, SIGUSR1);
	EQ(ended(reader), EINTR);
	EQ(ended(writer), EINTR);
	EQ(ended(sync), EINTR);
	EQ(ended(asker), EINTR);
	cancelled_in_a_worker(READ, fd);
	cancelled_in_a_worker(WRITE, fd);
	cancelled_in_a_worker(FSYNC, fd);
	ends_while_a_worker_begins(fd);
	/* SIGKILL ends all */
	reader = waits(READ, fd);
	writer = waits(WRITE, fd);
	sync = waits(FSYNC, fd);
	kill(reader, SIGKILL);
	kill(writer, SIGKILL);
	kill(sync, SIGKILL);
	EQ(ended(reader), -SIGKILL);
	EQ(ended(writer), -SIGKILL);
	EQ(ended(sync), -SIGKILL);
	EQ(stats_of(fd).queued, 1);
	/* The host does */
	writer = waits(WRITE, fd);
	sync = waits(FSYNC, fd);
	offered(fd);
	EQ(ended(writer), 0);
	EQ(ended(sync), 0);
	drain(fd, 2);
	unlimited(fd);
	close(fd);
	close(nb);
}

void test_rescind(void)
{
	int fd = dev_open(O_RDWR), i;
	pid_t reader, poller;
	uint64_t n;

	reader = waits(READ, fd);
	state_of(fd);
	poller = waits(POLL, fd);
	rescinded(fd);
	EQ(ended(poller), 0);
	/* The reader waits for the next message, from whichever opening */
	EQ(waitpid(reader, NULL, WNOHANG), 0);
	for (n = 0; n < 10; n++)
		EQ(write(fd, &n, sizeof(n)), 8);
	EQ(stats_of(fd).queued, 10);
	offered(fd);
	EQ(ended(reader), 0);
	for (i = 1; i < 10; i++) {
		EQ(read(fd, &n, sizeof(n)), 8);
		EQ(n, i);
	}
	/* What had arrived */
	for (n = 0; n < 5; n++)
		EQ(write(fd, &n, sizeof(n)), 8);
	while (stats_of(fd).waiting < 5)
		usleep(1000);
	rescinded(fd);
	for (i = 0; i < 5; i++) {
		EQ(read(fd, &n, sizeof(n)), 8);
		EQ(n, i);
	}
	offered(fd);
	close(fd);
}

void test_killed(void)
{
	int fd = dev_open(O_RDWR);
	struct kmcl_stats s;
	pid_t asker;

	host("behave complete-never");
	asker = waits(REQUEST, fd);
	while (!stats_of(fd).queued)
		usleep(1000);
	kill(asker, SIGKILL);
	EQ(ended(asker), -SIGKILL);
	s = stats_of(fd);
	EQ(s.queued, 0);
	EQ(s.queued_bytes, 0);
	EQ(s.written, s.ended);
	EQ(s.openers, 1);
	host("behave echo");
	close(fd);
}

/* Last: the directory is removed while it is open, and used */
void test_removed(void)
{
	int fd = dev_open(O_RDWR), events;
	pid_t reader, writer, sync;
	struct pollfd p = { .fd = fd };
	struct kmcl_event e;
	char path[128], buf[8];

	rescinded(fd);
	fill(fd);
	state_of(fd);
	events = ioctl(fd, KMCL_IOC_EVENTS, O_NONBLOCK);
	OK(events >= 0);
	reader = waits(READ, fd);
	writer = waits(WRITE, fd);
	sync = waits(FSYNC, fd);
	/* Not while a file is open */
	OK(system("rmmod kmcl_cdev 2>/dev/null") != 0);
	snprintf(path, sizeof(path), "/sys/kernel/config/kmcl/%s",
		 strrchr(dev, '/') + 1);
	EQ(rmdir(path), 0);
	EQ(ended(reader), ENODEV);
	EQ(ended(writer), ENODEV);
	EQ(ended(sync), ENODEV);
	EQ(poll(&p, 1, 0), 1);
	EQ(p.revents, POLLHUP | POLLERR);
	FAILS(open(dev, O_RDWR), ENOENT);
	FAILS(read(fd, buf, sizeof(buf)), ENODEV);
	FAILS(write(fd, buf, sizeof(buf)), ENODEV);
	FAILS(fsync(fd), ENODEV);
	FAILS(ioctl(fd, KMCL_IOC_ENABLE), ENODEV);
	while (read(events, &e, sizeof(e)) == sizeof(e))
		;
	EQ(e.type, KMCL_EVENT_REMOVED);
	EQ(read(events, &e, sizeof(e)), 0);
	OK(system("rmmod kmcl_cdev 2>/dev/null") != 0);
	close(events);
	close(fd);
}
