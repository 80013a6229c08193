// SPDX-License-Identifier: GPL-2.0
/*
 * The calls, with arguments of which some are wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <linux/kmcl.h>

#include "random_calls.h"

#define FILES	4

const char *device;
unsigned char buffer[BUFFER];
static int files[FILES] = { -1, -1, -1, -1 };
static int events = -1, epoll = -1;

static int open_device(void)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR, O_RDWR };

	return open(device, modes[below(4)] | O_CLOEXEC |
		    (below(2) ? O_NONBLOCK : 0));
}

/* One of the open files of the device; sometimes none */
int device_file(void)
{
	int *file = &files[below(FILES)];

	if (*file < 0 && below(10))
		*file = open_device();
	return *file;
}

/* Now and then one where there is no memory */
void *some_buffer(void)
{
	return below(50) ? buffer : (void *)16;
}

size_t some_length(void)
{
	switch (below(10)) {
	case 0:
		return 0;
	case 1:
		return below(BUFFER);
	case 2:
		return 1UL << below(40);
	default:
		return 8 * (1 + below(64));
	}
}

static long do_open(void)
{
	int *file = &files[below(FILES)];

	if (*file >= 0)
		close(*file);
	*file = open_device();
	return *file;
}

static long do_close(void)
{
	int *file = &files[below(FILES)];
	int fd = *file;

	*file = -1;
	return fd >= 0 ? close(fd) : 0;
}

/* What is read and written may be longer than @buffer: that must fail */
static long do_read(void)
{
	return read(device_file(), some_buffer(), some_length() % BUFFER);
}

static long do_write(void)
{
	return write(device_file(), some_buffer(), some_length());
}

static long do_readv(void)
{
	struct iovec parts[3] = {
		{ buffer, below(100) }, { some_buffer(), below(1000) },
		{ buffer, below(4096) },
	};

	return readv(device_file(), parts, below(4));
}

static long do_writev(void)
{
	struct iovec parts[3] = {
		{ buffer, below(100) }, { some_buffer(), below(1000) },
		{ buffer, below(200) },
	};

	return writev(device_file(), parts, below(4));
}

static long do_pread(void)
{
	return pread(device_file(), buffer, 64, below(1000));
}

static long do_fsync(void)
{
	return below(2) ? fsync(device_file()) : fdatasync(device_file());
}

static long do_poll(void)
{
	struct pollfd what[2] = {
		{ .fd = device_file(), .events = POLLIN | POLLOUT | POLLPRI },
		{ .fd = events, .events = POLLIN },
	};

	return poll(what, 2, below(30));
}

static long do_epoll(void)
{
	struct epoll_event event = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP |
			  (below(2) ? EPOLLET : 0) |
			  (below(3) ? 0 : EPOLLONESHOT),
	};

	if (epoll < 0 || !below(20)) {
		if (epoll >= 0)
			close(epoll);
		epoll = epoll_create1(EPOLL_CLOEXEC);
		return epoll;
	}
	if (below(2))
		return epoll_wait(epoll, &event, 1, below(10));
	return epoll_ctl(epoll, 1 + below(3), device_file(), &event);
}

static long do_flags(void)
{
	int fd = device_file();
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? flags : fcntl(fd, F_SETFL, flags ^ O_NONBLOCK);
}

static long do_seek(void)
{
	return lseek(device_file(), below(100), SEEK_SET);
}

static long do_map(void)
{
	void *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, device_file(), 0);

	if (map == MAP_FAILED)
		return -1;
	unexpected("the device was mapped, address", (long)map);
	return munmap(map, 4096);
}

static long do_splice(void)
{
	int ends[2], error;
	long ret;

	if (pipe(ends))
		return -1;
	ret = splice(device_file(), NULL, ends[1], NULL, 64, SPLICE_F_NONBLOCK);
	error = errno;
	close(ends[0]);
	close(ends[1]);
	errno = error;
	return ret;
}

static long do_length(void)
{
	return ioctl(device_file(), FIONREAD, some_buffer());
}

static long do_info(void)
{
	/* The kernel writes as much as it is told */
	union {
		struct kmcl_info info;
		unsigned char bytes[300];
	} all = { .info.size = below(10) ? sizeof(all.info) : below(sizeof(all)) };

	return ioctl(device_file(), KMCL_IOC_GET_INFO, &all);
}

static long do_stats(void)
{
	struct kmcl_stats stats = {
		.size = below(10) ? sizeof(stats) : below(sizeof(stats)),
	};

	return ioctl(device_file(), KMCL_IOC_GET_STATS, &stats);
}

static long do_mode(void)
{
	struct kmcl_mode mode = { .size = sizeof(mode), .flags = below(3) };

	return ioctl(device_file(), KMCL_IOC_SET_MODE, &mode);
}

