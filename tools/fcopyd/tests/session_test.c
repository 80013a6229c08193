// SPDX-License-Identifier: GPL-2.0
/*
 * What the daemon answers to a host, and what is in the directory then; the host is made
 * of functions: see host.h. One thread.
 */
#include <sys/resource.h>

#include "host.h"

static void one_file(void)
{
	struct stat st;

	start();
	expect(begin_file("", "one", 0, 10) == HV_S_OK);
	expect(write_part(0, "01234") == HV_S_OK);
	/* Nobody sees it before it is complete. */
	expect(entries("in") == 0);
	expect(write_part(5, "56789") == HV_S_OK);
	expect(entries("in") == 0);
	expect(operate(COMPLETE_FCOPY) == HV_S_OK);
	expect(entries("in") == 1 && contains("in/one", "0123456789"));
	expect(!stat(at("in/one"), &st) && (st.st_mode & 07777) == 0640);
	/* Its end is not the end of another one. */
	expect(operate(COMPLETE_FCOPY) == HV_E_FAIL);
	/* An empty one, and one in a directory as the host names it */
	expect(begin_file(store.path, "empty", 0, 0) == HV_S_OK);
	expect(operate(COMPLETE_FCOPY) == HV_S_OK && contains("in/empty", ""));
	expect(entries("out") == 0);
	end();
}

static void versions(void)
{
	static const uint32_t old[] = { 1, 1 | 1 << 16 }, none[] = { 2, 3 };

	start();
	expect(get(HEADER, 4) == (1 | 1 << 16) && get(10, 2) == 16);
	expect(get(HEADER + 8, 4) == 3 && get(HEADER + 12, 4) == (1 | 1 << 16));
	make_negotiation(1, 1, old, 2);
	expect(ask() == HV_S_OK && get(HEADER + 8, 4) == 1);
	/* None in common, and after that nothing is answered. */
	make_negotiation(1, 1, none, 2);
	expect(ask() == HV_E_FAIL && !get(HEADER, 4));
	expect(operate(CANCEL_FCOPY) == UINT64_MAX);
	/* More than there are, also where the sum or product wraps around */
	make_negotiation(1, 2, old, 2);
	expect(ask() == HV_E_FAIL && !get(HEADER, 4));
	make_negotiation(UINT16_MAX, UINT16_MAX, old, 2);
	expect(ask() == HV_E_FAIL && !get(HEADER, 4));
	make_negotiation(0, 0, old, 0);
	expect(ask() == HV_E_FAIL);
	expect(negotiate());
	/* A new connection ends the copy of the old one. */
	expect(begin_file("", "one", 0, 5) == HV_S_OK);
	expect(negotiate());
	expect(write_part(0, "01234") == HV_E_FAIL && entries("in") == 0);
	end();
}

static void not_understood(void)
{
	size_t bytes;

	start();
	make(7, 36);
	put(HEADER, 99, 4);
	expect(ask() == HV_E_FAIL);
	make(9, 36);
	expect(ask() == HV_E_FAIL);
	make(7, 36);
	put(17, 5, 1);
	expect(ask() == UINT64_MAX);
	/* Each shorter than it can be */
	for (bytes = 0; bytes < HEADER; bytes++) {
		make(7, 0);
		length = bytes;
		expect(ask() == UINT64_MAX);
	}
	for (bytes = 0; bytes < sizeof(struct hv_start_fcopy); bytes += 7) {
		make_start("", "one", 0, 5);
		length = HEADER + bytes;
		expect(ask() == HV_E_FAIL);
	}
	expect(begin_file("", "one", 0, 5) == HV_S_OK);
	for (bytes = 0; bytes < 52; bytes++) {
		make(7, bytes);
		if (bytes >= 4)
			put(HEADER, WRITE_TO_FILE, 4);
		if (bytes >= 4)
			expect(ask() == HV_E_FAIL);
	}
	expect(entries("in") == 0);
	end();
}

