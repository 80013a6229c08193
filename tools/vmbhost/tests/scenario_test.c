// SPDX-License-Identifier: GPL-2.0
/*
 * The control language: what it takes and refuses, and that things happen when
 * they should. The guest is made of functions: see guest.h. One thread.
 */
#include <unistd.h>

#include "guest.h"

static struct endpoint e;

static void begin(void)
{
	start();
	assert_true(did("add " CLASS " sink"));
	connect();
}

static void words(void **state)
{
	static const char *const good[] = {
		"", "   ", "# only a comment", "stats", "stats 0", "reset 0",
		"state 0", "behave 0 echo # with a comment", "behave 0 sink",
		"behave 0 source rate=0,size=4096", "behave 0 slow us=10",
		"behave 0 source rate=5 size=40 completion=1 count=9",
		"behave 0 source ranges=64",
		"behave 0 complete-late ms=5", "behave 0 complete-never",
		"behave 0 echo size=4096",
		"behave 0 complete-out-of-order depth=3,seed=9",
		"behave 0 garble seed=0x12,count=5,rare=2,what=fields+indices",
		"behave 0 ic-heartbeat ms=500,count=3,fault=versions",
		"behave 0 ic-fcopy bytes=9,seed=3,create=1,cancel=2,fault=hole",
		"behave 0 stall", "behave 0 unstall", "stall 0", "unstall 0",
		"refuse open 0", "refuse gpadl 3", "withhold open",
		"release open", "release teardown",
		"on open 0 after 30ms rescind 0", "on rx:500 0 stall 0",
		"on close 0 stats", "every release 0 offer 0",
		"after 5s stats", "after 100us stats 0", "cancel 0",
		"cancel after", "type", "type x", "after 5s type x y",
		"add " CLASS " " CLASS " mmio=1 echo",
		"add {" CLASS "} {AAAABBBB-cccc-DDDD-eeee-FFFF00001111} echo",
	};
	static const char *const bad[] = {
		"nonsense", "stats 1", "stats x", "stats 0 0", "reset",
		"reset 1", "state", "state -1", "behave", "behave 0",
		"behave 9 echo", "behave 0 ech", "behave 0 echo rate=1",
		"behave 0 echo size=0x7fff1",
		"behave 0 source rate", "behave 0 source rate=",
		"behave 0 source rate=x", "behave 0 source rate=-1",
		"behave 0 source size=99999999", "behave 0 source us=1",
		"behave 0 source ranges=65", "behave 0 sink ranges=1",
		"behave 0 garble what=", "behave 0 garble what=fields+else",
		"behave 0 garble rare=0", "behave 0 slow us=1x",
		"behave 0 complete-out-of-order depth=1",
		"behave 0 ic-heartbeat fault=", "behave 0 ic-heartbeat fault=all",
		"behave 0 ic-heartbeat size=1", "behave 0 ic-fcopy count=1",
		"behave 0 echo fault=type",
		"refuse nothing 1", "refuse open", "refuse open x",
		"withhold", "withhold all", "release 1", "rescind", "rescind 7",
		"rescind 0 twice", "rescind 0 again", "offer", "offer 0",
		"forget", "forget 1", "forget 0 0", "restart 0",
		"quit", "quit 256", "quit x", "on", "on open 0",
		"on opened 0 stats", "on rx:0 0 stats", "on rx: 0 stats",
		"on open x stats", "on open 0 after 30 stats",
		"on open 0 after 30ms", "after", "after 5s", "after 5 stats",
		"after s stats", "after 99999999999999s stats", "after 99999999999999999999s stats",
		"add", "add 1234", "add " CLASS "0",
		"add {" CLASS, "add " CLASS "}", "add {{" CLASS "}}",
		"add " CLASS " {" CLASS, "add " CLASS " " CLASS "0", "add " CLASS " unknown",
		"add " CLASS " mmio=70000", "add " CLASS " user=abc",
		"add " CLASS " user=zz", "subchannels 0", "subchannels 0 0",
		"subchannels 0 513", "subchannels 5 1",
	};
	char line[2 * CONTROL_LINE];
	size_t i;

	begin();
	for (i = 0; i < ARRAY_SIZE(good); i++)
		if (!did(good[i])) {
			printf("refused: %s\n", good[i]);
			assert_true(0);
		}
	end();
	begin();
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (strncmp(command(bad[i]), "error: ", 7)) {
			printf("taken: %s\n", bad[i]);
			assert_true(0);
		}
	assert_int_equal(stopped, -1);
	/* Too long, and then one that is not. */
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = 0;
	assert_false(did(line));
	for (i = 0; i < 100; i++)
		memcpy(line + 2 * i, "a ", 2);
	line[200] = 0;
	assert_false(did(line));
	assert_true(did("stats"));
	/* All that "stats" can say fits. */
	assert_int_equal(stat_of("stats", "protocol_errors"), 0);
	end();
}