static long do_limits(void)
{
	struct kmcl_limits limits = {
		.size = sizeof(limits),
		.queue_packets = below(40),
		.queue_bytes = below(10) ? below(1 << 20) : -1UL,
	};

	return ioctl(device_file(), below(2) ? KMCL_IOC_GET_LIMITS :
					       KMCL_IOC_SET_LIMITS, &limits);
}

static long do_request(void)
{
	struct kmcl_request request = {
		.size = sizeof(request),
		.data = (unsigned long)some_buffer(),
		.reply = (unsigned long)some_buffer(),
		.data_len = some_length(),
		.reply_len = below(3) ? BUFFER : below(64),
		.timeout_ns = below(4) ? (long)below(20000000) :
					 -1 - (long)below(2),
	};

	return ioctl(device_file(), KMCL_IOC_REQUEST, &request);
}

static long do_state(void)
{
	return ioctl(device_file(), KMCL_IOC_ENABLE + below(4));
}

static long do_events(void)
{
	struct kmcl_event some[4];

	if (events < 0 || !below(10)) {
		if (events >= 0)
			close(events);
		events = ioctl(device_file(), KMCL_IOC_EVENTS,
			       below(4) ? O_NONBLOCK : 0);
		return events;
	}
	return read(events, some, below(sizeof(some)));
}

static long do_wrong_ioctl(void)
{
	return ioctl(device_file(), (below(4) ? KMCL_IOC_MAGIC << 8 : 0x1200) |
		     (0x10 + below(200)), some_buffer());
}

/*
 * EBADF: no file, or one that is open for the other direction. ENODEV, ENOTCONN:
 * see Documentation/ABI/testing/dev-kmcl.
 */
const struct random_call random_calls[] = {
	{ "open", do_open, { ENODEV, ENXIO, ENOENT } },
	{ "close", do_close, { 0 } },
	{ "read", do_read, { EBADF, ENODEV, ENOTCONN, EAGAIN, EINTR, EMSGSIZE, EFAULT } },
	{ "read again", do_read, { EBADF, ENODEV, ENOTCONN, EAGAIN, EINTR, EMSGSIZE, EFAULT } },
	{ "write", do_write, { EBADF, ENODEV, ENOTCONN, EAGAIN, EINTR, EMSGSIZE, EFAULT } },
	{ "write again", do_write, { EBADF, ENODEV, ENOTCONN, EAGAIN, EINTR, EMSGSIZE, EFAULT } },
	{ "readv", do_readv, { EBADF, ENODEV, ENOTCONN, EAGAIN, EINTR, EMSGSIZE, EFAULT } },
	{ "writev", do_writev, { EBADF, ENODEV, ENOTCONN, EAGAIN, EINTR, EMSGSIZE, EFAULT } },
	{ "pread", do_pread, { EBADF, ENODEV, ENOTCONN, EAGAIN, EINTR, EMSGSIZE, ESPIPE } },
	{ "fsync", do_fsync, { EBADF, ENODEV, ENOTCONN, EIO, EINTR } },
	{ "poll", do_poll, { EINTR } },
	{ "epoll", do_epoll, { EBADF, EINTR, EEXIST, ENOENT } },
	{ "fcntl", do_flags, { EBADF } },
	{ "lseek", do_seek, { EBADF, ESPIPE } },
	{ "mmap", do_map, { EBADF, EACCES, ENODEV } },
	{ "splice", do_splice, { EBADF, ENODEV, ENOTCONN, EAGAIN, EINTR, EINVAL, EMSGSIZE } },
	{ "FIONREAD", do_length, { EBADF, ENODEV, EFAULT } },
	{ "info", do_info, { EBADF, ENODEV, EINVAL } },
	{ "stats", do_stats, { EBADF, ENODEV, EINVAL } },
	{ "mode", do_mode, { EBADF, ENODEV, EINVAL } },
	{ "limits", do_limits, { EBADF, ENODEV, EINVAL, EPERM, EINTR } },
	{ "request", do_request, { EBADF, ENODEV, ENOTCONN, EAGAIN, EINTR, ETIME, ECANCELED,
				   ENOSPC, EMSGSIZE, EFAULT, EINVAL } },
	{ "state", do_state, { EBADF, ENODEV, ENOTCONN, EINTR } },
	{ "events", do_events, { EBADF, ENODEV, EAGAIN, EINTR, EINVAL } },
	{ "ioctl", do_wrong_ioctl, { EBADF, ENODEV, ENOTTY } },
	{ "io_uring", uring_call, { EINTR, EAGAIN, EBUSY } },
};

const size_t random_calls_count = sizeof(random_calls) / sizeof(*random_calls);
