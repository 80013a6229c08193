// SPDX-License-Identifier: GPL-2.0
/*
 * Requests as commands of io_uring from a 32-bit process.
 */
#include <asm/unistd_32.h>
#include <linux/errno.h>
#include <linux/io_uring.h>
#include <linux/kmcl.h>
#include <linux/mman.h>

#include "test32.h"

#define ENTRIES		8
#define PAGES		4096

static struct io_uring_params params;
static struct io_uring_sqe *sqes;
static char *sq, *cq;
static int ring;

static unsigned int *at(char *map, unsigned int offset)
{
	return (unsigned int *)(map + offset);
}

/* The call that takes its arguments in memory: the sixth register is the frame's */
static char *map(unsigned long bytes, unsigned long offset)
{
	unsigned long args[6] = {
		0, (bytes + PAGES - 1) / PAGES * PAGES, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_POPULATE, ring, offset,
	};
	unsigned long ret = call3(__NR_mmap, (long)args, 0, 0);

	return ret > -(unsigned long)PAGES ? (char *)0 : (char *)ret;
}

static int setup(void)
{
	ring = call3(__NR_io_uring_setup, ENTRIES, (long)&params, 0);
	if (ring < 0)
		return 20;
	sq = map(params.sq_off.array + ENTRIES * sizeof(unsigned int),
		 IORING_OFF_SQ_RING);
	cq = map(params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
		 IORING_OFF_CQ_RING);
	sqes = (void *)map(ENTRIES * sizeof(*sqes), IORING_OFF_SQES);
	return sq && cq && sqes ? 0 : 21;
}

static struct io_uring_sqe *next(int op, int fd, const void *addr, unsigned int len)
{
	unsigned int *tail = at(sq, params.sq_off.tail);
	unsigned int i = *tail % ENTRIES;
	struct io_uring_sqe *sqe = &sqes[i];

	*sqe = (struct io_uring_sqe){
		.opcode = op, .fd = fd, .addr = (unsigned long)addr, .len = len,
	};
	at(sq, params.sq_off.array)[i] = i;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
	return sqe;
}

/* cmd_op, and cmd of the entry, which older headers lack */
static void request(int fd, const struct kmcl_request *r)
{
	struct io_uring_sqe *sqe = next(IORING_OP_URING_CMD, fd, 0, 0);

	sqe->off = KMCL_IOC_REQUEST;
	((__u64 *)sqe)[6] = (unsigned long)r;
}

/* Submit one, and return its result */
static int result(void)
{
	unsigned int *head = at(cq, params.cq_off.head);
	struct io_uring_cqe *cqe;
	int res;

	if (call5(__NR_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, 0) != 1 ||
	    *head == __atomic_load_n(at(cq, params.cq_off.tail), __ATOMIC_ACQUIRE))
		return -1000;
	cqe = (void *)at(cq, params.cq_off.cqes);
	res = cqe[*head & (params.cq_entries - 1)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return res;
}

static struct kmcl_request request_of(const char *data, unsigned int len, char *reply,
				      unsigned int room, long long timeout)
{
	struct kmcl_request r = {
		.size = sizeof(r),
		.data = (unsigned long)data, .data_len = len,
		.reply = (unsigned long)reply, .reply_len = room,
		.timeout_ns = timeout,
	};

	return r;
}

static int same(const char *a, const char *b, int bytes)
{
	while (bytes && *a == *b)
		bytes--, a++, b++;
	return !bytes;
}

int test_uring32(int fd)
{
	static char reply[64];
	struct kmcl_request r;
	int ret = setup();

	if (ret)
		return ret;
	r = request_of("32 bits", 8, reply, sizeof(reply), 10000000000LL);
	request(fd, &r);
	if (result() != 8 || !same(reply, "32 bits", 8))
		return 22;
	r = request_of("32 bits", 8, reply, 4, 10000000000LL);
	request(fd, &r);
	if (result() != -ENOSPC)
		return 23;
	r = request_of("32 bits", 5000, reply, sizeof(reply), KMCL_NO_TIME_LIMIT);
	request(fd, &r);
	if (result() != -EMSGSIZE)
		return 24;
	request(fd, (void *)16);
	if (result() != -EFAULT)
		return 25;
	/* Above what such a process has */
	r = request_of("32 bits", 8, reply, sizeof(reply), KMCL_NO_TIME_LIMIT);
	r.data |= 1ULL << 47;
	request(fd, &r);
	if (result() != -EFAULT)
		return 26;
	/* And what is no command */
	next(IORING_OP_WRITE, fd, "written", 8);
	if (result() != 8)
		return 27;
	next(IORING_OP_READ, fd, reply, sizeof(reply));
	if (result() != 8 || !same(reply, "written", 8))
		return 28;
	return 0;
}

/* One expires, and the others end with the process */
int test_silent32(int fd)
{
	static struct kmcl_stats stats = { .size = sizeof(stats) };
	static char reply[64];
	struct kmcl_request r;
	int i, ret = setup();

	if (ret)
		return ret;
	r = request_of("32 bits", 8, reply, sizeof(reply), 30000000);
	request(fd, &r);
	if (result() != -ETIME)
		return 30;
	r = request_of("32 bits", 8, reply, sizeof(reply), KMCL_NO_TIME_LIMIT);
	for (i = 0; i < 4; i++)
		request(fd, &r);
	if (call5(__NR_io_uring_enter, ring, 4, 0, 0, 0) != 4)
		return 31;
	if (call3(__NR_ioctl, fd, KMCL_IOC_GET_STATS, (long)&stats) ||
	    stats.queued != 4)
		return 32;
	return 0;
}
