// SPDX-License-Identifier: GPL-2.0
/*
 * Enabling and pausing, events, information, limits, and who may do what.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static void expect_events(int fd, const unsigned int *types, int n)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	struct kmcl_event e;
	uint64_t time = 0;
	int i;

	for (i = 0; i < n; i++) {
		if (poll(&p, 1, WAIT_MS) != 1 ||
		    read(fd, &e, sizeof(e)) != sizeof(e))
			break;
		EQ(e.type, types[i]);
		EQ(e.lost, 0);
		OK(e.time_ns >= time);
		time = e.time_ns;
		if (e.type == KMCL_EVENT_CLOSED)
			EQ(e.cause, i < 6 ? KMCL_CAUSE_DEVICE : KMCL_CAUSE_LOCAL);
	}
	EQ(i, n);
	FAILS(read(fd, &e, sizeof(e)), EAGAIN);
}

void test_events(void)
{
	static const unsigned int expected[] = {
		KMCL_EVENT_STARTED,
		KMCL_EVENT_SUSPENDED, KMCL_EVENT_CLOSED, KMCL_EVENT_ENABLED,
		KMCL_EVENT_OPENED, KMCL_EVENT_STARTED,
		KMCL_EVENT_SUSPENDED, KMCL_EVENT_RESUMED,
		KMCL_EVENT_SUSPENDED, KMCL_EVENT_CLOSED,
		KMCL_EVENT_ENABLED, KMCL_EVENT_OPENED, KMCL_EVENT_STARTED,
	};
	int fd = dev_open(O_RDWR), events;
	struct kmcl_event e;

	events = ioctl(fd, KMCL_IOC_EVENTS, O_NONBLOCK);
	OK(events >= 0);
	OK(fcntl(events, F_GETFD) & FD_CLOEXEC);
	FAILS(read(events, &e, sizeof(e) - 1), EINVAL);
	FAILS(ioctl(fd, KMCL_IOC_EVENTS, 1), EINVAL);
	host("rescind");
	wait_state(fd, KMCL_STATE_WAITING);
	host("offer");
	wait_state(fd, KMCL_STATE_ACTIVE);
	EQ(ioctl(fd, KMCL_IOC_PAUSE), 0);
	wait_state(fd, KMCL_STATE_PAUSED);
	EQ(ioctl(fd, KMCL_IOC_START), 0);
	wait_state(fd, KMCL_STATE_ACTIVE);
	EQ(ioctl(fd, KMCL_IOC_DISABLE), 0);
	wait_state(fd, KMCL_STATE_DISABLED);
	EQ(ioctl(fd, KMCL_IOC_ENABLE), 0);
	wait_state(fd, KMCL_STATE_ACTIVE);
	expect_events(events, expected, sizeof(expected) / sizeof(*expected));
	close(events);
	close(fd);
}

void test_control(void)
{
	struct kmcl_info info = { .size = sizeof(info) };
	int fd = dev_open(O_RDWR), ro = dev_open(O_RDONLY);
	char buf[64];

	EQ(ioctl(ro, KMCL_IOC_GET_INFO, &info), 0);
	EQ(info.size, sizeof(info));
	EQ(info.state, KMCL_STATE_ACTIVE);
	OK(info.flags & KMCL_INFO_OPEN);
	OK(info.flags & KMCL_INFO_REOPEN);
	OK(!(info.flags & KMCL_INFO_PIPE));
	EQ(info.packet_bytes, 4096);
	OK(info.ring_in >= 4096 && info.ring_out >= 4096);
	OK(!strcmp(info.name, strrchr(dev, '/') + 1));
	FAILS(ioctl(ro, KMCL_IOC_DISABLE), EBADF);
	FAILS(ioctl(ro, KMCL_IOC_REQUEST, NULL), EBADF);
	FAILS(ioctl(fd, _IO(KMCL_IOC_MAGIC, 0x7f)), ENOTTY);
	FAILS(ioctl(fd, KMCL_IOC_GET_INFO, (void *)8), EFAULT);

	/* What is written while it is disabled is sent afterwards */
	EQ(ioctl(fd, KMCL_IOC_DISABLE), 0);
	EQ(state_of(fd), KMCL_STATE_DISABLED);
	EQ(write(fd, "at last", 8), 8);
	EQ(ioctl(fd, KMCL_IOC_ENABLE), 0);
	EQ(read(fd, buf, sizeof(buf)), 8);
	OK(!strcmp(buf, "at last"));
	/* By hand alone */
	configure("reopen", "manual\n");
	host("rescind");
	wait_state(fd, KMCL_STATE_DISABLED);
	host("offer");
	usleep(100000);
	EQ(state_of(fd), KMCL_STATE_DISABLED);
	EQ(ioctl(fd, KMCL_IOC_ENABLE), 0);
	wait_state(fd, KMCL_STATE_ACTIVE);
	configure("reopen", "auto\n");
	/* Without a channel */
	configure("enabled", "0\n");
	EQ(state_of(fd), KMCL_STATE_OFF);
	FAILS(write(fd, buf, 8), ENOTCONN);
	FAILS(read(fd, buf, 8), ENOTCONN);
	FAILS(ioctl(fd, KMCL_IOC_ENABLE), ENOTCONN);
	configure("enabled", "1\n");
	wait_state(fd, KMCL_STATE_ACTIVE);
	EQ(write(fd, buf, 8), 8);
	EQ(read(fd, buf, sizeof(buf)), 8);
	close(fd);
	close(ro);
}

