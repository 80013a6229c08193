// SPDX-License-Identifier: GPL-2.0
/*
 * The same through io_uring: up to ENTRIES operations are in progress, and the ring
 * is closed now and then with them.
 */
#include <err.h>
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <linux/kmcl.h>

#include "random_calls.h"

#define ENTRIES	16

enum kind { READ, WRITE, REQUEST, POLL, SYNC, CANCEL, KINDS };

static const struct {
	const char *name;
	int errnos[ERRNOS];
} ends[] = {
	[READ] = { "io_uring read", { EBADF, ENODEV, ENOTCONN, EMSGSIZE, EFAULT,
				      EAGAIN, EINTR, ECANCELED } },
	[WRITE] = { "io_uring write", { EBADF, ENODEV, ENOTCONN, EMSGSIZE, EFAULT,
					EAGAIN, EINTR, ECANCELED } },
	/* EOPNOTSUPP: a kernel without commands of io_uring */
	[REQUEST] = { "io_uring request", { EBADF, ENODEV, ENOTCONN, EMSGSIZE,
					    EFAULT, EAGAIN, EINTR, ECANCELED,
					    ETIME, ENOSPC, EINVAL, EOPNOTSUPP } },
	[POLL] = { "io_uring poll", { EBADF, ECANCELED } },
	/*
	 * EINVAL: a worker looks up the file, whose number may be another's by then,
	 * such as that of an event descriptor
	 */
	[SYNC] = { "io_uring fsync", { EBADF, ENODEV, ENOTCONN, EIO, EINTR,
				       ECANCELED, EINVAL } },
	[CANCEL] = { "io_uring cancel", { ENOENT, EALREADY } },
};

static struct io_uring ring;
static bool ready;
static unsigned int in_progress;
/* Of requests in progress: what they write belongs to them */
static struct kmcl_request requests[ENTRIES];
static unsigned char replies[ENTRIES][256];

static void check_end(unsigned int kind, int result)
{
	int i;

	if (result >= 0)
		return;
	for (i = 0; i < ERRNOS && ends[kind].errnos[i]; i++)
		if (-result == ends[kind].errnos[i])
			return;
	unexpected(ends[kind].name, result);
}

static void reap(void)
{
	struct io_uring_cqe *cqe;

	while (ready && !io_uring_peek_cqe(&ring, &cqe)) {
		check_end(io_uring_cqe_get_data64(cqe), cqe->res);
		io_uring_cqe_seen(&ring, cqe);
		in_progress--;
	}
}

void uring_end(void)
{
	if (ready)
		io_uring_queue_exit(&ring);
	ready = false;
	in_progress = 0;
}

static void prepare(struct io_uring_sqe *sqe, enum kind kind)
{
	unsigned int slot = below(ENTRIES);
	struct kmcl_request *request = &requests[slot];

	switch (kind) {
	case READ:
		io_uring_prep_read(sqe, device_file(), some_buffer(),
				   some_length() % BUFFER, below(2) ? 0 : -1);
		break;
	case WRITE:
		io_uring_prep_write(sqe, device_file(), some_buffer(),
				    some_length() % BUFFER, 0);
		break;
	case REQUEST:
		*request = (struct kmcl_request) {
			.size = sizeof(*request),
			.data = (unsigned long)some_buffer(),
			.reply = (unsigned long)replies[slot],
			.data_len = below(200),
			.reply_len = below(sizeof(replies[slot])),
			.timeout_ns = below(2) ? (long)below(20000000) : -1,
		};
		io_uring_prep_rw(IORING_OP_URING_CMD, sqe, device_file(), NULL,
				 0, 0);
		sqe->cmd_op = KMCL_IOC_REQUEST;
		*(__u64 *)sqe->cmd = (unsigned long)request;
		break;
	case POLL:
		io_uring_prep_poll_add(sqe, device_file(), POLLIN | POLLPRI);
		break;
	case SYNC:
		io_uring_prep_fsync(sqe, device_file(), 0);
		break;
	default:
		io_uring_prep_cancel64(sqe, below(KINDS), 0);
		break;
	}
	io_uring_sqe_set_data64(sqe, kind);
}

long uring_call(void)
{
	struct io_uring_sqe *sqe;
	int ret;

	reap();
	if (!ready || !below(30)) {
		uring_end();
		ret = io_uring_queue_init(ENTRIES, &ring, 0);
		if (ret) {
			errno = -ret;
			return -1;
		}
		ready = true;
	}
	if (in_progress >= ENTRIES)
		return 0;
	sqe = io_uring_get_sqe(&ring);
	if (!sqe)
		return 0;
	prepare(sqe, below(KINDS));
	ret = io_uring_submit(&ring);
	if (ret < 0) {
		errno = -ret;
		return -1;
	}
	in_progress += ret;
	return ret;
}
