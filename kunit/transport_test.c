// SPDX-License-Identifier: GPL-2.0
/*
 * The library on a transport that is the test itself: when it is asked to watch
 * a class, open, close and release a device, and what becomes of a channel whose
 * other side writes nonsense into the rings.
 *
 * The transport's operations run on the library's workqueue, one channel's at a
 * time; the tests look at their counts when the channel has come to rest.
 */
#include <linux/bottom_half.h>

#include "harness.h"
#include "ring_fixture.h"

#define RING_BYTES	(16 * PAGE_SIZE)

static struct {
	struct ring_fixture *out;	/* the channel writes */
	struct ring_fixture *in;	/* the test writes */
	struct kmcl_offer *offer;
	guid_t watched;
	int watch_result;
	bool watch_once;		/* it is the first one's only */
	int open_result;
	bool gpadls_first;
	struct completion *close_waits;	/* before it closes */
	int watches;
	int unwatches;
	int opens;
	int closes;
	int releases;
	int signals;
	int fulls;
	int first_fulls;
	int closes_at_done;
	struct kmcl_packet *meanwhile;	/* sent by the next signal */
	struct kmcl_packet *done[2];
	unsigned int ndone;
	int status;
} fake;

static int fake_watch(const guid_t *type)
{
	int result = fake.watch_result;

	fake.watches++;
	fake.watched = *type;
	if (fake.watch_once)
		fake.watch_result = 0;
	return result;
}

static void fake_unwatch(const guid_t *type)
{
	fake.unwatches++;
}

static int fake_open(struct kmcl_offer *offer, u32 tx_bytes, u32 rx_bytes,
		     struct kmcl_ring *tx, struct kmcl_ring *rx)
{
	if (fake.open_result)
		return fake.open_result;
	fake.opens++;
	ring_at(fake.out, 0, 0);
	ring_at(fake.in, 0, 0);
	kmcl_ring_init(tx, fake.out->ctl, fake.out->data, fake.out->size);
	kmcl_ring_init(rx, fake.in->ctl, fake.in->data, fake.in->size);
	return 0;
}

static void fake_close(struct kmcl_offer *offer)
{
	if (fake.close_waits)
		wait_for_completion_timeout(fake.close_waits, LOOP_LIMIT);
	WRITE_ONCE(fake.closes, fake.closes + 1);
}

static bool fake_gpadls_first(struct kmcl_offer *offer)
{
	return fake.gpadls_first;
}

/* As when a bus removes the device: the offer is gone before this returns */
static void fake_release(struct kmcl_offer *offer)
{
	fake.releases++;
	fake.offer = NULL;
	kmcl_offer_gone(offer);
}

static void fake_signal(struct kmcl_offer *offer)
{
	struct kmcl_packet *pkt = fake.meanwhile;
	u64 value = 2;

	fake.signals++;
	fake.meanwhile = NULL;
	/* As another processor may, while this one signals */
	if (pkt)
		kmcl_send(pkt, &value, sizeof(value), 0);
}

static void fake_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	if (fake.ndone < ARRAY_SIZE(fake.done))
		fake.done[fake.ndone] = pkt;
	fake.closes_at_done = READ_ONCE(fake.closes);
	fake.status = status;
	fake.ndone++;
}

static void fake_mmio(struct kmcl_offer *offer, u64 *start, u64 *size)
{
	*start = 0xf8000000;
	*size = 0x800000;
}

static void fake_full(struct kmcl_offer *offer, bool first)
{
	fake.fulls++;
	fake.first_fulls += first;
}

static const struct kmcl_transport_ops fake_ops = {
	.name = "test",
	.watch = fake_watch,
	.unwatch = fake_unwatch,
	.open = fake_open,
	.close = fake_close,
	.release = fake_release,
	.signal = fake_signal,
	.gpadls_first = fake_gpadls_first,
	.mmio = fake_mmio,
	.full = fake_full,
};

static void offer(struct loop *loop)
{
	struct kmcl_offer *offer;

	offer = kmcl_offer_add(&fake_ops, &loop->type, &loop->instance,
			       NULL, &fake);
	KUNIT_ASSERT_FALSE(loop->test, IS_ERR(offer));
	KUNIT_EXPECT_PTR_EQ(loop->test, kmcl_offer_priv(offer), (void *)&fake);
	fake.offer = offer;
}

