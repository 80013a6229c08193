// SPDX-License-Identifier: GPL-2.0
/*
 * usage: OFFER=NUMBER cdev-test NODE TEST...
 *
 * Tests a device of kmcl_cdev, NODE, whose channel is active, in a guest of
 * tools/vmbhost, where it is the offer NUMBER with the behaviour "echo".
 */
#include <stdio.h>
#include <string.h>

#include "test.h"

static const struct {
	const char *name;
	void (*fn)(void);
} tests[] = {
	{ "messages", test_messages },
	{ "poll", test_poll },
	{ "uring", test_uring },
	{ "waits", test_waits },
	{ "rescind", test_rescind },
	{ "control", test_control },
	{ "events", test_events },
	{ "limits", test_limits },
	{ "requests", test_requests },
	{ "uring-requests", test_uring_requests },
	{ "killed", test_killed },
	{ "removed", test_removed },
	{ "across", test_across },
};

#define TESTS	(sizeof(tests) / sizeof(*tests))

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc != 3) {
		fprintf(stderr, "usage: %s NODE TEST\n", argv[0]);
		return 2;
	}
	dev = argv[1];
	for (i = 0; i < TESTS && strcmp(argv[2], tests[i].name); i++)
		;
	if (i == TESTS) {
		fprintf(stderr, "%s: no test %s\n", argv[0], argv[2]);
		return 2;
	}
	tests[i].fn();
	tap_plan();
	return tap_failed ? 1 : 0;
}
