// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptions that are refused, who ends a channel that was made from one, its
 * rings, modules of one client, and sending a buffer. See client_test.c for what a
 * description says.
 *
 * State callbacks run on the library's workqueue and count; the tests wait for
 * the counts.
 */
#include <kunit/device.h>

#include <linux/device.h>
#include <linux/module.h>
#include <linux/string.h>

#include <trace/events/printk.h>

#include "fake_transport.h"
#include "leaks.h"

/* It is the test that loads and unloads the modules below */
#undef __init
#undef __exit
#undef module_init
#undef module_exit
#define __init
#define __exit	__maybe_unused
#define module_init(fn)
#define module_exit(fn)

#define TYPE	GUID_INIT(0x7d1c9b52, 0x3a40, 0x4f7e, \
			  0x9c, 0x15, 0x60, 0x0e, 0xb1, 0x7d, 0x22, 0x11)

static struct {
	wait_queue_head_t wait;
	int opened;
	int closed;
	int failures;
	u32 tx_bytes, rx_bytes;		/* of the rings that were requested */
	int done;
	int late;			/* of a send while it is freed */
	char logged[120];		/* the library's line in the kernel's log */
} fx;

static const guid_t instance =
	GUID_INIT(0x7d1c9b52, 0x3a40, 0x4f7e,
		  0x9c, 0x15, 0x60, 0x0e, 0xb1, 0x7d, 0x22, 0x12);

static int on_opened(struct kmcl_channel *ch)
{
	fx.opened++;
	wake_up_all(&fx.wait);
	return 0;
}

static void on_closed(struct kmcl_channel *ch)
{
	fx.closed++;
	wake_up_all(&fx.wait);
}

static void on_processed(struct kmcl_channel *ch, u32 packets)
{
}

static void on_failure(struct kmcl_channel *ch, int status)
{
	fx.failures++;
	wake_up_all(&fx.wait);
}

static const struct kmcl_client client = {
	.name = "one",
	.type = TYPE,
	.opened = on_opened,
	.closed = on_closed,
};

static const struct kmcl_client wrong_client = {
	.name = "one",
	.type = TYPE,
	.flags = BIT(31),
};

static const struct kmcl_server server = {
	.name = "other",
	.type = TYPE,
	.instance = &instance,
};

module_kmcl_client(client);
module_kmcl_client(wrong_client);

struct refusal {
	const char *field;
	struct kmcl_client client;
	struct kmcl_server server;
	bool is_server;
};

#define CLIENT(name, ...)						\
	{ .field = #name, .client = { .type = TYPE, __VA_ARGS__ } }
#define SERVER(name, ...)						\
	{ .field = #name, .is_server = true,				\
	  .server = { .type = TYPE, .instance = &instance, __VA_ARGS__ } }

static const struct refusal refusals[] = {
	{ .field = "type", .client = { .name = "no class, no parent" } },
	CLIENT(flags, .flags = 8),
	CLIENT(flags, .flags = BIT(31) | KMCL_INIT_PIPE),
	CLIENT(packet_bytes, .packet_bytes = KMCL_PACKET_SIZE_MAX + 1),
	CLIENT(packet_bytes, .packet_bytes = U32_MAX),
	CLIENT(context_bytes, .context_bytes = 65537),
	CLIENT(tx_ring_bytes, .tx_ring_bytes = SZ_1G + 1),
	CLIENT(tx_ring_bytes, .tx_ring_bytes = U32_MAX),
	CLIENT(rx_ring_bytes, .rx_ring_bytes = SZ_1G + 1),
	CLIENT(rx_ring_bytes, .rx_ring_bytes = U32_MAX),
	CLIENT(process, .processed = on_processed),
	{ .field = "type", .is_server = true,
	  .server = { .instance = &instance } },
	{ .field = "instance", .is_server = true, .server = { .type = TYPE } },
	SERVER(flags, .flags = 4),
	SERVER(server_flags, .server_flags = 0x20),
	SERVER(packet_bytes, .packet_bytes = KMCL_PACKET_SIZE_MAX + 1),
	SERVER(context_bytes, .context_bytes = 65537),
	SERVER(process, .processed = on_processed),
};

static void describe(const struct refusal *r, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s %s",
		 r->is_server ? "server" : "client", r->field);
}