/* The transport is there, the device is offered, the channel runs */
static void fake_up(struct loop *loop)
{
	KUNIT_ASSERT_EQ(loop->test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_ASSERT_EQ(loop->test, kmcl_channel_enable(loop->client.ch), 0);
	offer(loop);
	loop_wait_log(&loop->client, 'p', 1);
}

/* The other side writes a packet and interrupts */
static void fake_packet(struct loop *loop, u64 value)
{
	KUNIT_ASSERT_EQ(loop->test, 0,
			kmcl_ring_put(&fake.in->tx, KMCL_WIRE_DATA_INBAND, 0, 1,
				      NULL, 0, &value, sizeof(value)));
	kmcl_ring_commit(&fake.in->tx);
}

static void interrupt(void)
{
	local_bh_disable();
	kmcl_offer_signalled(fake.offer);
	local_bh_enable();
}

static void what_channels_want_is_watched(struct kunit *test)
{
	struct loop *loop = test->priv;

	/* Enabled before there is a transport: found when it comes */
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);
	KUNIT_EXPECT_TRUE(test, guid_equal(&fake.watched, &loop->type));
	KUNIT_EXPECT_EQ(test, kmcl_transport_register(&fake_ops), -EBUSY);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);

	kmcl_channel_disable(loop->client.ch);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	KUNIT_EXPECT_EQ(test, fake.watches - fake.unwatches, 1);

	/* Another class: the first one is let go */
	kmcl_channel_disable(loop->client.ch);
	guid_gen(&loop->type);
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_target(loop->client.ch, &loop->type,
						 NULL, NULL));
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	KUNIT_EXPECT_TRUE(test, guid_equal(&fake.watched, &loop->type));
	KUNIT_EXPECT_EQ(test, fake.watches - fake.unwatches, 1);

	kmcl_transport_unregister(&fake_ops);
	KUNIT_EXPECT_EQ(test, fake.watches, fake.unwatches);
	/* A second time, and for one that is not there, nothing happens */
	kmcl_transport_unregister(&fake_ops);
	KUNIT_EXPECT_EQ(test, fake.watches, fake.unwatches);
}

static void a_class_that_cannot_be_watched(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake.watch_result = -EBUSY;
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	/* The transport is there all the same; a message names the channel */
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);
	kmcl_channel_disable(loop->client.ch);

	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(loop->client.ch), -EBUSY);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(loop->client.ch),
			   "Disabled");
	fake.watch_result = 0;
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	KUNIT_EXPECT_EQ(test, fake.unwatches, 0);
}

/* One channel's class cannot be watched: the others' are */
static void the_next_class_is_watched(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *other;
	guid_t type;

	guid_gen(&type);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(NULL, false, &other));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_target(other, &type, NULL, NULL));
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(other), 0);
	fake.watch_result = -EBUSY;
	fake.watch_once = true;
	KUNIT_EXPECT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_EXPECT_EQ(test, fake.watches, 2);
	KUNIT_EXPECT_TRUE(test, guid_equal(&fake.watched, &type));
	kmcl_channel_disable(other);
	kmcl_channel_free(other);
	KUNIT_EXPECT_EQ(test, fake.unwatches, 1);
}

static void a_device_is_opened_and_closed(struct kunit *test)
{
	struct loop *loop = test->priv;
	u64 start, size;

	kmcl_get_mmio(loop->client.ch, &start, &size);
	KUNIT_EXPECT_EQ(test, size, 0);
	fake_up(loop);
	KUNIT_EXPECT_EQ(test, fake.opens, 1);
	kmcl_get_mmio(loop->client.ch, &start, &size);
	KUNIT_EXPECT_EQ(test, start, 0xf8000000);
	KUNIT_EXPECT_EQ(test, size, 0x800000);

	fake_packet(loop, 42);
	interrupt();
	loop_wait(&loop->client, loop_got(&loop->client) == 1);
	KUNIT_EXPECT_EQ(test, loop->client.got[0], 42);
	loop_send(&loop->client, 1, 0);
	KUNIT_EXPECT_GT(test, fake.signals, 0);

	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, fake.closes, 1);
	KUNIT_EXPECT_EQ(test, fake.releases, 0);
	kmcl_get_mmio(loop->client.ch, &start, &size);
	KUNIT_EXPECT_EQ(test, size, 0);
	/* Nobody is bound: an interrupt that was late finds nothing */
	interrupt();
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 1);
}

