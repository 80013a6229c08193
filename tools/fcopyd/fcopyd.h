/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmcl-fcopyd: files that the host copies into this guest. Lowest layer first: log.c,
 * name.c, store.c, session.c, confine.c, device.c; main.c has the options.
 *
 * The daemon has one thread and one copy at a time. Everything that the host sends is
 * taken for hostile until it has been checked.
 */
#ifndef FCOPYD_H
#define FCOPYD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/hyperv.h>

/* Bytes of a path below the directory, and the 0 at its end */
#define PATH_BYTES	2048

/* log.c: like syslog(), to the journal or to standard error */
void log_line(int priority, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* name.c */
int name_from_host(const void *units, char *to, size_t size);
bool name_is_file(const char *name);
int name_below(const char *directory, const char *path, char *below,
	       size_t size);

/**
 * struct store - where files may go, and how much of them
 * @path:	the directory, without symbolic links
 * @fd:		the same
 * @max_bytes:	of a file
 * @keep_free:	bytes that must stay free on the file system
 * @mode:	of the files
 */
struct store {
	char path[PATH_BYTES];
	int fd;
	uint64_t max_bytes, keep_free;
	mode_t mode;
};

/**
 * struct copy - a file that is being copied, which has no name until it is complete
 * @fd:		the file; -1: there is no copy
 * @dir_fd:	the directory that it goes to
 * @name:	what it will be called there
 * @place:	the same with its path below the store, for messages
 * @overwrite:	it may replace another file
 * @bytes:	how long it will be
 * @done:	how much of that is there
 */
struct copy {
	int fd, dir_fd;
	char name[256], place[PATH_BYTES + 256];
	bool overwrite;
	uint64_t bytes, done;
};

/* store.c; what returns uint32_t returns HV_S_OK, or the error for the host */
int store_open(struct store *store, const char *path);
uint32_t copy_begin(struct copy *copy, const struct store *store,
		    const char *path, const char *name, uint32_t flags,
		    uint64_t bytes);
uint32_t copy_write(struct copy *copy, uint64_t offset, const void *data,
		    uint32_t bytes);
uint32_t copy_complete(struct copy *copy, const struct store *store);
void copy_drop(struct copy *copy, const char *why);

/**
 * struct session - a connection with the host, from one opening of the channel on
 * @negotiated:	the versions are known; nothing else is answered before that
 */
struct session {
	const struct store *store;
	struct copy copy;
	bool negotiated;
};

/* session.c */
void session_init(struct session *session, const struct store *store);
void session_end(struct session *session, const char *why);
size_t session_answer(struct session *session, void *message, size_t bytes);

/* confine.c */
int confine(const struct store *store, const char *user);

/* device.c */
int device_run(int fd, struct session *session, volatile sig_atomic_t *stop);

#endif