static void at_a_time(void **state)
{
	begin();
	assert_true(did("after 5ms behave 0 echo"));
	assert_true(did("after 3ms behave 0 complete-never"));
	sleep_ns(2 * MSEC);
	assert_true(bus->channels[0]->behaviour.kind == BEHAVE_SINK);
	sleep_ns(2 * MSEC);
	assert_true(bus->channels[0]->behaviour.kind == BEHAVE_NEVER);
	sleep_ns(2 * MSEC);
	assert_true(bus->channels[0]->behaviour.kind == BEHAVE_ECHO);
	/* At the same time, in the order in which they were said. */
	assert_true(did("after 5ms behave 0 sink"));
	assert_true(did("after 5ms behave 0 complete-never"));
	sleep_ns(6 * MSEC);
	assert_true(bus->channels[0]->behaviour.kind == BEHAVE_NEVER);
	assert_true(did("after 1s quit 7"));
	sleep_ns(SEC - 1);
	assert_int_equal(stopped, -1);
	sleep_ns(1);
	assert_int_equal(stopped, 7);
	end();
}

static void at_an_open(void **state)
{
	begin();
	assert_true(did("on open 0 after 30ms rescind 0"));
	open_channel(&e);
	sleep_ns(29 * MSEC);
	assert_false(received(MSG_RESCIND));
	sleep_ns(2 * MSEC);
	assert_true(received(MSG_RESCIND));
	/* Once. */
	assert_true(did("offer 0"));
	POST(MSG_RELID_RELEASED, msg_relid, .relid = e.relid);
	open_channel(&e);
	inbox_count = 0;
	sleep_ns(SEC);
	assert_false(received(MSG_RESCIND));
	end();
}

static void each_time(void **state)
{
	unsigned int i;

	begin();
	assert_true(did("every open 0 rescind 0"));
	assert_true(did("every release 0 after 10ms offer 0"));
	for (i = 0; i < 5; i++) {
		open_channel(&e);
		assert_true(received(MSG_RESCIND));
		POST(MSG_RELID_RELEASED, msg_relid, .relid = e.relid);
		inbox_count = 0;
		sleep_ns(9 * MSEC);
		assert_false(received(MSG_OFFER));
		sleep_ns(2 * MSEC);
		assert_true(received(MSG_OFFER));
	}
	assert_int_equal(stat_of("stats 0", "offers"), 6);
	assert_false(bus->errors);
	end();
}

/* The fifth packet is the last that is read. */
static void at_a_packet(void **state)
{
	unsigned int i;

	begin();
	assert_true(did("on rx:5 0 stall 0"));
	open_channel(&e);
	for (i = 0; i < 9; i++)
		assert_true(send_traffic(&e, i, 24, false));
	work();
	assert_int_equal(stat_of("stats 0", "rx_packets"), 5);
	assert_true(did("every rx:2 0 stall 0"));
	assert_true(did("unstall 0"));
	assert_int_equal(stat_of("stats 0", "rx_packets"), 6);
	assert_true(did("unstall 0"));
	assert_int_equal(stat_of("stats 0", "rx_packets"), 8);
	assert_true(did("on rx:9 0 rescind 0"));
	assert_true(did("unstall 0"));
	assert_true(received(MSG_RESCIND));
	assert_int_equal(stat_of("stats 0", "rx_packets"), 9);
	assert_int_equal(stat_of("stats 0", "rx_left"), 0);
	end();
}