static void a_rescinded_device_is_given_back(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake_up(loop);
	kmcl_offer_rescind(fake.offer);
	loop_wait_state(&loop->client, "Disabled");
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, fake.closes, 1);
	KUNIT_EXPECT_EQ(test, fake.releases, 1);

	/* It comes back, as another offer */
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	offer(loop);
	loop_wait_log(&loop->client, 'p', 2);
	KUNIT_EXPECT_EQ(test, fake.opens, 2);
}

static void a_device_that_cannot_be_opened(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake.open_result = -ECONNREFUSED;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	offer(loop);
	loop_wait_log(&loop->client, 'f', 1);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_EQ(test, loop->failure, -ECONNREFUSED);
	KUNIT_EXPECT_EQ(test, fake.closes, 0);
	KUNIT_EXPECT_EQ(test, loop_log_count(&loop->client, 'O'), 0);
}

/* The instance is the device's while the channel is bound, and after it closed */
static void the_instance_of_a_device_that_was_not_opened(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	guid_t instance;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_target(ch, &loop->type, NULL, NULL));
	fake.open_result = -ECONNREFUSED;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(ch), 0);
	offer(loop);
	loop_wait_state(&loop->client, "Disabled");
	kmcl_get_instance(ch, &instance);
	KUNIT_EXPECT_TRUE(test, guid_is_null(&instance));

	fake.open_result = 0;
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(ch), 0);
	loop_wait_log(&loop->client, 'p', 1);
	kmcl_channel_disable(ch);
	kmcl_get_instance(ch, &instance);
	KUNIT_EXPECT_TRUE(test, guid_equal(&instance, &loop->instance));
}

/* As while the host takes the device away: the channel waits for the next one */
static void an_open_that_a_rescind_overtakes(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake.open_result = -ENODEV;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	offer(loop);
	flush_workqueue(kmcl_wq);
	kmcl_offer_rescind(fake.offer);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, fake.releases, 1);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(loop->client.ch),
			   "Enabled");
	KUNIT_EXPECT_EQ(test, loop_log_count(&loop->client, 'F'), 0);

	fake.open_result = 0;
	offer(loop);
	loop_wait_log(&loop->client, 'p', 1);
}

/* A packet that waits for a completion, with memory of its own if @mdl says so */
static struct kmcl_packet *in_flight(struct loop *loop,
				     const struct kmcl_mdl *mdl)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(loop->client.ch);
	u64 value = 1;

	KUNIT_ASSERT_NOT_NULL(loop->test, pkt);
	kmcl_packet_set_done(pkt, fake_done);
	KUNIT_ASSERT_EQ(loop->test, 0, mdl ?
			kmcl_send_mdl(pkt, &value, sizeof(value), mdl,
				      KMCL_SEND_WAIT) :
			kmcl_send(pkt, &value, sizeof(value), KMCL_SEND_WAIT));
	KUNIT_EXPECT_EQ(loop->test, loop_counters(&loop->client).in_flight, 1);
	return pkt;
}

/* A callback that waits for a packet's end does not keep it from ending */
static void a_rescind_ends_packets_while_a_callback_blocks(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;

	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	loop_hold(&loop->client, 'P');
	offer(loop);
	loop_wait_held(&loop->client);
	pkt = in_flight(loop, NULL);
	kmcl_offer_rescind(fake.offer);
	/* Softirq context, which the call above was followed by */
	wait_event_timeout(loop->client.wait, READ_ONCE(fake.ndone), HZ / 100);
	KUNIT_EXPECT_EQ(test, fake.ndone, 1);
	KUNIT_EXPECT_EQ(test, fake.status, -ENODEV);
	KUNIT_EXPECT_EQ(test, loop_log_count(&loop->client, 'p'), 0);
	loop_release(&loop->client);
	loop_wait_log(&loop->client, 'c', 1);
	loop_expect_log(&loop->client, "OoSsPpUuCc");
	KUNIT_EXPECT_EQ(test, fake.ndone, 1);
	kmcl_packet_free(pkt);
}