KUNIT_ARRAY_PARAM(refusal, refusals, describe);

/* Copy the library's line */
static void probe_console(void *data, const char *text, size_t len)
{
	const char *line = strnstr(text, "cannot be created", len);

	if (line)
		scnprintf(fx.logged, sizeof(fx.logged), "%.*s",
			  (int)(text + len - line), line);
}

static void a_wrong_field_is_named(struct kunit *test)
{
	const struct refusal *r = test->param_value;
	struct kmcl_channel *ch;
	char want[80];

	snprintf(want, sizeof(want), "cannot be created: invalid %s", r->field);
	register_trace_console(probe_console, NULL);
	if (r->is_server)
		ch = kmcl_server_create(NULL, &r->server, NULL);
	else
		ch = kmcl_client_create(NULL, &r->client, NULL);
	unregister_trace_console(probe_console, NULL);
	tracepoint_synchronize_unregister();
	KUNIT_EXPECT_PTR_EQ(test, ch, ERR_PTR(-EINVAL));
	if (IS_ENABLED(CONFIG_TRACEPOINTS))
		KUNIT_EXPECT_STREQ(test, strim(fx.logged), want);
}

/* The largest values that are valid */
static void the_limits_are_not_refused(struct kunit *test)
{
	struct kmcl_client c = client;
	struct kmcl_channel *ch;

	c.packet_bytes = KMCL_PACKET_SIZE_MAX;
	c.context_bytes = 65536;
	c.external_bytes = U32_MAX;
	c.external_ranges = U32_MAX;
	c.tx_ring_bytes = SZ_1G;
	c.rx_ring_bytes = SZ_1G;
	c.quota = U32_MAX;
	ch = kmcl_client_create(NULL, &c, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ch);
	KUNIT_EXPECT_EQ(test, kmcl_channel_free(ch), 0);
}

static void nothing_is_created_from_nothing(struct kunit *test)
{
	KUNIT_EXPECT_PTR_EQ(test, kmcl_client_create(NULL, NULL, NULL),
			    ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, kmcl_server_create(NULL, NULL, NULL),
			    ERR_PTR(-EINVAL));
	KUNIT_EXPECT_PTR_EQ(test, devm_kmcl_client_create(NULL, &client, NULL),
			    ERR_PTR(-EINVAL));
}

static void wait_opened(struct kunit *test, int times)
{
	KUNIT_ASSERT_GT(test, wait_event_timeout(fx.wait, fx.opened == times,
						 LOOP_LIMIT), 0);
}

static struct kmcl_channel *start_server(struct kunit *test)
{
	struct kmcl_channel *ch = kmcl_server_create(NULL, &server, NULL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ch);
	KUNIT_EXPECT_EQ(test, kmcl_channel_start(ch), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(ch), 0);
	return ch;
}

static void end(struct kmcl_channel *ch)
{
	kmcl_channel_disable(ch);
	kmcl_channel_free(ch);
}

static void a_channel_ends_with_its_parent(struct kunit *test)
{
	struct device *parent = kunit_device_register(test, "kmcl-client");
	struct kmcl_channel *ch, *other;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, parent);
	get_device(parent);
	ch = devm_kmcl_client_create(parent, &client, &fx);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ch);
	KUNIT_EXPECT_PTR_EQ(test, kmcl_get_pointer(ch), (void *)&fx);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(ch), "Disabled");
	KUNIT_EXPECT_PTR_EQ(test,
			    devm_kmcl_client_create(parent, &wrong_client, NULL),
			    ERR_PTR(-EINVAL));

	other = start_server(test);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(ch), 0);
	wait_opened(test, 1);
	KUNIT_EXPECT_EQ(test, fx.closed, 0);
	kunit_device_unregister(test, parent);
	KUNIT_EXPECT_EQ(test, fx.closed, 1);
	/* The channel had a reference as well */
	KUNIT_EXPECT_EQ(test, kref_read(&parent->kobj.kref), 1);
	put_device(parent);
	end(other);
}