static void other_events(void **state)
{
	begin();
	assert_true(did("on gpadl 0 refuse open 1"));
	assert_true(did("on close 0 withhold teardown"));
	assert_true(did("on teardown 0 quit 3"));
	take_offer(&e);
	work();
	assert_true(bus->refuse[ANSWER_OPEN] == 1);
	assert_true(did("refuse open 0"));
	post_open(&e);
	POST(MSG_CLOSE, msg_relid, .relid = e.relid);
	work();
	POST(MSG_GPADL_TEARDOWN, msg_gpadl_teardown, .relid = e.relid,
	     .gpadl = e.handle);
	work();
	assert_true(!received(MSG_GPADL_TORNDOWN) && stopped == -1);
	assert_true(did("release teardown"));
	assert_int_equal(stopped, 3);
	end();
}

static void cancelled(void **state)
{
	begin();
	assert_true(did("every offer 0 refuse open 1"));
	assert_true(did("on close 0 quit 3"));
	assert_true(did("cancel 0"));
	take_offer(&e);
	post_open(&e);
	POST(MSG_CLOSE, msg_relid, .relid = e.relid);
	work();
	assert_true(!bus->refuse[ANSWER_OPEN] && stopped == -1);
	assert_true(!did("cancel 7") && !did("cancel"));
	end();
}

/* What after says, and nothing that a rule is waiting to do */
static void cancelled_after(void **state)
{
	begin();
	assert_true(did("on open 0 after 20ms behave 0 echo"));
	assert_true(did("after 10ms quit 3"));
	open_channel(&e);
	assert_true(did("after 30ms quit 4"));
	assert_true(did("cancel after"));
	assert_true(did("after 40ms quit 5"));
	sleep_ns(39 * MSEC);
	assert_true(bus->channels[0]->behaviour.kind == BEHAVE_ECHO);
	assert_int_equal(stopped, -1);
	sleep_ns(2 * MSEC);
	assert_int_equal(stopped, 5);
	/* One of them may say it */
	stopped = -1;
	assert_true(did("after 1ms cancel after"));
	assert_true(did("after 2ms quit 6"));
	sleep_ns(3 * MSEC);
	assert_int_equal(stopped, -1);
	assert_false(did("cancel after 0"));
	end();
}

static void typing(void **state)
{
	char line[CONTROL_LINE] = "type ";

	begin();
	assert_true(did("type  one   two # three"));
	assert_string_equal(typed, "one two\r");
	assert_true(did("type"));
	assert_string_equal(typed, "one two\r\r");
	typed[0] = 0;
	assert_true(did("after 5ms type x"));
	sleep_ns(4 * MSEC);
	assert_string_equal(typed, "");
	sleep_ns(2 * MSEC);
	assert_string_equal(typed, "x\r");
	memset(line + 5, 'a', sizeof(typed));
	assert_false(did(line));
	assert_string_equal(typed, "x\r");
	end();
}

static void file(void **state)
{
	char path[] = "/tmp/vmbhost-scenario-XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	if (!f)
		abort();
	fputs("# two channels\nadd " CLASS " echo\nadd " CLASS " sink\n"
	      "\non open 1 after 1ms stall 1\n", f);
	fflush(f);
	start();
	assert_false(vmbus_option(bus, "scenario", path));
	assert_true(bus->channel_count == 2);
	connect();
	open_channel(&e);
	sleep_ns(2 * MSEC);
	assert_true(bus->channels[1]->stalled && !bus->channels[0]->stalled);
	end();
	fputs("what is that\n", f);
	fclose(f);
	start();
	assert_true(vmbus_option(bus, "scenario", path));
	end();
	unlink(path);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(at_a_time),
		cmocka_unit_test(at_an_open),
		cmocka_unit_test(each_time),
		cmocka_unit_test(at_a_packet),
		cmocka_unit_test(other_events),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(cancelled_after),
		cmocka_unit_test(typing),
		cmocka_unit_test(file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