/*
 * Whoever unbinds a device has not told its host: until the rings are closed that
 * may use what a packet describes.
 */
static void memory_is_the_hosts_until_the_close(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;
	struct kmcl_mdl *mdl;
	void *mem;

	mem = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	mdl = kmcl_mdl_from_buffer(mem, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, mdl);

	/* Unbound */
	fake_up(loop);
	pkt = in_flight(loop, mdl);
	kmcl_offer_gone(fake.offer);
	fake.offer = NULL;
	KUNIT_EXPECT_EQ(test, fake.ndone, 1);
	KUNIT_EXPECT_EQ(test, fake.status, -ENODEV);
	KUNIT_EXPECT_EQ(test, fake.closes_at_done, 1);
	loop_expect_log(&loop->client, "OoSsPpUuCc");
	kmcl_packet_free(pkt);

	/* Disabled, where the closed callback comes before the close */
	fake.gpadls_first = true;
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	offer(loop);
	loop_wait_log(&loop->client, 'p', 2);
	pkt = in_flight(loop, mdl);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, fake.ndone, 2);
	KUNIT_EXPECT_EQ(test, fake.status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, fake.closes_at_done, 2);
	kmcl_packet_free(pkt);
	kmcl_mdl_free(mdl);
}

static void pause_channel(void *data)
{
	struct loop *loop = data;

	kmcl_channel_pause(loop->client.ch);
}

/* Once Closed has returned the channel is disabled: it starts paused next time */
static void a_pause_right_after_closed(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct completion close;
	struct job *pause;

	init_completion(&close);
	fake_up(loop);
	fake.close_waits = &close;
	kmcl_offer_rescind(fake.offer);
	loop_wait_log(&loop->client, 'c', 1);
	pause = loop_job(loop, pause_channel, loop);
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&pause->done,
							  HZ / 20), 0);
	complete_all(&close);
	loop_job_wait(pause);
	fake.close_waits = NULL;
	flush_workqueue(kmcl_wq);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	offer(loop);
	loop_wait_state(&loop->client, "Paused");
}

/* Nobody reads: each attempt without room is told, the first one as such */
static void a_full_ring_is_told(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	fake_up(loop);
	/* 24 bytes of header and trailer, and strictly more room than needed */
	for (i = 0; i < 20; i++)
		loop_send_long(&loop->client, i, 4000, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued,
			20 - (RING_BYTES - 1) / 4024);
	KUNIT_EXPECT_EQ(test, fake.first_fulls, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).full, fake.fulls);
}

/* Receiving stops, is counted once, and works again after a new opening */
static void expect_broken_until_reopened(struct kunit *test)
{
	struct loop *loop = test->priv;

	interrupt();
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 1);
	interrupt();
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 1);
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 0);

	kmcl_channel_disable(loop->client.ch);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	loop_wait_log(&loop->client, 'p', 2);
	fake_packet(loop, 7);
	interrupt();
	loop_wait(&loop->client, loop_got(&loop->client) == 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).bad_packets, 1);
}

static void a_write_index_outside_the_ring_stops_receiving(struct kunit *test)
{
	fake_up(test->priv);
	WRITE_ONCE(fake.in->ctl->write_index, fake.in->size + 8);
	expect_broken_until_reopened(test);
}

static void a_length_beyond_the_data_stops_receiving(struct kunit *test)
{
	struct kmcl_wire_desc desc = {
		.type = cpu_to_le16(KMCL_WIRE_DATA_INBAND),
		.offset8 = cpu_to_le16(2),
		.len8 = cpu_to_le16(0xffff),
	};

	fake_up(test->priv);
	memcpy(fake.in->data, &desc, sizeof(desc));
	WRITE_ONCE(fake.in->ctl->write_index, 64);
	expect_broken_until_reopened(test);
}

