// SPDX-License-Identifier: GPL-2.0
/*
 * The daemon's loop, on a socket that keeps messages apart in place of the device; it
 * runs in a thread of its own, which is stopped by closing the other end.
 */
#include <pthread.h>
#include <sys/socket.h>

#include "host.h"

static int host, guest, result;
static pthread_t thread;
static volatile sig_atomic_t stop;

static void *loop(void *unused)
{
	(void)unused;
	result = device_run(guest, &session, &stop);
	return NULL;
}

static void begin(void)
{
	int pair[2];

	start();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair))
		abort();
	host = pair[0];
	guest = pair[1];
	fcntl(guest, F_SETFL, O_NONBLOCK);
	if (pthread_create(&thread, NULL, loop, NULL))
		abort();
}

static void finish(void)
{
	close(host);
	pthread_join(thread, NULL);
	close(guest);
	assert_true(result == 0 && session.copy.fd == -1);
	end();
}

/* Send the message, and wait for the answer. Return: its status */
static uint64_t tell(void)
{
	size_t bytes = length;

	assert_int_equal(send(host, message, length, 0), (ssize_t)length);
	length = recv(host, message, sizeof(message), 0);
	assert_int_equal(length, bytes);
	return get(12, 4);
}

static uint64_t negotiate_there(void)
{
	static const uint32_t version[] = { 3, 1 | 1 << 16 };

	make_negotiation(1, 1, version, 2);
	return tell();
}

static uint64_t write_there(uint64_t offset, size_t bytes)
{
	make(7, 52 + bytes);
	put(HEADER, WRITE_TO_FILE, 4);
	put(HEADER + 40, offset, 8);
	put(HEADER + 48, bytes, 4);
	memset(message + HEADER + 52, 'x', bytes);
	return tell();
}

static void a_file(void **state)
{
	uint64_t done;
	struct stat st;

	begin();
	assert_int_equal(negotiate_there(), HV_S_OK);
	make_start("", "x", 0, 10 * DATA_FRAGMENT);
	assert_int_equal(tell(), HV_S_OK);
	for (done = 0; done < 10 * DATA_FRAGMENT; done += DATA_FRAGMENT)
		assert_int_equal(write_there(done, DATA_FRAGMENT), HV_S_OK);
	make(7, 36);
	put(HEADER, COMPLETE_FCOPY, 4);
	assert_int_equal(tell(), HV_S_OK);
	assert_true(!stat(at("in/x"), &st) && st.st_size == 10 * DATA_FRAGMENT);
	finish();
}

/* The other end goes away in the middle. */
static void no_more(void **state)
{
	begin();
	assert_int_equal(negotiate_there(), HV_S_OK);
	make_start("", "x", 0, 100);
	assert_int_equal(tell(), HV_S_OK);
	assert_int_equal(write_there(0, 50), HV_S_OK);
	close(host);
	pthread_join(thread, NULL);
	assert_true(result == 0 && session.copy.fd == -1 && entries("in") == 0);
	close(guest);
	end();
}

/* What has no answer, and is longer than any message, does not stop it. */
static void odd_lengths(void **state)
{
	begin();
	make(7, 36);
	length = 3;
	assert_int_equal(send(host, message, length, 0), 3);
	memset(message, UINT8_MAX, sizeof(message));
	assert_true(send(host, message, sizeof(message), 0) == sizeof(message));
	assert_int_equal(negotiate_there(), HV_S_OK);
	finish();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file),
		cmocka_unit_test(no_more),
		cmocka_unit_test(odd_lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
