// SPDX-License-Identifier: GPL-2.0
/*
 * The contents of a file that is copied to the guest: a file of this machine, or bytes
 * that a seed determines. A local file is read under vm->lock.
 *
 * Serialised by vm->lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ic.h"
#include "random.h"

/* A regular file, as others may never end; else -1 */
static int open_regular(const char *path, uint64_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -1;
	}
	*bytes = st.st_size;
	return fd;
}

/**
 * file_there() - whether a behaviour's file can be read
 */
bool file_there(const struct behaviour *behaviour)
{
	uint64_t bytes;
	int fd;

	if (!*behaviour->file)
		return true;
	fd = open_regular(behaviour->file, &bytes);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/**
 * file_bytes() - its length
 * Return: 0; -1 if it cannot be read
 */
int file_bytes(const struct behaviour *behaviour, uint64_t *bytes)
{
	int fd;

	*bytes = behaviour->bytes;
	if (!*behaviour->file)
		return 0;
	fd = open_regular(behaviour->file, bytes);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static void make_bytes(uint64_t seed, uint64_t offset, uint8_t *to,
		       uint32_t bytes)
{
	for (; bytes; bytes--, offset++) {
		uint64_t state = seed + offset / 8;

		*to++ = random_next(&state) >> offset % 8 * 8;
	}
}

/**
 * file_read() - a part of it
 * Return: 0; -1 if it is not there, or has become shorter
 */
int file_read(const struct behaviour *behaviour, uint64_t offset, uint8_t *to,
	      uint32_t bytes)
{
	uint64_t size;
	ssize_t n = 1;
	int fd;

	if (!*behaviour->file) {
		make_bytes(behaviour->seed, offset, to, bytes);
		return 0;
	}
	fd = open_regular(behaviour->file, &size);
	if (fd < 0)
		return -1;
	while (bytes && n > 0) {
		n = TEMP_FAILURE_RETRY(pread(fd, to, bytes, offset));
		if (n > 0) {
			to += n;
			offset += n;
			bytes -= n;
		}
	}
	close(fd);
	return bytes ? -1 : 0;
}