/* Packets that need room are queued, and go out after a new opening */
static void a_read_index_outside_the_ring_stops_sending(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 count = 8, queued, i;

	fake_up(loop);
	/* It is read when room is needed that is not known of, as for the first */
	WRITE_ONCE(fake.out->ctl->read_index, fake.out->size + 4);
	for (i = 0; i < count; i++)
		loop_send_long(&loop->client, i, 4000, 0);
	queued = loop_counters(&loop->client).queued;
	KUNIT_EXPECT_GT(test, queued, 0);
	KUNIT_EXPECT_EQ(test, queued + loop_done(&loop->client), count);

	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, queued);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	loop_wait(&loop->client, loop_done(&loop->client) == count);
}

static void routines_keep_the_order_while_somebody_signals(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt[2];
	u64 value = 1;
	int i;

	fake_up(loop);
	for (i = 0; i < 2; i++) {
		pkt[i] = kmcl_packet_alloc(loop->client.ch);
		KUNIT_ASSERT_NOT_NULL(test, pkt[i]);
		kmcl_packet_set_done(pkt[i], fake_done);
	}
	/* The ring is empty: this one signals */
	fake.meanwhile = pkt[1];
	KUNIT_ASSERT_EQ(test, kmcl_send(pkt[0], &value, sizeof(value), 0), 0);
	KUNIT_EXPECT_EQ(test, fake.signals, 1);
	KUNIT_ASSERT_EQ(test, fake.ndone, 2);
	KUNIT_EXPECT_PTR_EQ(test, fake.done[0], pkt[0]);
	KUNIT_EXPECT_PTR_EQ(test, fake.done[1], pkt[1]);
	kmcl_packet_free(pkt[0]);
	kmcl_packet_free(pkt[1]);
}

static void transport_exit(struct kunit *test)
{
	struct loop *loop = test->priv;

	if (loop)
		loop_exit(test);
	if (fake.offer)
		kmcl_offer_gone(fake.offer);
	kmcl_transport_unregister(&fake_ops);
	if (loop) {
		KUNIT_EXPECT_EQ(test, fake.opens, fake.closes);
		if (!fake.watch_result)
			KUNIT_EXPECT_GE(test, fake.watches, fake.unwatches);
	}
}

static int transport_init(struct kunit *test)
{
	memset(&fake, 0, sizeof(fake));
	fake.out = ring_fixture_new(test, RING_BYTES);
	fake.in = ring_fixture_new(test, RING_BYTES);
	return loop_init(test);
}

static struct kunit_case transport_cases[] = {
	KUNIT_CASE(what_channels_want_is_watched),
	KUNIT_CASE(a_class_that_cannot_be_watched),
	KUNIT_CASE(the_next_class_is_watched),
	/* KMCL: VmbChannelGetMmioSpace */
	KUNIT_CASE(a_device_is_opened_and_closed),
	/* KMCL: VmbChannelEnable */
	KUNIT_CASE(a_rescinded_device_is_given_back),
	/* KMCL: EVT_VMB_CHANNEL_PNP_FAILURE */
	KUNIT_CASE(a_device_that_cannot_be_opened),
	KUNIT_CASE(an_open_that_a_rescind_overtakes),
	/* KMCL: VmbChannelGetInterfaceInstance */
	KUNIT_CASE(the_instance_of_a_device_that_was_not_opened),
	/* KMCL: EVT_VMB_PACKET_COMPLETION_ROUTINE */
	KUNIT_CASE(a_rescind_ends_packets_while_a_callback_blocks),
	KUNIT_CASE(memory_is_the_hosts_until_the_close),
	/* KMCL: VmbChannelPause */
	KUNIT_CASE(a_pause_right_after_closed),
	KUNIT_CASE(a_full_ring_is_told),
	KUNIT_CASE(routines_keep_the_order_while_somebody_signals),
	KUNIT_CASE(a_write_index_outside_the_ring_stops_receiving),
	KUNIT_CASE(a_length_beyond_the_data_stops_receiving),
	KUNIT_CASE(a_read_index_outside_the_ring_stops_sending),
	{}
};

static struct kunit_suite transport_suite = {
	.name = "kmcl_transport",
	.init = transport_init,
	.exit = transport_exit,
	.test_cases = transport_cases,
};

kunit_test_suite(transport_suite);
