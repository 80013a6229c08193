// SPDX-License-Identifier: GPL-2.0
/*
 * Messages and a request through io_uring, to a host that sends back what it gets:
 *
 *	uring /dev/kmcl/NAME
 *
 * See Documentation/uring.rst.
 */
#include <err.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/kmcl.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGES = 8, BYTES = 16, REQUEST = 100 };

static struct io_uring ring;
static char out[MESSAGES][BYTES], in[MESSAGES][BYTES];

static struct io_uring_sqe *next(unsigned long number)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!sqe)
		errx(1, "the queue is full");
	io_uring_sqe_set_data64(sqe, number);
	return sqe;
}

/* All writes and all reads with one call; the host is signalled once */
static void prepare_messages(int fd)
{
	int i;

	for (i = 0; i < MESSAGES; i++) {
		snprintf(out[i], BYTES, "message%d", i + 1);
		io_uring_prep_write(next(i), fd, out[i], BYTES, 0);
	}
	for (i = 0; i < MESSAGES; i++)
		io_uring_prep_read(next(MESSAGES + i), fd, in[i], BYTES, 0);
}

/* A command, whose first 8 bytes are a pointer to what the ioctl has */
static void prepare_request(int fd, struct kmcl_request *request)
{
	struct io_uring_sqe *sqe = next(REQUEST);
	__u64 pointer = (unsigned long)request;

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	io_uring_sqe_set_data64(sqe, REQUEST);
	sqe->cmd_op = KMCL_IOC_REQUEST;
	memcpy(sqe->cmd, &pointer, sizeof(pointer));
}

static void complete(unsigned int count, const char *answer)
{
	struct io_uring_cqe *cqe;
	unsigned long number;

	for (; count; count--) {
		if (io_uring_wait_cqe(&ring, &cqe))
			errx(1, "waiting for io_uring");
		number = io_uring_cqe_get_data64(cqe);
		if (cqe->res < 0)
			errx(1, "number %lu: %s", number, strerror(-cqe->res));
		if (number == REQUEST)
			printf("answer: %.*s\n", cqe->res, answer);
		else if (number >= MESSAGES)
			printf("read: %.*s\n", cqe->res, in[number - MESSAGES]);
		io_uring_cqe_seen(&ring, cqe);
	}
}

int main(int argc, char **argv)
{
	static char question[BYTES] = "question", answer[BYTES];
	struct kmcl_request request = {
		.size = sizeof(request),
		.data = (unsigned long)question, .data_len = sizeof(question),
		.reply = (unsigned long)answer, .reply_len = sizeof(answer),
		.timeout_ns = 5000000000LL,
	};
	int fd = argc == 2 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		err(1, "usage: uring /dev/kmcl/NAME");
	if (io_uring_queue_init(64, &ring, 0) < 0)
		errx(1, "there is no io_uring");
	prepare_messages(fd);
	if (io_uring_submit_and_wait(&ring, 2 * MESSAGES) < 0)
		errx(1, "submitting messages");
	complete(2 * MESSAGES, NULL);
	prepare_request(fd, &request);
	if (io_uring_submit_and_wait(&ring, 1) < 0)
		errx(1, "submitting a request");
	complete(1, answer);
	io_uring_queue_exit(&ring);
	return 0;
}
