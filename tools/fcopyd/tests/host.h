/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A host for the tests: it makes the messages, and a directory of its own for each test.
 * One thread.
 */
#ifndef HOST_H
#define HOST_H

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../vmbhost/tests/test.h"
#include "../fcopyd.h"

#define HEADER		20u	/* icmsg_hdr */

static char place[64];	/* has the directories "in" and "out" */
static struct store store;
static struct session session;
static uint8_t message[16384];
static size_t length;	/* of the message, and then of the answer */

static inline int remove_one(const char *path, const struct stat *st, int type,
			     struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline void end(void)
{
	session_end(&session, "the test ends");
	close(store.fd);
	nftw(place, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline char *at(const char *name)
{
	static char path[4][400];
	static unsigned int next;

	next = (next + 1) % 4;
	snprintf(path[next], sizeof(path[next]), "%s/%s", place, name);
	return path[next];
}

/* Entries of a directory */
static inline unsigned int entries(const char *name)
{
	DIR *dir = opendir(at(name));
	unsigned int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static inline void put(size_t offset, uint64_t value, size_t bytes)
{
	memcpy(message + offset, &value, bytes);
}

static inline uint64_t get(size_t offset, size_t bytes)
{
	uint64_t value = 0;

	memcpy(&value, message + offset, bytes);
	return value;
}

static inline void make(uint16_t type, size_t body)
{
	length = HEADER + body;
	memset(message, 0, sizeof(message));
	put(0, 3, 4);
	put(4, type, 2);
	put(6, 1 | 1 << 16, 4);
	put(10, body, 2);
	put(16, 77, 1);
	put(17, 3, 1);
}

/*
 * Have it answered, in memory of exactly its length, for the address sanitizer.
 * Return: the status; UINT64_MAX without an answer
 */
static inline uint64_t ask(void)
{
	uint8_t *copy = malloc(length ? length : 1);
	size_t bytes = length;

	memcpy(copy, message, length);
	length = session_answer(&session, copy, length);
	assert_true(!length || length == bytes);
	memcpy(message, copy, length);
	free(copy);
	if (!length)
		return UINT64_MAX;
	assert_true(get(16, 1) == 77 && get(17, 1) == 5);
	return get(12, 4);
}

static inline void make_negotiation(uint16_t frameworks, uint16_t versions,
				    const uint32_t *version, unsigned int count)
{
	make(0, 8 + 4 * count);
	put(HEADER, frameworks, 2);
	put(HEADER + 2, versions, 2);
	memcpy(message + HEADER + 8, version, 4 * count);
}

static inline void make_start(const char *path, const char *name, uint32_t flags,
			      uint64_t bytes)
{
	size_t i;

	make(7, sizeof(struct hv_start_fcopy));
	for (i = 0; name[i]; i++)
		put(HEADER + 36 + 2 * i, (unsigned char)name[i], 2);
	for (i = 0; path[i]; i++)
		put(HEADER + 556 + 2 * i, (unsigned char)path[i], 2);
	put(HEADER + 1076, flags, 4);
	put(HEADER + 1080, bytes, 8);
}

static inline uint64_t begin_file(const char *path, const char *name,
				  uint32_t flags, uint64_t bytes)
{
	make_start(path, name, flags, bytes);
	return ask();
}

static inline uint64_t write_part(uint64_t offset, const char *text)
{
	make(7, 52 + strlen(text));
	put(HEADER, WRITE_TO_FILE, 4);
	put(HEADER + 40, offset, 8);
	put(HEADER + 48, strlen(text), 4);
	memcpy(message + HEADER + 52, text, strlen(text));
	return ask();
}

static inline uint64_t operate(uint32_t operation)
{
	make(7, 36);
	put(HEADER, operation, 4);
	return ask();
}

static inline bool negotiate(void)
{
	static const uint32_t version[] = {
		3, 1, 1 | 1 << 16, 1,
	};

	make_negotiation(2, 2, version, 4);
	return ask() == HV_S_OK;
}

static inline void start(void)
{
	snprintf(place, sizeof(place), "/tmp/kmcl-fcopyd-XXXXXX");
	if (!mkdtemp(place) || mkdir(at("in"), 0755) || mkdir(at("out"), 0755))
		abort();
	memset(&store, 0, sizeof(store));
	store.max_bytes = 1 << 20;
	store.mode = 0640;
	assert_true(!store_open(&store, at("in")));
	session_init(&session, &store);
	assert_true(negotiate());
}

static inline bool contains(const char *name, const char *text)
{
	char buffer[256] = "";
	int fd = open(at(name), O_RDONLY);
	ssize_t n = read(fd, buffer, sizeof(buffer) - 1);

	close(fd);
	return n == (ssize_t)strlen(text) && !memcmp(buffer, text, n);
}

static inline bool there(const char *name)
{
	struct stat st;

	return !lstat(at(name), &st);
}

#endif
