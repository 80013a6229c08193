// SPDX-License-Identifier: GPL-2.0
/*
 * What the daemon answers to a host, and what is in the directory then; the host is made
 * of functions: see host.h. One thread.
 */
#include <sys/resource.h>

#include "host.h"

static void one_file(void **state)
{
	struct stat st;

	start();
	assert_int_equal(begin_file("", "one", 0, 10), HV_S_OK);
	assert_int_equal(write_part(0, "01234"), HV_S_OK);
	/* Nobody sees it before it is complete. */
	assert_int_equal(entries("in"), 0);
	assert_int_equal(write_part(5, "56789"), HV_S_OK);
	assert_int_equal(entries("in"), 0);
	assert_int_equal(operate(COMPLETE_FCOPY), HV_S_OK);
	assert_true(entries("in") == 1 && contains("in/one", "0123456789"));
	assert_true(!stat(at("in/one"), &st) && (st.st_mode & 07777) == 0640);
	/* Its end is not the end of another one. */
	assert_int_equal(operate(COMPLETE_FCOPY), HV_E_FAIL);
	/* An empty one, and one in a directory as the host names it */
	assert_int_equal(begin_file(store.path, "empty", 0, 0), HV_S_OK);
	assert_true(operate(COMPLETE_FCOPY) == HV_S_OK && contains("in/empty", ""));
	assert_int_equal(entries("out"), 0);
	end();
}

static void versions(void **state)
{
	static const uint32_t old[] = { 1, 1 | 1 << 16 }, none[] = { 2, 3 };

	start();
	assert_true(get(HEADER, 4) == (1 | 1 << 16) && get(10, 2) == 16);
	assert_true(get(HEADER + 8, 4) == 3 && get(HEADER + 12, 4) == (1 | 1 << 16));
	make_negotiation(1, 1, old, 2);
	assert_true(ask() == HV_S_OK && get(HEADER + 8, 4) == 1);
	/* None in common, and after that nothing is answered. */
	make_negotiation(1, 1, none, 2);
	assert_true(ask() == HV_E_FAIL && !get(HEADER, 4));
	assert_int_equal(operate(CANCEL_FCOPY), UINT64_MAX);
	/* More than there are, also where the sum or product wraps around */
	make_negotiation(1, 2, old, 2);
	assert_true(ask() == HV_E_FAIL && !get(HEADER, 4));
	make_negotiation(UINT16_MAX, UINT16_MAX, old, 2);
	assert_true(ask() == HV_E_FAIL && !get(HEADER, 4));
	make_negotiation(0, 0, old, 0);
	assert_int_equal(ask(), HV_E_FAIL);
	assert_true(negotiate());
	/* A new connection ends the copy of the old one. */
	assert_int_equal(begin_file("", "one", 0, 5), HV_S_OK);
	assert_true(negotiate());
	assert_true(write_part(0, "01234") == HV_E_FAIL && entries("in") == 0);
	end();
}

static void not_understood(void **state)
{
	size_t bytes;

	start();
	make(7, 36);
	put(HEADER, 99, 4);
	assert_int_equal(ask(), HV_E_FAIL);
	make(9, 36);
	assert_int_equal(ask(), HV_E_FAIL);
	make(7, 36);
	put(17, 5, 1);
	assert_int_equal(ask(), UINT64_MAX);
	/* Each shorter than it can be */
	for (bytes = 0; bytes < HEADER; bytes++) {
		make(7, 0);
		length = bytes;
		assert_int_equal(ask(), UINT64_MAX);
	}
	for (bytes = 0; bytes < sizeof(struct hv_start_fcopy); bytes += 7) {
		make_start("", "one", 0, 5);
		length = HEADER + bytes;
		assert_int_equal(ask(), HV_E_FAIL);
	}
	assert_int_equal(begin_file("", "one", 0, 5), HV_S_OK);
	for (bytes = 0; bytes < 52; bytes++) {
		make(7, bytes);
		if (bytes >= 4)
			put(HEADER, WRITE_TO_FILE, 4);
		if (bytes >= 4)
			assert_int_equal(ask(), HV_E_FAIL);
	}
	assert_int_equal(entries("in"), 0);
	end();
}

