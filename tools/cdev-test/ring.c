// SPDX-License-Identifier: GPL-2.0
/*
 * io_uring by its system calls: a queue of a few entries.
 */
#include <linux/io_uring.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "test.h"

#define ENTRIES	64

struct ring {
	int fd;
	struct io_uring_params p;
	void *sq, *cq;
	size_t sq_bytes, cq_bytes;
	struct io_uring_sqe *sqes;
	unsigned int pending;
};

static unsigned int *at(void *map, unsigned int offset)
{
	return (unsigned int *)((char *)map + offset);
}

static void *map(struct ring *ring, size_t bytes, off_t offset)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, ring->fd, offset);

	if (p == MAP_FAILED)
		die("mmap");
	return p;
}

struct ring *ring_new(void)
{
	struct ring *ring = calloc(1, sizeof(*ring));

	if (!ring)
		die("calloc");
	ring->fd = syscall(__NR_io_uring_setup, ENTRIES, &ring->p);
	if (ring->fd < 0)
		die("io_uring_setup");
	ring->sq_bytes = ring->p.sq_off.array + ENTRIES * sizeof(unsigned int);
	ring->cq_bytes = ring->p.cq_off.cqes +
			 ring->p.cq_entries * sizeof(struct io_uring_cqe);
	ring->sq = map(ring, ring->sq_bytes, IORING_OFF_SQ_RING);
	ring->cq = map(ring, ring->cq_bytes, IORING_OFF_CQ_RING);
	ring->sqes = map(ring, ENTRIES * sizeof(*ring->sqes), IORING_OFF_SQES);
	return ring;
}

/* This process, and the workers of the ring, on the first processor */
void ring_one_cpu(struct ring *ring)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (sched_setaffinity(0, sizeof(first), &first) ||
	    syscall(__NR_io_uring_register, ring->fd, IORING_REGISTER_IOWQ_AFF,
		    &first, sizeof(first)))
		die("one processor");
}

void ring_free(struct ring *ring)
{
	munmap(ring->sqes, ENTRIES * sizeof(*ring->sqes));
	munmap(ring->sq, ring->sq_bytes);
	munmap(ring->cq, ring->cq_bytes);
	close(ring->fd);
	free(ring);
}

static struct io_uring_sqe *next(struct ring *ring, int op, int fd, uint64_t id)
{
	unsigned int *tail = at(ring->sq, ring->p.sq_off.tail);
	unsigned int i = *tail % ENTRIES;
	struct io_uring_sqe *sqe = &ring->sqes[i];

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = op;
	sqe->fd = fd;
	sqe->user_data = id;
	at(ring->sq, ring->p.sq_off.array)[i] = i;
	ring->pending++;
	return sqe;
}

static void added(struct ring *ring)
{
	unsigned int *tail = at(ring->sq, ring->p.sq_off.tail);

	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
}

void ring_read(struct ring *ring, int fd, void *buf, unsigned int len,
	       uint64_t id)
{
	struct io_uring_sqe *sqe = next(ring, IORING_OP_READ, fd, id);

	sqe->addr = (uintptr_t)buf;
	sqe->len = len;
	added(ring);
}

void ring_write(struct ring *ring, int fd, const void *buf, unsigned int len,
		uint64_t id)
{
	struct io_uring_sqe *sqe = next(ring, IORING_OP_WRITE, fd, id);

	sqe->addr = (uintptr_t)buf;
	sqe->len = len;
	added(ring);
}

void ring_fsync(struct ring *ring, int fd, uint64_t id)
{
	next(ring, IORING_OP_FSYNC, fd, id);
	added(ring);
}

/* Cancels the operation @target */
void ring_cancel(struct ring *ring, uint64_t target, uint64_t id)
{
	next(ring, IORING_OP_ASYNC_CANCEL, -1, id)->addr = target;
	added(ring);
}

void ring_poll(struct ring *ring, int fd, unsigned int events, uint64_t id)
{
	struct io_uring_sqe *sqe = next(ring, IORING_OP_POLL_ADD, fd, id);

	sqe->poll32_events = events;
	added(ring);
}

void ring_request(struct ring *ring, int fd, struct kmcl_request *r,
		  uint64_t id)
{
	struct io_uring_sqe *sqe = next(ring, IORING_OP_URING_CMD, fd, id);
	uint64_t user = (uintptr_t)r;

	/* cmd_op, and cmd of the entry, which older headers lack */
	sqe->off = KMCL_IOC_REQUEST;
	memcpy((char *)sqe + 48, &user, sizeof(user));
	added(ring);
}

int ring_submit(struct ring *ring)
{
	int ret = syscall(__NR_io_uring_enter, ring->fd, ring->pending, 0, 0,
			  NULL, 0);

	ring->pending = 0;
	return ret;
}

static bool take(struct ring *ring, uint64_t *id, int *res)
{
	unsigned int *head = at(ring->cq, ring->p.cq_off.head);
	unsigned int *tail = at(ring->cq, ring->p.cq_off.tail);
	struct io_uring_cqe *cqe;

	if (*head == __atomic_load_n(tail, __ATOMIC_ACQUIRE))
		return false;
	cqe = (struct io_uring_cqe *)at(ring->cq, ring->p.cq_off.cqes);
	cqe += *head & (ring->p.cq_entries - 1);
	*id = cqe->user_data;
	*res = cqe->res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return true;
}

bool ring_result(struct ring *ring, int ms, uint64_t *id, int *res)
{
	long end = now_ms() + ms;

	while (!take(ring, id, res)) {
		if (now_ms() >= end)
			return false;
		/* Runs what completes in this task */
		usleep(1000);
	}
	return true;
}