/* As a user who is not root, whom the group would let in */
static int as_user(void)
{
	struct kmcl_limits limits = { .size = sizeof(limits) };
	int fd = open(dev, O_RDWR), ret;

	if (fd < 0 || setgid(65534) || setuid(65534))
		return 1;
	ret = ioctl(fd, KMCL_IOC_GET_LIMITS, &limits);
	if (ret || limits.queue_packets != 1024)
		return 2;
	limits.queue_packets = 2;
	if (!ioctl(fd, KMCL_IOC_SET_LIMITS, &limits) || errno != EPERM)
		return 3;
	if (write(fd, "allowed", 8) != 8 || ioctl(fd, KMCL_IOC_PAUSE) ||
	    ioctl(fd, KMCL_IOC_START))
		return 4;
	if (!mkdir("/sys/kernel/config/kmcl/mine", 0777) ||
	    (errno != EPERM && errno != EACCES))
		return 5;
	return open(dev, O_RDWR) < 0 && errno == EACCES ? 0 : 6;
}

void test_limits(void)
{
	struct {
		struct kmcl_limits l;
		uint64_t more;
	} big = {};
	struct kmcl_limits limits = { .size = sizeof(limits) };
	int fd = dev_open(O_RDWR | O_NONBLOCK), n = 0, status;
	struct stat st;
	char buf[64];
	pid_t pid;

	EQ(stat(dev, &st), 0);
	EQ(st.st_mode & 0777, 0600);
	pid = fork();
	if (!pid)
		_exit(as_user());
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, 0);
	wait_state(fd, KMCL_STATE_ACTIVE);
	while (read(fd, buf, sizeof(buf)) < 0 && errno == EAGAIN)
		usleep(1000);

	/* Bytes of memory: less than that many messages of 4 KiB */
	limits.queue_bytes = 65536;
	EQ(ioctl(fd, KMCL_IOC_SET_LIMITS, &limits), 0);
	host("rescind");
	wait_state(fd, KMCL_STATE_WAITING);
	while (n < 100 && write(fd, "limited", 8) == 8)
		n++;
	EQ(errno, EAGAIN);
	OK(n > 4 && n < 16);
	OK(stats_of(fd).queued_bytes <= 65536);
	host("offer");
	wait_state(fd, KMCL_STATE_ACTIVE);
	while (n) {
		if (read(fd, buf, sizeof(buf)) == 8)
			n--;
		else if (errno != EAGAIN)
			break;
	}
	EQ(n, 0);
	/* A later version of the structure */
	big.l = limits;
	big.l.size = sizeof(big);
	big.l.queue_bytes = 1 << 20;
	EQ(ioctl(fd, KMCL_IOC_SET_LIMITS, &big), 0);
	big.more = 1;
	FAILS(ioctl(fd, KMCL_IOC_SET_LIMITS, &big), E2BIG);
	limits.size = 8;
	FAILS(ioctl(fd, KMCL_IOC_SET_LIMITS, &limits), EINVAL);
	close(fd);
}
