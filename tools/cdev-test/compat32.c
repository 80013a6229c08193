// SPDX-License-Identifier: GPL-2.0
/*
 * usage: cdev-test32 NODE [TEST]
 *
 * The ioctls from a 32-bit process, whose channel is an echo; with the word uring
 * commands of io_uring; with the word silent the same, where the host does not answer.
 * Without a library, since there is none on most machines: it exits with the number of
 * the step that failed.
 */
#include <asm/unistd_32.h>
#include <linux/fcntl.h>
#include <linux/kmcl.h>

#include "test32.h"

long call5(long number, long a, long b, long c, long d, long e)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a" (ret)
			 : "a" (number), "b" (a), "c" (b), "d" (c), "S" (d), "D" (e)
			 : "memory");
	return ret;
}

static int test_ioctls(int fd)
{
	static struct kmcl_request request;
	static struct kmcl_limits limits;
	static struct kmcl_stats stats;
	static struct kmcl_event event;
	static struct kmcl_info info;
	static struct kmcl_mode mode;
	static char reply[64];
	int i, events;

	/* As with 64 bits */
	if (sizeof(void *) != 4 || sizeof(info) != 96 || sizeof(stats) != 184 ||
	    sizeof(limits) != 16 || sizeof(request) != 40 || sizeof(event) != 40)
		return 10;
	info.size = sizeof(info);
	if (call3(__NR_ioctl, fd, KMCL_IOC_GET_INFO, (long)&info) ||
	    info.state != KMCL_STATE_ACTIVE || info.packet_bytes != 4096)
		return 2;
	stats.size = sizeof(stats);
	if (call3(__NR_ioctl, fd, KMCL_IOC_GET_STATS, (long)&stats) ||
	    !stats.openers)
		return 3;
	limits.size = sizeof(limits);
	if (call3(__NR_ioctl, fd, KMCL_IOC_GET_LIMITS, (long)&limits) ||
	    limits.queue_packets != 1024 || limits.queue_bytes != 1 << 20)
		return 4;
	mode.size = sizeof(mode);
	if (call3(__NR_ioctl, fd, KMCL_IOC_SET_MODE, (long)&mode))
		return 5;
	request.size = sizeof(request);
	request.data = (unsigned long)"32 bits";
	request.data_len = 8;
	request.reply = (unsigned long)reply;
	request.reply_len = sizeof(reply);
	request.timeout_ns = 10000000000LL;
	if (call3(__NR_ioctl, fd, KMCL_IOC_REQUEST, (long)&request) ||
	    request.reply_len != 8)
		return 6;
	for (i = 0; i < 8; i++)
		if (reply[i] != "32 bits"[i])
			return 7;
	events = call3(__NR_ioctl, fd, KMCL_IOC_EVENTS, O_NONBLOCK);
	if (events < 0 || call3(__NR_read, events, (long)&event,
				sizeof(event)) != sizeof(event) || !event.seq)
		return 8;
	if (call3(__NR_ioctl, fd, KMCL_IOC_PAUSE, 0) ||
	    call3(__NR_ioctl, fd, KMCL_IOC_START, 0))
		return 9;
	return 0;
}

static int test(const char *node, const char *name)
{
	int fd = call3(__NR_open, (long)node, O_RDWR, 0);

	if (fd < 0)
		return 1;
	if (!name)
		return test_ioctls(fd);
	return *name == 'u' ? test_uring32(fd) : test_silent32(fd);
}

__attribute__((used)) static void start(const long *stack)
{
	call3(__NR_exit, stack[0] == 2 || stack[0] == 3 ?
	      test((const char *)stack[2], (const char *)stack[3]) : 100, 0, 0);
}

/* The stack has the number of arguments and the arguments */
__asm__(".globl _start\n"
	"_start:\n"
	"	mov %esp, %eax\n"
	"	and $-16, %esp\n"
	"	sub $12, %esp\n"
	"	push %eax\n"
	"	call start\n");