/* Each refused, and nothing is made anywhere */
static void hostile_names(void)
{
	static const struct {
		const char *path, *name;
	} bad[] = {
		{ "", "" }, { "", "." }, { "", ".." }, { "", "a/b" },
		{ "", "../out/x" }, { "", "/etc/x" }, { "", "a\\b" },
		{ "", "a\nb" }, { "", "a\x1b[2J" }, { "", "a\x7f" },
		{ "", "a\x85" }, { "..", "x" }, { "../out", "x" }, { "a/..", "x" },
		{ "a/../../out", "x" }, { "/", "x" }, { "/etc", "x" },
		{ "/tmp", "x" }, { "C:\\in", "x" }, { "C:/in", "x" },
		{ "\\\\host\\in", "x" }, { "//host/in", "x" }, { "a\tb", "x" },
		{ "nowhere", "x" },
	};
	char long_name[260];
	unsigned int i;

	start();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint32_t flags = strcmp(bad[i].path, "nowhere") ? CREATE_PATH : 0;

		expect(begin_file(bad[i].path, bad[i].name, flags, 5) ==
		       HV_E_FAIL);
		expect(write_part(0, "01234") == HV_E_FAIL);
		expect(entries("in") == 0 && entries("out") == 0);
	}
	/* As the directory, but longer */
	snprintf(long_name, sizeof(long_name), "%.200sx", store.path);
	expect(begin_file(long_name, "x", CREATE_PATH, 5) == HV_E_FAIL);
	snprintf(long_name, sizeof(long_name), "%.200s/../out", store.path);
	expect(begin_file(long_name, "x", CREATE_PATH, 5) == HV_E_FAIL);
	/* 255 bytes are a name; what has 256, or no end, is none. */
	memset(long_name, 'n', sizeof(long_name));
	long_name[255] = 0;
	expect(begin_file("", long_name, 0, 5) == HV_S_OK);
	long_name[255] = 'n';
	long_name[256] = 0;
	expect(begin_file("", long_name, 0, 5) == HV_E_FAIL);
	make_start("", "one", 0, 5);
	for (i = 0; i < W_MAX_PATH; i++)
		put(HEADER + 36 + 2 * i, 'n', 2);
	expect(ask() == HV_E_FAIL);
	make_start("", "one", CREATE_PATH, 5);
	for (i = 0; i < W_MAX_PATH; i++)
		put(HEADER + 556 + 2 * i, i % 2 ? '/' : 'n', 2);
	expect(ask() == HV_E_FAIL);
	expect(entries("in") == 0 && entries("out") == 0);
	end();
}

/* Not ASCII: right as UTF-16 and not */
static void units(void)
{
	static const struct {
		uint16_t unit[3];
		const char *name;
	} text[] = {
		{ { 0xe4 }, "in/\xc3\xa4" }, { { 0x20ac }, "in/\xe2\x82\xac" },
		{ { 0xd83d, 0xde00 }, "in/\xf0\x9f\x98\x80" },
		{ { 0xd83d }, NULL }, { { 0xde00 }, NULL },
		{ { 0xde00, 0xd83d }, NULL }, { { 0xd83d, 'a' }, NULL },
	};
	unsigned int i;

	start();
	for (i = 0; i < sizeof(text) / sizeof(text[0]); i++) {
		make_start("", "", 0, 0);
		memcpy(message + HEADER + 36, text[i].unit, sizeof(text[i].unit));
		expect(ask() == (text[i].name ? HV_S_OK : HV_E_FAIL));
		if (text[i].name)
			expect(operate(COMPLETE_FCOPY) == HV_S_OK &&
			       there(text[i].name));
	}
	expect(entries("in") == 3);
	end();
}