/* Each refused, and nothing is made anywhere */
static void hostile_names(void **state)
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

		assert_true(begin_file(bad[i].path, bad[i].name, flags, 5) ==
			    HV_E_FAIL);
		assert_int_equal(write_part(0, "01234"), HV_E_FAIL);
		assert_true(entries("in") == 0 && entries("out") == 0);
	}
	/* As the directory, but longer */
	snprintf(long_name, sizeof(long_name), "%.200sx", store.path);
	assert_int_equal(begin_file(long_name, "x", CREATE_PATH, 5), HV_E_FAIL);
	snprintf(long_name, sizeof(long_name), "%.200s/../out", store.path);
	assert_int_equal(begin_file(long_name, "x", CREATE_PATH, 5), HV_E_FAIL);
	/* 255 bytes are a name; what has 256, or no end, is none. */
	memset(long_name, 'n', sizeof(long_name));
	long_name[255] = 0;
	assert_int_equal(begin_file("", long_name, 0, 5), HV_S_OK);
	long_name[255] = 'n';
	long_name[256] = 0;
	assert_int_equal(begin_file("", long_name, 0, 5), HV_E_FAIL);
	make_start("", "one", 0, 5);
	for (i = 0; i < W_MAX_PATH; i++)
		put(HEADER + 36 + 2 * i, 'n', 2);
	assert_int_equal(ask(), HV_E_FAIL);
	make_start("", "one", CREATE_PATH, 5);
	for (i = 0; i < W_MAX_PATH; i++)
		put(HEADER + 556 + 2 * i, i % 2 ? '/' : 'n', 2);
	assert_int_equal(ask(), HV_E_FAIL);
	assert_true(entries("in") == 0 && entries("out") == 0);
	end();
}

/* Not ASCII: right as UTF-16 and not */
static void units(void **state)
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
		assert_int_equal(ask(), (text[i].name ? HV_S_OK : HV_E_FAIL));
		if (text[i].name)
			assert_true(operate(COMPLETE_FCOPY) == HV_S_OK &&
				    there(text[i].name));
	}
	assert_int_equal(entries("in"), 3);
	end();
}

static void links_are_not_followed(void **state)
{
	start();
	assert_true(!symlink("../out", at("in/dir")) && !mkdir(at("in/real"), 0755) &&
		    !symlink("../out/x", at("in/link")) &&
		    !symlink("real", at("in/inside")));
	assert_int_equal(begin_file("dir", "x", CREATE_PATH, 0), HV_E_FAIL);
	assert_int_equal(begin_file("dir/sub", "x", CREATE_PATH, 0), HV_E_FAIL);
	assert_int_equal(begin_file("inside", "x", 0, 0), HV_E_FAIL);
	assert_int_equal(begin_file("", "link", OVER_WRITE, 0), HV_E_FAIL);
	/* One that comes while it is copied */
	assert_int_equal(begin_file("", "late", OVER_WRITE, 0), HV_S_OK);
	assert_true(!symlink("../out/x", at("in/late")));
	assert_int_equal(operate(COMPLETE_FCOPY), HV_E_FAIL);
	assert_true(entries("out") == 0 && entries("in/real") == 0 &&
		    entries("in") == 5);
	end();
}

static void directories(void **state)
{
	start();
	assert_true(begin_file("a/b", "x", 0, 0) == HV_E_FAIL && entries("in") == 0);
	assert_int_equal(begin_file("a//b/./c/", "x", CREATE_PATH, 0), HV_S_OK);
	assert_true(operate(COMPLETE_FCOPY) == HV_S_OK && there("in/a/b/c/x"));
	assert_int_equal(begin_file("a/b/c/x", "y", CREATE_PATH, 0), HV_E_FAIL);
	assert_int_equal(begin_file("a", "b", OVER_WRITE, 0), HV_E_FAIL);
	assert_true(there("in/a/b/c/x"));
	end();
}

static void overwriting(void **state)
{
	start();
	assert_int_equal(begin_file("", "x", 0, 3), HV_S_OK);
	assert_true(!write_part(0, "old") && !operate(COMPLETE_FCOPY));
	assert_int_equal(begin_file("", "x", 0, 3), HV_ERROR_ALREADY_EXISTS);
	assert_int_equal(begin_file("", "x", OVER_WRITE, 3), HV_S_OK);
	assert_true(!write_part(0, "new") && contains("in/x", "old"));
	assert_true(!operate(COMPLETE_FCOPY) && contains("in/x", "new"));
	assert_int_equal(entries("in"), 1);
	/* Another one had that name first. */
	assert_true(begin_file("", "y", 0, 3) == HV_S_OK && !write_part(0, "new"));
	assert_true(!close(open(at("in/y"), O_CREAT | O_WRONLY, 0600)));
	assert_int_equal(operate(COMPLETE_FCOPY), HV_ERROR_ALREADY_EXISTS);
	assert_true(contains("in/y", "") && entries("in") == 2);
	end();
}

