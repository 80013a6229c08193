// SPDX-License-Identifier: GPL-2.0
/*
 * A character device of kmcl_cdev through io_uring: one system call hands over all
 * writes and reads, and waits for them.
 */
#include <err.h>
#include <fcntl.h>
#include <liburing.h>
#include <string.h>
#include <unistd.h>

#include "echo_bench.h"

#define READ	1UL	/* of the user data, beside the index */

static int fd;
static struct io_uring ring;
static uint8_t out[ECHO_BURST][ECHO_BYTES], in[ECHO_BURST][ECHO_BYTES];

static void uring_open(const char *path)
{
	int ret;

	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	ret = io_uring_queue_init(2 * ECHO_BURST, &ring, 0);
	if (!ret)
		ret = io_uring_register_files(&ring, &fd, 1);
	if (ret)
		errx(1, "io_uring: %s", strerror(-ret));
}

static void uring_close(void)
{
	io_uring_queue_exit(&ring);
	close(fd);
}

static void add(unsigned long index, unsigned long kind)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!sqe)
		errx(1, "the ring of io_uring is full");
	/* The device is the first of the registered files */
	if (kind == READ)
		io_uring_prep_read(sqe, 0, in[index], ECHO_BYTES, 0);
	else
		io_uring_prep_write(sqe, 0, out[index], ECHO_BYTES, 0);
	io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
	io_uring_sqe_set_data64(sqe, index << 1 | kind);
}

static void uring_exchange(uint64_t first, unsigned int count)
{
	struct io_uring_cqe *cqe;
	unsigned int i;
	uint64_t what, number, seen = 0;
	int ret;

	for (i = 0; i < count; i++) {
		echo_fill(out[i], first + i);
		add(i, 0);
	}
	for (i = 0; i < count; i++)
		add(i, READ);
	ret = io_uring_submit_and_wait(&ring, 2 * count);
	if (ret < 0)
		errx(1, "io_uring: %s", strerror(-ret));
	for (i = 0; i < 2 * count; i++) {
		ret = io_uring_wait_cqe(&ring, &cqe);
		if (ret)
			errx(1, "io_uring: %s", strerror(-ret));
		what = io_uring_cqe_get_data64(cqe);
		if (cqe->res != ECHO_BYTES)
			errx(1, "io_uring: a %s of %d bytes gave %d",
			     what & READ ? "read" : "write", ECHO_BYTES,
			     cqe->res);
		/* Reads that wait may end in another order */
		if (what & READ) {
			memcpy(&number, in[what >> 1], sizeof(number));
			if (number - first >= count || seen >> (number - first) & 1)
				errx(1, "%llu came back: not one of %u from %llu on, or again",
				     (unsigned long long)number, count,
				     (unsigned long long)first);
			seen |= 1ULL << (number - first);
		}
		io_uring_cqe_seen(&ring, cqe);
	}
}

const struct echo_way echo_uring = {
	.name = "uring",
	.open = uring_open,
	.exchange = uring_exchange,
	.close = uring_close,
};