static void a_parent_of_another_bus_is_no_device(struct kunit *test)
{
	static const struct kmcl_client no_class = { .name = "no class" };
	struct device *parent = kunit_device_register(test, "kmcl-client");

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, parent);
	KUNIT_EXPECT_PTR_EQ(test, kmcl_client_create(parent, &no_class, NULL),
			    ERR_PTR(-EINVAL));
}

static void a_module_of_one_client(struct kunit *test)
{
	struct kmcl_channel *other;
	int i;

	for (i = 1; i <= 2; i++) {
		KUNIT_ASSERT_EQ(test, client_init(), 0);
		other = start_server(test);
		wait_opened(test, i);
		KUNIT_EXPECT_EQ(test, fx.closed, i - 1);
		client_exit();
		KUNIT_EXPECT_EQ(test, fx.closed, i);
		end(other);
	}
	KUNIT_EXPECT_EQ(test, wrong_client_init(), -EINVAL);
}

static void a_module_whose_client_cannot_be_enabled(struct kunit *test)
{
	fake.watch_result = -ENOMEM;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_EXPECT_EQ(test, client_init(), -ENOMEM);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);
	/* The channel is freed, so no class is watched */
	kmcl_transport_unregister(&fake_ops);
	fake.watch_result = 0;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);
	kmcl_transport_unregister(&fake_ops);
}

static void a_buffer_is_copied_and_sent(struct kunit *test)
{
	struct kmcl_channel *ch, *other;
	struct kmcl_counters n;
	char buf[] = "before";

	ch = kmcl_client_create(NULL, &client, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ch);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(ch, buf, sizeof(buf)), 0);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(ch, NULL, 0), 0);
	memset(buf, 0, sizeof(buf));
	kmcl_get_counters(ch, &n);
	KUNIT_EXPECT_EQ(test, n.queued, 2);

	/* The queue is sent without another call */
	other = start_server(test);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(ch), 0);
	KUNIT_EXPECT_TRUE(test,
			  loop_comes_true(fx.wait, (kmcl_get_counters(ch, &n),
						    n.completed == 2)));
	KUNIT_EXPECT_EQ(test, n.sent, 2);
	KUNIT_EXPECT_EQ(test, n.in_ring, 2);
	end(ch);
	end(other);
}

static int refuse_open(struct kmcl_offer *offer, struct kmcl_ring *tx,
		       struct kmcl_ring *rx)
{
	fx.tx_bytes = offer->ch->cfg.tx_pages * KMCL_PAGE_SIZE;
	fx.rx_bytes = offer->ch->cfg.rx_pages * KMCL_PAGE_SIZE;
	return -ECONNREFUSED;
}

/* Enable the client on a transport that records its calls */
static void ask_for_rings(struct kunit *test, u32 tx_bytes, u32 rx_bytes)
{
	struct kmcl_transport_ops ops = fake_ops;
	struct kmcl_client c = client;
	struct kmcl_channel *ch;
	struct kmcl_offer *offer;

	c.tx_ring_bytes = tx_bytes;
	c.rx_ring_bytes = rx_bytes;
	c.external_ranges = 1;
	c.failure = on_failure;
	fx.failures = 0;
	ch = kmcl_client_create(NULL, &c, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ch);
	ops.open = refuse_open;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&ops), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(ch), 0);
	offer = kmcl_offer_add(&ops, &client.type, &instance, NULL, NULL);
	KUNIT_EXPECT_NOT_ERR_OR_NULL(test, offer);
	KUNIT_EXPECT_TRUE(test, loop_comes_true(fx.wait, fx.failures));
	end(ch);
	if (!IS_ERR(offer))
		kmcl_offer_gone(offer);
	kmcl_transport_unregister(&ops);
}

