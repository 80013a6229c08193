// SPDX-License-Identifier: GPL-2.0
/*
 * Signals through the monitor page. The guest is made of functions: see
 * guest.h. One thread.
 */
#include "guest.h"

static struct endpoint e;

/* The page of guest to host that contact() tells. */
static uint32_t *pending(unsigned int group)
{
	return (uint32_t *)(memory + 3 * VMBUS_PAGE + 8 + 8 * group);
}

static void monitored(void **state)
{
	const struct msg_offer *offer;
	unsigned int i;

	start();
	for (i = 0; i < 33; i++)
		assert_true(did("add " CLASS));
	assert_true(did("add " CLASS " monitor sink"));
	connect();
	offer = received(MSG_OFFER);
	assert_true(offer->monitor_allocated == 1 && offer->monitor == 33);
	open_channel(&e);
	/* Written without a hypercall. */
	tx_header(&e)->interrupt_mask = 1;
	assert_true(send_traffic(&e, 0, 24, false));
	tx_header(&e)->interrupt_mask = 0;
	*pending(1) = 3;
	sleep_ns(MSEC);
	assert_int_equal(stat_of("stats 33", "rx_packets"), 1);
	assert_int_equal(stat_of("stats 33", "signals_in"), 1);
	/* Only the bit that was looked at is gone. */
	assert_int_equal(*pending(1), 1);
	/* A signal that nothing asked for is one here, too. */
	*pending(1) = 2;
	sleep_ns(MSEC);
	*pending(1) = 2;
	sleep_ns(MSEC);
	assert_int_equal(stat_of("stats 33", "signals_wrong"), 1);
	end();
}

static void not_monitored(void **state)
{
	const struct msg_offer *offer;

	start();
	assert_true(did("add " CLASS));
	connect();
	offer = received(MSG_OFFER);
	assert_false(offer->monitor_allocated);
	open_channel(&e);
	*pending(0) = 1;
	sleep_ns(SEC);
	assert_int_equal(*pending(0), 1);
	assert_int_equal(stat_of("stats 0", "signals_in"), 0);
	end();
}

/* A page that is none. */
static void no_page(void **state)
{
	struct msg_contact msg = {
		.h.type = MSG_INITIATE_CONTACT,
		.version = VMBUS_VERSION(5, 3), .sint = VMBUS_SINT,
		.monitor_page = { 4096, PAGES * VMBUS_PAGE - 8 },
	};
	struct msg_header request = { .type = MSG_REQUEST_OFFERS };

	start();
	assert_true(did("add " CLASS " monitor sink"));
	connection = VMBUS_CONNECTION_NEW;
	post(&msg, sizeof(msg));
	assert_true(bus->errors == 1);
	post(&request, sizeof(request));
	open_channel(&e);
	sleep_ns(SEC);
	end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(monitored),
		cmocka_unit_test(not_monitored),
		cmocka_unit_test(no_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