static void links_are_not_followed(void)
{
	start();
	expect(!symlink("../out", at("in/dir")) && !mkdir(at("in/real"), 0755) &&
	       !symlink("../out/x", at("in/link")) &&
	       !symlink("real", at("in/inside")));
	expect(begin_file("dir", "x", CREATE_PATH, 0) == HV_E_FAIL);
	expect(begin_file("dir/sub", "x", CREATE_PATH, 0) == HV_E_FAIL);
	expect(begin_file("inside", "x", 0, 0) == HV_E_FAIL);
	expect(begin_file("", "link", OVER_WRITE, 0) == HV_E_FAIL);
	/* One that comes while it is copied */
	expect(begin_file("", "late", OVER_WRITE, 0) == HV_S_OK);
	expect(!symlink("../out/x", at("in/late")));
	expect(operate(COMPLETE_FCOPY) == HV_E_FAIL);
	expect(entries("out") == 0 && entries("in/real") == 0 &&
	       entries("in") == 5);
	end();
}

static void directories(void)
{
	start();
	expect(begin_file("a/b", "x", 0, 0) == HV_E_FAIL && entries("in") == 0);
	expect(begin_file("a//b/./c/", "x", CREATE_PATH, 0) == HV_S_OK);
	expect(operate(COMPLETE_FCOPY) == HV_S_OK && there("in/a/b/c/x"));
	expect(begin_file("a/b/c/x", "y", CREATE_PATH, 0) == HV_E_FAIL);
	expect(begin_file("a", "b", OVER_WRITE, 0) == HV_E_FAIL);
	expect(there("in/a/b/c/x"));
	end();
}

static void overwriting(void)
{
	start();
	expect(begin_file("", "x", 0, 3) == HV_S_OK);
	expect(!write_part(0, "old") && !operate(COMPLETE_FCOPY));
	expect(begin_file("", "x", 0, 3) == HV_ERROR_ALREADY_EXISTS);
	expect(begin_file("", "x", OVER_WRITE, 3) == HV_S_OK);
	expect(!write_part(0, "new") && contains("in/x", "old"));
	expect(!operate(COMPLETE_FCOPY) && contains("in/x", "new"));
	expect(entries("in") == 1);
	/* Another one had that name first. */
	expect(begin_file("", "y", 0, 3) == HV_S_OK && !write_part(0, "new"));
	expect(!close(open(at("in/y"), O_CREAT | O_WRONLY, 0600)));
	expect(operate(COMPLETE_FCOPY) == HV_ERROR_ALREADY_EXISTS);
	expect(contains("in/y", "") && entries("in") == 2);
	end();
}

static void limits(void)
{
	struct rlimit old, limit;

	start();
	expect(begin_file("", "x", 0, store.max_bytes + 1) == HV_ERROR_DISK_FULL);
	expect(begin_file("", "x", 0, UINT64_MAX) == HV_ERROR_DISK_FULL);
	expect(begin_file("", "x", 0, store.max_bytes) == HV_S_OK);
	store.keep_free = UINT64_MAX;
	expect(begin_file("", "x", 0, 1) == HV_ERROR_DISK_FULL);
	store.keep_free = 0;
	/* The disk's, in place of which there is a limit of the process */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	expect(begin_file("", "x", 0, 8192) == HV_S_OK);
	limit.rlim_cur = 4;
	setrlimit(RLIMIT_FSIZE, &limit);
	expect(write_part(0, "01234567") == HV_ERROR_DISK_FULL);
	setrlimit(RLIMIT_FSIZE, &old);
	expect(operate(COMPLETE_FCOPY) == HV_E_FAIL && entries("in") == 0);
	end();
}