static void limits(void **state)
{
	struct rlimit old, limit;

	start();
	assert_int_equal(begin_file("", "x", 0, store.max_bytes + 1), HV_ERROR_DISK_FULL);
	assert_int_equal(begin_file("", "x", 0, UINT64_MAX), HV_ERROR_DISK_FULL);
	assert_int_equal(begin_file("", "x", 0, store.max_bytes), HV_S_OK);
	store.keep_free = UINT64_MAX;
	assert_int_equal(begin_file("", "x", 0, 1), HV_ERROR_DISK_FULL);
	store.keep_free = 0;
	/* The disk's, in place of which there is a limit of the process */
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	assert_int_equal(begin_file("", "x", 0, 8192), HV_S_OK);
	limit.rlim_cur = 4;
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(write_part(0, "01234567"), HV_ERROR_DISK_FULL);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_true(operate(COMPLETE_FCOPY) == HV_E_FAIL && entries("in") == 0);
	end();
}

/* After each of them there is no copy any more. */
static void wrong_data(void **state)
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
	assert_int_equal(write_part(0, "x"), HV_E_FAIL);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(begin_file("", "x", 0, 10), HV_S_OK);
		assert_int_equal(write_part(0, "01234"), HV_S_OK);
		assert_int_equal(write_part(wrong[i].offset, wrong[i].text), HV_E_FAIL);
		assert_int_equal(write_part(5, "56789"), HV_E_FAIL);
		assert_int_equal(operate(COMPLETE_FCOPY), HV_E_FAIL);
	}
	/* Its size is more than what is there. */
	for (i = 0; i < 3; i++) {
		static const uint32_t size[] = { 6, 0x7fffffff, UINT32_MAX };

		assert_int_equal(begin_file("", "x", 0, 1 << 20), HV_S_OK);
		make(7, 52 + 5);
		put(HEADER, WRITE_TO_FILE, 4);
		put(HEADER + 48, size[i], 4);
		assert_true(ask() == HV_E_FAIL && operate(COMPLETE_FCOPY) == HV_E_FAIL);
	}
	/* Too early */
	assert_int_equal(begin_file("", "x", 0, 10), HV_S_OK);
	assert_int_equal(write_part(0, "01234"), HV_S_OK);
	assert_int_equal(operate(COMPLETE_FCOPY), HV_E_FAIL);
	assert_true(operate(CANCEL_FCOPY) == HV_S_OK && entries("in") == 0);
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
static void interrupted(void **state)
{
	unsigned int before;

	start();
	before = open_files();
	assert_true(!begin_file("", "x", 0, 10) && !write_part(0, "01234"));
	assert_true(operate(CANCEL_FCOPY) == HV_S_OK && open_files() == before);
	assert_true(!begin_file("", "x", 0, 10) && !write_part(0, "01234"));
	session_end(&session, "a rescind");
	assert_int_equal(open_files(), before);
	/* What is read late is not answered, until the host negotiates. */
	assert_int_equal(write_part(5, "56789"), UINT64_MAX);
	assert_int_equal(operate(COMPLETE_FCOPY), UINT64_MAX);
	assert_true(negotiate() && operate(COMPLETE_FCOPY) == HV_E_FAIL);
	assert_true(!begin_file("", "x", 0, 10) && !write_part(0, "01234"));
	assert_true(!begin_file("", "x", 0, 3) && !write_part(0, "new"));
	assert_true(!operate(COMPLETE_FCOPY) && contains("in/x", "new"));
	assert_true(open_files() == before && entries("in") == 1);
	end();
}

/* Right messages with wrong bytes in them, and nothing outside the directory */
static void random_messages(void **state)
{
	unsigned int seed = 1, round, i;

	start();
	assert_true(freopen("/dev/null", "w", stderr));
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
	assert_true(entries("out") == 0 && entries(".") == 2);
	assert_true(entries("in") > 0);
	end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_file),
		cmocka_unit_test(versions),
		cmocka_unit_test(not_understood),
		cmocka_unit_test(hostile_names),
		cmocka_unit_test(units),
		cmocka_unit_test(links_are_not_followed),
		cmocka_unit_test(directories),
		cmocka_unit_test(overwriting),
		cmocka_unit_test(limits),
		cmocka_unit_test(wrong_data),
		cmocka_unit_test(interrupted),
		cmocka_unit_test(random_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
