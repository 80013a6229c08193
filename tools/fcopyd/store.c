// SPDX-License-Identifier: GPL-2.0
/*
 * The files: below one directory, and nowhere else.
 *
 * The kernel resolves each path, beneath the directory and through no symbolic link
 * (openat2()). A file has no name until all of it is there and on the disk, so that
 * whatever ends a copy, also a SIGKILL or the end of the power, leaves nothing of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <syslog.h>
#include <unistd.h>

#include "fcopyd.h"

static int open_beneath(int dir_fd, const char *path)
{
	struct open_how how = {
		.flags = O_DIRECTORY | O_RDONLY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));
}

/**
 * store_open() - find the directory
 * Return: 0; -1 with errno
 */
int store_open(struct store *store, const char *path)
{
	char *real = realpath(path, NULL);
	int length;

	if (!real)
		return -1;
	length = snprintf(store->path, sizeof(store->path), "%s", real);
	free(real);
	if (length >= (int)sizeof(store->path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	store->fd = open(store->path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	return store->fd < 0 ? -1 : 0;
}

static uint32_t error_of(int error)
{
	switch (error) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return HV_ERROR_DISK_FULL;
	case EEXIST:
		return HV_ERROR_ALREADY_EXISTS;
	default:
		return HV_E_FAIL;
	}
}

/* Open a directory below another one, and make what there is not of it. */
static int make_beneath(int dir_fd, const char *path)
{
	char copy[PATH_BYTES], *name, *save = NULL;
	int fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0), below;

	snprintf(copy, sizeof(copy), "%s", path);
	for (name = strtok_r(copy, "/", &save); name && fd >= 0;
	     name = strtok_r(NULL, "/", &save)) {
		if (mkdirat(fd, name, 0755) && errno != EEXIST) {
			close(fd);
			return -1;
		}
		below = open_beneath(fd, name);
		close(fd);
		fd = below;
	}
	return fd;
}

/* Whether the limits allow it, in the directory that it goes to */
static uint32_t has_room(const struct copy *copy, const struct store *store)
{
	struct statvfs fs;
	uint64_t free;

	if (copy->bytes > store->max_bytes) {
		log_line(LOG_WARNING, "%s: refused: %" PRIu64 " bytes, more than %" PRIu64,
			 copy->place, copy->bytes, store->max_bytes);
		return HV_ERROR_DISK_FULL;
	}
	if (fstatvfs(copy->dir_fd, &fs))
		return HV_E_FAIL;
	free = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (free < store->keep_free || free - store->keep_free < copy->bytes) {
		log_line(LOG_WARNING, "%s: refused: %" PRIu64 " bytes, and %" PRIu64 " are free",
			 copy->place, copy->bytes, free);
		return HV_ERROR_DISK_FULL;
	}
	return HV_S_OK;
}

/* Only a file is ever replaced, and only if that was asked for. */
static uint32_t may_replace(const struct copy *copy)
{
	struct stat st;

	if (fstatat(copy->dir_fd, copy->name, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? HV_S_OK : HV_E_FAIL;
	if (!S_ISREG(st.st_mode)) {
		log_line(LOG_WARNING, "%s: refused: there is something that is no file",
			 copy->place);
		return HV_E_FAIL;
	}
	return copy->overwrite ? HV_S_OK : HV_ERROR_ALREADY_EXISTS;
}

static uint32_t make_file(struct copy *copy)
{
	copy->fd = openat(copy->dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC,
			  0600);
	if (copy->fd < 0) {
		log_line(LOG_ERR, "%s: cannot create a file: %m", copy->place);
		return error_of(errno);
	}
	/* Some file systems cannot do that in advance. */
	if (copy->bytes &&
	    fallocate(copy->fd, FALLOC_FL_KEEP_SIZE, 0, copy->bytes) &&
	    errno != EOPNOTSUPP) {
		log_line(LOG_ERR, "%s: no room for %" PRIu64 " bytes: %m",
			 copy->place, copy->bytes);
		return error_of(errno);
	}
	return HV_S_OK;
}

static void forget(struct copy *copy)
{
	if (copy->fd >= 0)
		close(copy->fd);
	if (copy->dir_fd >= 0)
		close(copy->dir_fd);
	copy->fd = -1;
	copy->dir_fd = -1;
}

/**
 * copy_begin() - a file begins
 * @path:	below the store's directory
 * @name:	in @path
 * @flags:	the host's: OVER_WRITE, CREATE_PATH
 */
uint32_t copy_begin(struct copy *copy, const struct store *store,
		    const char *path, const char *name, uint32_t flags,
		    uint64_t bytes)
{
	uint32_t status;

	copy->overwrite = flags & OVER_WRITE;
	copy->bytes = bytes;
	copy->done = 0;
	snprintf(copy->name, sizeof(copy->name), "%s", name);
	snprintf(copy->place, sizeof(copy->place), "%s/%s", path, name);
	copy->dir_fd = open_beneath(store->fd, path);
	if (copy->dir_fd < 0 && errno == ENOENT && flags & CREATE_PATH)
		copy->dir_fd = make_beneath(store->fd, path);
	if (copy->dir_fd < 0) {
		log_line(LOG_WARNING, "%s: refused: no such directory: %m",
			 copy->place);
		return error_of(errno);
	}
	status = has_room(copy, store);
	if (!status)
		status = may_replace(copy);
	if (!status)
		status = make_file(copy);
	if (status)
		forget(copy);
	return status;
}

/**
 * copy_write() - the next part of it
 *
 * Parts come one after the other, and are not more than was announced. Otherwise there
 * could be holes, and nobody would know when the file is complete.
 */
uint32_t copy_write(struct copy *copy, uint64_t offset, const void *data,
		    uint32_t bytes)
{
	const char *from = data;
	ssize_t n;

	if (copy->fd < 0)
		return HV_E_FAIL;
	if (offset != copy->done || bytes > copy->bytes - copy->done) {
		log_line(LOG_WARNING,
			 "%s: %" PRIu32 " bytes at %" PRIu64 ", after %" PRIu64 " of %" PRIu64,
			 copy->place, bytes, offset, copy->done, copy->bytes);
		copy_drop(copy, "the host's data are wrong");
		return HV_E_FAIL;
	}
	while (bytes) {
		n = TEMP_FAILURE_RETRY(pwrite(copy->fd, from, bytes, copy->done));
		if (n <= 0) {
			uint32_t status = error_of(n ? errno : ENOSPC);

			log_line(LOG_ERR, "%s: cannot write: %m", copy->place);
			copy_drop(copy, "it could not be written");
			return status;
		}
		from += n;
		copy->done += n;
		bytes -= n;
	}
	return HV_S_OK;
}

static int link_as(const struct copy *copy, const char *name)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", copy->fd);
	return linkat(AT_FDCWD, self, copy->dir_fd, name, AT_SYMLINK_FOLLOW);
}

/* linkat() replaces nothing, but a file with a name can. */
static int replace(const struct copy *copy)
{
	char name[64];
	uint64_t number;
	int error;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -1;
	snprintf(name, sizeof(name), ".kmcl-fcopyd-%016" PRIx64, number);
	if (link_as(copy, name))
		return -1;
	if (!renameat(copy->dir_fd, name, copy->dir_fd, copy->name))
		return 0;
	error = errno;
	unlinkat(copy->dir_fd, name, 0);
	errno = error;
	return -1;
}

static uint32_t give_name(const struct copy *copy)
{
	uint32_t status;

	if (!link_as(copy, copy->name))
		return HV_S_OK;
	status = error_of(errno);
	if (errno == EEXIST)
		status = may_replace(copy);
	if (!status && replace(copy))
		status = error_of(errno);
	return status;
}

/**
 * copy_complete() - all of it has come: give it its name
 */
uint32_t copy_complete(struct copy *copy, const struct store *store)
{
	uint32_t status;

	if (copy->fd < 0)
		return HV_E_FAIL;
	if (copy->done != copy->bytes) {
		copy_drop(copy, "it ended too early");
		return HV_E_FAIL;
	}
	if (fchmod(copy->fd, store->mode) || fsync(copy->fd))
		status = error_of(errno);
	else
		status = give_name(copy);
	if (!status && fsync(copy->dir_fd))
		status = error_of(errno);
	if (status == HV_ERROR_ALREADY_EXISTS)
		log_line(LOG_WARNING, "%s: there is another one by now",
			 copy->place);
	else if (status)
		log_line(LOG_ERR, "%s: cannot be completed: %m", copy->place);
	else
		log_line(LOG_INFO, "%s: %" PRIu64 " bytes", copy->place,
			 copy->bytes);
	forget(copy);
	return status;
}

/**
 * copy_drop() - end a copy, if there is one; nothing is left of it
 */
void copy_drop(struct copy *copy, const char *why)
{
	if (copy->fd < 0)
		return;
	log_line(LOG_WARNING, "%s: dropped after %" PRIu64 " of %" PRIu64 " bytes: %s",
		 copy->place, copy->done, copy->bytes, why);
	forget(copy);
}