/* After each of them there is no copy any more. */
static void wrong_data(void)
{
	static const struct {
		uint64_t offset;
		const char *text;
	} wrong[] = {
		{ 6, "x" }, { 4, "x" }, { 0, "x" }, { 10, "x" },
		{ UINT64_MAX, "x" }, { UINT64_MAX - 2, "xxxxx" },
		{ 1ull << 63, "x" }, { 5, "567890" },
	};
	unsigned int i;

	start();
	expect(write_part(0, "x") == HV_E_FAIL);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		expect(begin_file("", "x", 0, 10) == HV_S_OK);
		expect(write_part(0, "01234") == HV_S_OK);
		expect(write_part(wrong[i].offset, wrong[i].text) == HV_E_FAIL);
		expect(write_part(5, "56789") == HV_E_FAIL);
		expect(operate(COMPLETE_FCOPY) == HV_E_FAIL);
	}
	/* Its size is more than what is there. */
	for (i = 0; i < 3; i++) {
		static const uint32_t size[] = { 6, 0x7fffffff, UINT32_MAX };

		expect(begin_file("", "x", 0, 1 << 20) == HV_S_OK);
		make(7, 52 + 5);
		put(HEADER, WRITE_TO_FILE, 4);
		put(HEADER + 48, size[i], 4);
		expect(ask() == HV_E_FAIL && operate(COMPLETE_FCOPY) == HV_E_FAIL);
	}
	/* Too early */
	expect(begin_file("", "x", 0, 10) == HV_S_OK);
	expect(write_part(0, "01234") == HV_S_OK);
	expect(operate(COMPLETE_FCOPY) == HV_E_FAIL);
	expect(operate(CANCEL_FCOPY) == HV_S_OK && entries("in") == 0);
	end();
}

/* Open files of this process */
static unsigned int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* All the ways in which a copy ends leave no file, and none open. */
static void interrupted(void)
{
	unsigned int before;

	start();
	before = open_files();
	expect(!begin_file("", "x", 0, 10) && !write_part(0, "01234"));
	expect(operate(CANCEL_FCOPY) == HV_S_OK && open_files() == before);
	expect(!begin_file("", "x", 0, 10) && !write_part(0, "01234"));
	session_end(&session, "a rescind");
	expect(open_files() == before);
	/* What is read late is not answered, until the host negotiates. */
	expect(write_part(5, "56789") == UINT64_MAX);
	expect(operate(COMPLETE_FCOPY) == UINT64_MAX);
	expect(negotiate() && operate(COMPLETE_FCOPY) == HV_E_FAIL);
	expect(!begin_file("", "x", 0, 10) && !write_part(0, "01234"));
	expect(!begin_file("", "x", 0, 3) && !write_part(0, "new"));
	expect(!operate(COMPLETE_FCOPY) && contains("in/x", "new"));
	expect(open_files() == before && entries("in") == 1);
	end();
}

/* Right messages with wrong bytes in them, and nothing outside the directory */
static void random_messages(void)
{
	unsigned int seed = 1, round, i;

	start();
	expect(freopen("/dev/null", "w", stderr));
	for (round = 0; round < 100000; round++) {
		switch (rand_r(&seed) % 8) {
		case 0:
			negotiate();
			continue;
		case 1:
		case 2:
			make_start("a/b", "x", rand_r(&seed) % 4,
				   rand_r(&seed) % 20);
			break;
		case 3:
			make(7, 36);
			put(HEADER, rand_r(&seed) % 5, 4);
			break;
		default:
			make(7, 52 + 5);
			put(HEADER, WRITE_TO_FILE, 4);
			put(HEADER + 40, session.copy.done, 8);
			put(HEADER + 48, rand_r(&seed) % 7, 4);
			break;
		}
		for (i = rand_r(&seed) % 4; i; i--)
			message[rand_r(&seed) % length] = rand_r(&seed);
		if (!(rand_r(&seed) % 8))
			length = rand_r(&seed) % (length + 1);
		put(16, 77, 1);
		ask();
	}
	expect(entries("out") == 0 && entries(".") == 2);
	expect(entries("in") > 0);
	end();
}

int main(void)
{
	run(one_file);
	run(versions);
	run(not_understood);
	run(hostile_names);
	run(units);
	run(links_are_not_followed);
	run(directories);
	run(overwriting);
	run(limits);
	run(wrong_data);
	run(interrupted);
	run(random_messages);
	return test_end();
}
