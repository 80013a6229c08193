// SPDX-License-Identifier: GPL-2.0
/*
 * The control protocol, spoken by a guest that is made of functions: see
 * guest.h. One thread.
 */
#include "../random.h"
#include "guest.h"

#define INSTANCE	"12345678-9abc-def0-1234-56789abcdef0"

static void begin(void)
{
	start();
	assert_true(did("add " CLASS));
	connect();
}

static void versions(void **state)
{
	static const struct {
		const char *newest;
		unsigned int major, minor;
		bool accepted;
	} cases[] = {
		{ "5.3", 6, 0, false }, { "5.3", 5, 3, true },
		{ "5.3", 5, 0, true }, { "5.3", 4, 1, true },
		{ "5.3", 4, 0, true }, { "5.3", 3, 0, true },
		{ "5.3", 3, 1, false }, { "5.3", 2, 4, false },
		{ "5.0", 5, 1, false }, { "5.0", 5, 0, true },
		{ "4.1", 4, 1, true }, { "4.0", 4, 1, false },
		{ "4.0", 4, 0, true }, { "3.0", 4, 0, false },
		{ "3.0", 3, 0, true }, { "3.0", 2, 4, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		start();
		assert_false(vmbus_option(bus, "protocol", cases[i].newest));
		assert_true(contact(cases[i].major, cases[i].minor) ==
			    cases[i].accepted);
		assert_true(inbox_count == 1 && inbox[0].length == 16);
		assert_false(bus->errors);
		end();
	}
}

static void old_host(void **state)
{
	struct msg_contact msg = { .h.type = MSG_INITIATE_CONTACT,
				   .version = VMBUS_VERSION(5, 3) };

	start();
	assert_false(vmbus_option(bus, "protocol", "4.0"));
	connection = VMBUS_CONNECTION_NEW;
	assert_true(post(&msg, sizeof(msg)) == HV_STATUS_INVALID_CONNECTION_ID);
	connection = 99;
	assert_true(post(&msg, sizeof(msg)) == HV_STATUS_INVALID_CONNECTION_ID);
	assert_true(!inbox_count && !bus->errors);
	end();
}

/* From 5.0 on the guest says where it wants its messages and signals. */
static void another_source(void **state)
{
	struct msg_contact msg = {
		.h.type = MSG_INITIATE_CONTACT, .vp = 1,
		.version = VMBUS_VERSION(5, 0), .sint = 5,
		.monitor_page = { 8192, 12288 },
	};
	struct msg_header request = { .type = MSG_REQUEST_OFFERS };
	struct endpoint e;

	start();
	assert_true(did("add " CLASS));
	connection = VMBUS_CONNECTION_NEW;
	post(&msg, sizeof(msg));
	assert_true(received(MSG_VERSION_RESPONSE) && last_sint == 5);
	last_sint = 0;
	/* Everything else goes where the answer said. */
	connection = VMBUS_CONNECTION_OLD;
	post(&request, sizeof(request));
	assert_true(bus->errors == 1 && last_sint == 5);
	connection = VMBUS_CONNECTION_NEW;
	open_channel(&e);
	last_sint = 0;
	send_traffic(&e, 0, 24, true);
	work();
	assert_true(interrupts == 1 && last_sint == 5);
	/* Sources and trust levels that are not there. */
	msg.sint = 16;
	post(&msg, sizeof(msg));
	msg.sint = 2;
	msg.vtl = 2;
	post(&msg, sizeof(msg));
	msg.vtl = 0;
	msg.vp = CPUS;
	post(&msg, sizeof(msg));
	assert_true(bus->errors == 4 && !bus->connected);
	end();
}

static void options(void **state)
{
	start();
	assert_true(vmbus_option(bus, "protocol", "5.4"));
	assert_true(vmbus_option(bus, "protocol", "2.4"));
	assert_true(vmbus_option(bus, "protocol", "5"));
	assert_true(vmbus_option(bus, "protocol", "4.0x"));
	assert_true(vmbus_option(bus, "seed", ""));
	assert_false(vmbus_option(bus, "seed", "0x10"));
	assert_true(bus->seed == 16);
	assert_true(vmbus_option(bus, "offer", "nonsense"));
	assert_false(vmbus_option(bus, "offer", CLASS " echo"));
	assert_false(vmbus_option(bus, "offer", CLASS ",source,rate=7,size=9"));
	assert_true(bus->channel_count == 2);
	assert_true(bus->channels[1]->behaviour.kind == BEHAVE_SOURCE &&
		    bus->channels[1]->behaviour.rate == 7 &&
		    bus->channels[1]->behaviour.size == 9);
	assert_true(vmbus_option(bus, "scenario", "/nowhere/at/all"));
	assert_true(vmbus_option(bus, "else", ""));
	end();
}

static void offers(void **state)
{
	static const uint8_t class[16] = {
		0x22, 0x22, 0x11, 0x11, 0x33, 0x33, 0x44, 0x44,
		0x55, 0x55, 0x66, 0x66, 0x77, 0x77, 0x88, 0x88,
	};
	const struct msg_offer *offer;
	struct msg_header request = { .type = MSG_REQUEST_OFFERS };

	start();
	assert_true(did("add " CLASS));
	assert_true(did("add " CLASS " " INSTANCE
			" flags=0x11 mmio=7 user=c0ffee sink"));
	connect();
	assert_int_equal(received_count(MSG_OFFER), 2);
	offer = received(MSG_OFFER);
	assert_int_equal(sizeof(*offer), 196);
	assert_memory_equal(offer->class.b, class, 16);
	assert_true(offer->instance.b[0] == 0x78 && offer->instance.b[15] == 0xf0);
	assert_true(offer->flags == 0x11 && offer->mmio_mib == 7);
	assert_true(offer->user[0] == 0xc0 && offer->user[2] == 0xee);
	assert_true(offer->relid == 2 && offer->dedicated_interrupt == 1);
	assert_true(!offer->sub_index && !offer->monitor_allocated);
	/* After all of them, and only once. */
	assert_true(!memcmp(inbox[inbox_count - 1].payload,
			    &(uint32_t){ MSG_ALL_OFFERS }, 4));
	post(&request, sizeof(request));
	assert_true(bus->errors == 1 && received_count(MSG_OFFER) == 2);
	/* One that comes later is told at once. */
	assert_true(did("add " CLASS));
	assert_int_equal(received_count(MSG_OFFER), 3);
	end();
}

static void open_and_close(void **state)
{
	struct endpoint e;
	const struct msg_gpadl_torndown *torn;

	begin();
	open_channel(&e);
	assert_string_equal(command("state 0"), "ok open\n");
	assert_int_equal(stat_of("stats 0", "gpadls_live"), 1);
	close_channel(&e);
	torn = received(MSG_GPADL_TORNDOWN);
	assert_true(torn && torn->gpadl == e.handle);
	assert_string_equal(command("state 0"), "ok offered\n");
	assert_int_equal(stat_of("stats 0", "gpadls_live"), 0);
	assert_int_equal(stat_of("stats 0", "opens"), 1);
	assert_int_equal(stat_of("stats 0", "closes"), 1);
	/* And again. */
	open_channel(&e);
	close_channel(&e);
	assert_int_equal(stat_of("stats 0", "opens"), 2);
	assert_false(bus->errors);
	end();
}

static void rescind_and_offer(void **state)
{
	struct endpoint e;
	const struct msg_relid *rescind;
	const struct msg_offer *offer;
	struct guid instance;
	uint32_t relid;

	begin();
	offer = received(MSG_OFFER);
	instance = offer->instance;
	open_channel(&e);
	relid = e.relid;
	assert_true(did("rescind 0"));
	rescind = received(MSG_RESCIND);
	assert_true(rescind && rescind->relid == relid);
	assert_false(did("rescind 0"));
	assert_true(did("rescind 0 again"));
	assert_int_equal(received_count(MSG_RESCIND), 2);
	/* Only when the guest has let the relid go. */
	inbox_count = 0;
	assert_true(did("offer 0"));
	assert_false(received(MSG_OFFER));
	/* What Linux does then; and signals that were on their way. */
	assert_false(vmbus_signal_event(bus, e.connection, 0));
	POST(MSG_CLOSE, msg_relid, .relid = relid);
	POST(MSG_RELID_RELEASED, msg_relid, .relid = relid);
	offer = received(MSG_OFFER);
	assert_true(offer && offer->relid != relid);
	assert_memory_equal(&offer->instance, &instance, sizeof(instance));
	assert_true(vmbus_signal_event(bus, e.connection, 0) ==
		    HV_STATUS_INVALID_CONNECTION_ID);
	assert_int_equal(stat_of("stats 0", "signals_late"), 1);
	assert_int_equal(stat_of("stats 0", "gpadls_live"), 0);
	assert_int_equal(stat_of("stats 0", "gpadls_left"), 0);
	open_channel(&e);
	assert_int_equal(stat_of("stats 0", "offers"), 2);
	assert_false(did("offer 0"));
	assert_false(bus->errors);
	end();
}

/* Offered more often than there are relids. */
static void many_lives(void **state)
{
	unsigned int i;

	begin();
	for (i = 0; i < VMBUS_RELIDS + 10; i++) {
		const struct msg_offer *offer = received(MSG_OFFER);
		uint32_t relid = offer->relid;

		assert_true(relid && relid < VMBUS_RELIDS);
		inbox_count = 0;
		assert_true(did("rescind 0"));
		assert_true(did("offer 0"));
		POST(MSG_RELID_RELEASED, msg_relid, .relid = relid);
		if (!received(MSG_OFFER))
			break;
	}
	assert_int_equal(i, VMBUS_RELIDS + 10);
	assert_false(bus->errors);
	end();
}

static void requests_after_a_rescind(void **state)
{
	const struct msg_gpadl_created *created;
	const struct msg_open_result *result;
	const uint8_t frames[] = { 1, 2, 3, 4 };
	struct endpoint e;

	begin();
	take_offer(&e);
	assert_true(did("rescind 0"));
	inbox_count = 0;
	post_open(&e);
	result = received(MSG_OPEN_RESULT);
	assert_true(result && result->status);
	make_gpadl(e.relid, frames, 4);
	created = received(MSG_GPADL_CREATED);
	assert_true(created && created->status);
	POST(MSG_GPADL_TEARDOWN, msg_gpadl_teardown, .relid = e.relid,
	     .gpadl = e.handle);
	assert_true(received(MSG_GPADL_TORNDOWN));
	assert_false(bus->errors);
	end();
}

static void modify(void **state)
{
	const struct msg_modify_response *response;
	struct endpoint e;

	begin();
	open_channel(&e);
	POST(MSG_MODIFY, msg_modify, .relid = e.relid, .vp = 0);
	response = received(MSG_MODIFY_RESPONSE);
	assert_true(response && !response->status && response->relid == e.relid);
	assert_true(send_traffic(&e, 0, 24, true));
	work();
	assert_true(interrupts == 1 && last_vcpu == 0 && last_flag == e.relid);
	POST(MSG_MODIFY, msg_modify, .relid = e.relid, .vp = CPUS);
	assert_true(bus->errors == 1);
	end();
}

static void sub_channels(void **state)
{
	const struct msg_offer *offer;

	begin();
	inbox_count = 0;
	assert_string_equal(command("subchannels 0 2"), "ok 1\n");
	assert_int_equal(received_count(MSG_OFFER), 2);
	offer = received(MSG_OFFER);
	assert_true(offer->sub_index == 2);
	assert_memory_equal(&offer->instance, &bus->channels[0]->instance, 16);
	assert_false(did("subchannels 1 1"));
	/* The primary takes them with it. */
	assert_true(did("rescind 0"));
	assert_int_equal(received_count(MSG_RESCIND), 3);
	assert_false(bus->errors);
	end();
}

static void unload(void **state)
{
	struct msg_header m = { .type = MSG_UNLOAD };
	struct endpoint e;

	begin();
	open_channel(&e);
	post(&m, sizeof(m));
	assert_true(received(MSG_UNLOAD_RESPONSE));
	assert_int_equal(stat_of("stats 0", "gpadls_left"), 1);
	POST(MSG_CLOSE, msg_relid, .relid = e.relid);
	assert_true(bus->errors == 1);
	/* And from the beginning. */
	connect();
	assert_true(received(MSG_OFFER));
	open_channel(&e);
	end();
}

/* The machine is off, and on again. */
static void restart(void **state)
{
	struct endpoint e;
	uint32_t relid;

	begin();
	open_channel(&e);
	relid = e.relid;
	assert_false(started_again);
	assert_true(did("restart"));
	assert_true(started_again);
	assert_int_equal(stat_of("stats", "restarts"), 0);
	vmbus_disconnect(bus);
	assert_int_equal(stat_of("stats", "restarts"), 1);
	assert_int_equal(stat_of("stats 0", "gpadls_left"), 1);
	assert_string_equal(command("state 0"), "ok absent\n");
	/* The same device with another relid, and what was counted before. */
	connect();
	assert_true(received(MSG_OFFER));
	open_channel(&e);
	assert_true(e.relid != relid);
	assert_int_equal(stat_of("stats 0", "opens"), 2);
	assert_false(bus->errors);
	end();
}

/* A device that only a guest which is connected already has. */
static void forget(void **state)
{
	struct msg_header m = { .type = MSG_UNLOAD };
	struct endpoint e;

	begin();
	open_channel(&e);
	assert_true(did("forget 0"));
	assert_string_equal(command("state 0"), "ok open\n");
	post(&m, sizeof(m));
	inbox_count = 0;
	connect();
	assert_false(received(MSG_OFFER));
	assert_true(did("offer 0"));
	assert_true(received(MSG_OFFER));
	end();
}

/* Whatever is posted: no harm, and everything that is wrong is counted. */
static void anything(void **state)
{
	static uint8_t message[VMBUS_MESSAGE_MAX + 16];
	uint64_t random = 42;
	unsigned int i, j;

	begin();
	connection = VMBUS_CONNECTION_NEW;
	for (i = 0; i < 200000; i++) {
		size_t length = random_next(&random) % sizeof(message);
		uint32_t word;

		for (j = 0; j + 4 <= sizeof(message); j += 4) {
			word = random_next(&random);
			/* Mostly small numbers, some of which mean something. */
			if (word & 3)
				word = word >> 8 & 15;
			memcpy(message + j, &word, 4);
		}
		word = random_next(&random) % 26;
		/* A connection that lasts is the more dangerous one. */
		if ((word == MSG_INITIATE_CONTACT || word == MSG_UNLOAD) &&
		    i % 64)
			continue;
		memcpy(message, &word, 4);
		post(message, length);
		vmbus_signal_event(bus, CONNECTION_BASE + (word & 3), 0);
		inbox_count = 0;
		if (!bus->connected)
			connect();
		if (i % 1000 == 0)
			work();
	}
	assert_true(bus->errors > 1000);
	end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions),
		cmocka_unit_test(old_host),
		cmocka_unit_test(another_source),
		cmocka_unit_test(options),
		cmocka_unit_test(offers),
		cmocka_unit_test(open_and_close),
		cmocka_unit_test(rescind_and_offer),
		cmocka_unit_test(many_lives),
		cmocka_unit_test(requests_after_a_rescind),
		cmocka_unit_test(modify),
		cmocka_unit_test(sub_channels),
		cmocka_unit_test(unload),
		cmocka_unit_test(restart),
		cmocka_unit_test(forget),
		cmocka_unit_test(anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
