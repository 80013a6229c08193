// SPDX-License-Identifier: GPL-2.0
/*
 * The device, its host, and its configuration.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

const char *dev;

long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int dev_open(int flags)
{
	int fd = open(dev, flags | O_CLOEXEC);

	if (fd < 0)
		die(dev);
	return fd;
}

/* The number of the offer is in the environment */
void host(const char *command)
{
	char line[128];

	snprintf(line, sizeof(line),
		 "set -- %s; c=$1; shift; vmbhostctl \"$c $OFFER $*\" >/dev/null",
		 command);
	if (system(line))
		die(command);
}

void host_rule(const char *command)
{
	const char *number = getenv("OFFER");
	char text[96], line[128];

	snprintf(text, sizeof(text), command, number, number);
	snprintf(line, sizeof(line), "vmbhostctl %s >/dev/null", text);
	if (system(line))
		die(line);
}

void configure(const char *attribute, const char *value)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/kernel/config/kmcl/%s/%s",
		 strrchr(dev, '/') + 1, attribute);
	file = fopen(path, "w");
	if (!file || fputs(value, file) < 0 || fclose(file))
		die(path);
}

struct kmcl_stats stats_of(int fd)
{
	struct kmcl_stats stats = { .size = sizeof(stats) };

	if (ioctl(fd, KMCL_IOC_GET_STATS, &stats))
		die("KMCL_IOC_GET_STATS");
	return stats;
}

unsigned int state_of(int fd)
{
	struct kmcl_info info = { .size = sizeof(info) };

	if (ioctl(fd, KMCL_IOC_GET_INFO, &info))
		die("KMCL_IOC_GET_INFO");
	return info.state;
}

/* Each change ends the poll, since GET_INFO before it has told the last one */
void wait_state(int fd, unsigned int state)
{
	struct pollfd p = { .fd = fd, .events = POLLPRI };
	long end = now_ms() + WAIT_MS;

	while (state_of(fd) != state && now_ms() < end)
		if (poll(&p, 1, 100) < 0 && errno != EINTR)
			break;
	EQ(state_of(fd), state);
}

void wait_sleeping(pid_t tid)
{
	long end = now_ms() + WAIT_MS;
	char path[64], text[256], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	while (state != 'S' && state != 'D' && now_ms() < end) {
		file = fopen(path, "r");
		if (!file || !fgets(text, sizeof(text), file))
			die(path);
		fclose(file);
		state = strrchr(text, ')')[2];
		usleep(1000);
	}
	OK(state == 'S' || state == 'D');
}