static void the_rings_are_as_asked_for(struct kunit *test)
{
	ask_for_rings(test, 40 * 4096, 9 * 4096);
	KUNIT_EXPECT_EQ(test, fx.tx_bytes, 40 * 4096);
	KUNIT_EXPECT_EQ(test, fx.rx_bytes, 9 * 4096);
	/* To the next page */
	ask_for_rings(test, 40 * 4096 + 1, 9 * 4096 - 1);
	KUNIT_EXPECT_EQ(test, fx.tx_bytes, 41 * 4096);
	KUNIT_EXPECT_EQ(test, fx.rx_bytes, 9 * 4096);
	/* Both directions have their own size */
	ask_for_rings(test, 0, 9 * 4096);
	KUNIT_EXPECT_EQ(test, fx.tx_bytes, 5 * 4096);
	KUNIT_EXPECT_EQ(test, fx.rx_bytes, 9 * 4096);
	ask_for_rings(test, 40 * 4096, 0);
	KUNIT_EXPECT_EQ(test, fx.tx_bytes, 40 * 4096);
	KUNIT_EXPECT_EQ(test, fx.rx_bytes, 5 * 4096);
	/* Two packets of 4096 bytes, with headers */
	ask_for_rings(test, 1, 1);
	KUNIT_EXPECT_EQ(test, fx.tx_bytes, 4 * 4096);
	KUNIT_EXPECT_EQ(test, fx.rx_bytes, 4 * 4096);
}

static void on_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	fx.done++;
	fx.late = kmcl_send_buf(kmcl_packet_channel(pkt), "x", 1);
	kmcl_packet_free(pkt);
}

static void a_buffer_that_is_not_accepted(struct kunit *test)
{
	struct kmcl_channel *ch = kmcl_client_create(NULL, &client, NULL);
	struct kmcl_packet *pkt, *again;
	struct kmcl_counters n;
	u8 byte = 0;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ch);
	/* The packet that is freed last is the one that is allocated next */
	pkt = kmcl_packet_alloc(ch);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	kmcl_packet_free(pkt);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(ch, NULL, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(ch, &byte, 4097), -EMSGSIZE);
	kmcl_get_counters(ch, &n);
	KUNIT_EXPECT_EQ(test, n.accepted, 0);
	again = kmcl_packet_alloc(ch);
	KUNIT_EXPECT_PTR_EQ(test, again, pkt);

	/* Freeing the channel ends this one, whose routine is too late to send */
	kmcl_packet_set_done(again, on_done);
	KUNIT_EXPECT_EQ(test, kmcl_send(again, &byte, 1, 0), 0);
	KUNIT_EXPECT_EQ(test, kmcl_channel_free(ch), 0);
	KUNIT_EXPECT_EQ(test, fx.done, 1);
	KUNIT_EXPECT_EQ(test, fx.late, -ENODEV);
}

static int client_life_init(struct kunit *test)
{
	memset(&fx, 0, sizeof(fx));
	memset(&fake, 0, sizeof(fake));
	init_waitqueue_head(&fx.wait);
	return leaks_watch(test);
}

static struct kunit_case client_life_cases[] = {
	KUNIT_CASE_PARAM(a_wrong_field_is_named, refusal_gen_params),
	KUNIT_CASE(the_limits_are_not_refused),
	KUNIT_CASE(nothing_is_created_from_nothing),
	KUNIT_CASE(a_channel_ends_with_its_parent),
	KUNIT_CASE(a_parent_of_another_bus_is_no_device),
	KUNIT_CASE(a_module_of_one_client),
	KUNIT_CASE(a_module_whose_client_cannot_be_enabled),
	KUNIT_CASE(the_rings_are_as_asked_for),
	KUNIT_CASE(a_buffer_is_copied_and_sent),
	KUNIT_CASE(a_buffer_that_is_not_accepted),
	{}
};

static struct kunit_suite client_life_suite = {
	.name = "kmcl_client_life",
	.init = client_life_init,
	.test_cases = client_life_cases,
};

kunit_test_suite(client_life_suite);
