// SPDX-License-Identifier: GPL-2.0
/*
 * The library on a transport that is the test itself: when it is asked to watch
 * a class, open, close and release a device.
 *
 * The transport's operations run on the library's workqueue, one channel's at a
 * time; the tests look at their counts when nothing runs any more.
 */
#include "fake_transport.h"

static void the_class_of_an_enabled_channel_is_watched(struct kunit *test)
{
	struct loop *loop = test->priv;

	/* Enabled before the transport is registered, and watched once it is */
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);
	KUNIT_EXPECT_TRUE(test, guid_equal(&fake.watched, &loop->type));
	KUNIT_EXPECT_EQ(test, kmcl_transport_register(&fake_ops), -EBUSY);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);

	kmcl_channel_disable(loop->client.ch);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	KUNIT_EXPECT_EQ(test, fake.watches - fake.unwatches, 1);

	/* Another class: the first one is not watched any more */
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
	/* The transport is registered all the same; a message names the channel */
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
	struct job *disable;
	u64 start, size;

	kmcl_get_mmio(loop->client.ch, &start, &size);
	KUNIT_EXPECT_EQ(test, size, 0);
	fake_up(loop);
	KUNIT_EXPECT_EQ(test, fake.opens, 1);
	kmcl_get_mmio(loop->client.ch, &start, &size);
	KUNIT_EXPECT_EQ(test, start, 0xf8000000);
	KUNIT_EXPECT_EQ(test, size, 0x800000);

	fake_packet(loop, 42);
	fake_interrupt();
	loop_wait(&loop->client, loop_got(&loop->client) == 1);
	KUNIT_EXPECT_EQ(test, loop->client.got[0], 42);
	loop_send(&loop->client, 1, 0);
	KUNIT_EXPECT_GT(test, fake.signals, 0);

	loop_hold(&loop->client, CLOSED);
	disable = loop_disable(&loop->client);
	loop_wait_held(&loop->client);
	/* The driver may have it mapped until the callback has returned */
	KUNIT_EXPECT_EQ(test, fake.closes, 1);
	kmcl_get_mmio(loop->client.ch, &start, &size);
	KUNIT_EXPECT_EQ(test, start, 0xf8000000);
	KUNIT_EXPECT_EQ(test, fake.mmio_frees, 0);
	loop_release(&loop->client);
	loop_job_wait(disable);
	KUNIT_EXPECT_EQ(test, fake.mmio_frees, 1);
	KUNIT_EXPECT_EQ(test, fake.releases, 0);
	kmcl_get_mmio(loop->client.ch, &start, &size);
	KUNIT_EXPECT_EQ(test, size, 0);
	/* No channel is bound: a late interrupt has no effect */
	fake_interrupt();
	KUNIT_EXPECT_EQ(test, loop_got(&loop->client), 1);
}

static void one_without_gpadls(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 handle;
	void *mem;

	mem = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	fake_up(loop);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, kmcl_gpadl_create(loop->client.ch, 0, mem,
							     PAGE_SIZE, &handle));
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).gpadls, 0);
}

static void a_rescinded_device_is_released(struct kunit *test)
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
	fake_offer(loop);
	loop_wait_event(&loop->client, POST_STARTED, 2);
	KUNIT_EXPECT_EQ(test, fake.opens, 2);
}

static void a_device_that_cannot_be_opened(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake.open_result = -ECONNREFUSED;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	fake_offer(loop);
	loop_wait_event(&loop->client, FAILURE, 1);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_EQ(test, loop->failure, -ECONNREFUSED);
	KUNIT_EXPECT_EQ(test, fake.closes, 0);
	KUNIT_EXPECT_EQ(test, loop_count(&loop->client, OPENED_BEGINS), 0);
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
	fake_offer(loop);
	loop_wait_state(&loop->client, "Disabled");
	kmcl_get_instance(ch, &instance);
	KUNIT_EXPECT_TRUE(test, guid_is_null(&instance));

	fake.open_result = 0;
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(ch), 0);
	loop_wait_event(&loop->client, POST_STARTED, 1);
	kmcl_channel_disable(ch);
	kmcl_get_instance(ch, &instance);
	KUNIT_EXPECT_TRUE(test, guid_equal(&instance, &loop->instance));
}

/* As when the host rescinds meanwhile: the channel waits for the next offer */
static void a_rescind_while_the_device_is_opened(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake.open_result = -ENODEV;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	fake_offer(loop);
	flush_workqueue(kmcl_wq);
	kmcl_offer_rescind(fake.offer);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, fake.releases, 1);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(loop->client.ch),
			   "Enabled");
	KUNIT_EXPECT_EQ(test, loop_count(&loop->client, FAILURE_BEGINS), 0);

	fake.open_result = 0;
	fake_offer(loop);
	loop_wait_event(&loop->client, POST_STARTED, 1);
}

/* A packet that waits for a completion, with external data if there is an @mdl */
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

/*
 * A packet ends even while a callback waits for that. A completion that the host
 * had still sent for it is no error.
 */
static void a_rescind_ends_packets_while_a_callback_blocks(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;
	u64 trans_id;

	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	loop_hold(&loop->client, POST_STARTED);
	fake_offer(loop);
	loop_wait_held(&loop->client);
	pkt = in_flight(loop, NULL);
	trans_id = pkt->trans_id;
	kmcl_offer_rescind(fake.offer);
	/* The call above has run the softirq */
	loop_wait(&loop->client, READ_ONCE(fake.ndone) == 1);
	KUNIT_EXPECT_EQ(test, fake.status, -ENODEV);
	KUNIT_EXPECT_EQ(test, loop_count(&loop->client, POST_STARTED), 0);
	fake_completion(loop, trans_id);
	fake_packet(loop, 7);
	fake_interrupt();
	loop_wait(&loop->client, loop_got(&loop->client) == 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).comps_stale, 0);
	loop_release(&loop->client);
	loop_wait_event(&loop->client, CLOSED, 1);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
	KUNIT_EXPECT_EQ(test, fake.ndone, 1);
	kmcl_packet_free(pkt);
}

/*
 * An unbind does not inform the host, which may use the memory that a packet
 * describes until the rings are closed.
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
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
	kmcl_packet_free(pkt);

	/* Disabled, where the closed callback comes before the close */
	fake.gpadls_first = true;
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	fake_offer(loop);
	loop_wait_event(&loop->client, POST_STARTED, 2);
	pkt = in_flight(loop, mdl);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, fake.ndone, 2);
	KUNIT_EXPECT_EQ(test, fake.status, -ECANCELED);
	KUNIT_EXPECT_EQ(test, fake.closes_at_done, 2);
	kmcl_packet_free(pkt);

	/* Unbound, with the same order */
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	loop_wait_event(&loop->client, POST_STARTED, 3);
	pkt = in_flight(loop, mdl);
	kmcl_offer_gone(fake.offer);
	fake.offer = NULL;
	KUNIT_EXPECT_EQ(test, fake.ndone, 3);
	KUNIT_EXPECT_EQ(test, fake.status, -ENODEV);
	KUNIT_EXPECT_EQ(test, fake.closes_at_done, 3);
	kmcl_packet_free(pkt);
	kmcl_mdl_free(mdl);
}

static void unbind_device(void *data)
{
	kmcl_offer_gone(data);
}

/* The open succeeds, on a link that has ended by then: nothing is started */
static void a_device_is_unbound_while_it_is_opened(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct completion open;
	struct job *unbind;

	init_completion(&open);
	fake.open_waits = &open;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	fake_offer(loop);
	loop_wait(&loop->client, READ_ONCE(fake.opens) == 1);
	unbind = loop_job(loop, unbind_device, fake.offer);
	loop_wait(&loop->client, READ_ONCE(loop->client.ch->sm.in.dead));
	fake.offer = NULL;
	complete_all(&open);
	loop_job_wait(unbind);
	KUNIT_EXPECT_EQ(test, fake.closes, 1);
	KUNIT_EXPECT_EQ(test, fake.releases, 0);
	loop_wait_state(&loop->client, "Disabled");
	loop_expect_events(&loop->client, OPENED, CLOSED);
	fake.open_waits = NULL;
}

/*
 * A driver completes a packet when its device has been unbound, and the rings are gone.
 * Its memory is not that of a packet of the next opening, which may need more.
 */
static void a_packet_that_ends_after_its_rings(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *e = &loop->client;
	struct kmcl_rx *rx = &e->ch->rx;
	struct job *unbind;
	u32 bytes;

	e->keep = true;
	fake_up(loop);
	fake_packet(loop, 1);
	fake_interrupt();
	loop_wait(e, loop_kept(e) == 1);
	bytes = e->kept[0]->bytes;
	unbind = loop_job(loop, unbind_device, fake.offer);
	loop_wait_event(e, SUSPEND, 1);
	fake.offer = NULL;
	KUNIT_EXPECT_EQ(test, fake.closes, 1);
	loop_complete_all(e);
	loop_job_wait(unbind);
	loop_wait_state(e, "Disabled");
	KUNIT_EXPECT_EQ(test, rx->small.cached + rx->large.cached, 1);

	KUNIT_ASSERT_EQ(test, kmcl_set_context_size(e->ch, 2 * bytes), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(e->ch), 0);
	fake_offer(loop);
	loop_wait_event(e, POST_STARTED, 2);
	KUNIT_EXPECT_EQ(test, rx->small.cached + rx->large.cached, 0);
	fake_packet(loop, 2);
	fake_interrupt();
	loop_wait(e, loop_kept(e) == 1);
	KUNIT_EXPECT_GT(test, e->kept[0]->bytes, 2 * bytes);
	loop_complete_all(e);
}

/* Once Closed has returned the channel is disabled: it opens paused next time */
static void a_pause_right_after_closed(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct completion close;
	struct job *pause;

	init_completion(&close);
	fake_up(loop);
	fake.close_waits = &close;
	kmcl_offer_rescind(fake.offer);
	loop_wait_event(&loop->client, CLOSED, 1);
	pause = loop_pause(&loop->client);
	KUNIT_EXPECT_EQ(test, wait_for_completion_timeout(&pause->done,
							  HZ / 20), 0);
	complete_all(&close);
	loop_job_wait(pause);
	fake.close_waits = NULL;
	flush_workqueue(kmcl_wq);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	fake_offer(loop);
	loop_wait_state(&loop->client, "Paused");
}

static struct kunit_case transport_cases[] = {
	KUNIT_CASE(the_class_of_an_enabled_channel_is_watched),
	KUNIT_CASE(a_class_that_cannot_be_watched),
	KUNIT_CASE(the_next_class_is_watched),
	/* KMCL: VmbChannelGetMmioSpace */
	KUNIT_CASE(a_device_is_opened_and_closed),
	/* KMCL: VmbChannelCreateGpadlFromBuffer */
	KUNIT_CASE(one_without_gpadls),
	/* KMCL: VmbChannelEnable */
	KUNIT_CASE(a_rescinded_device_is_released),
	/* KMCL: EVT_VMB_CHANNEL_PNP_FAILURE */
	KUNIT_CASE(a_device_that_cannot_be_opened),
	KUNIT_CASE(a_rescind_while_the_device_is_opened),
	/* KMCL: VmbChannelGetInterfaceInstance */
	KUNIT_CASE(the_instance_of_a_device_that_was_not_opened),
	/* KMCL: EVT_VMB_PACKET_COMPLETION_ROUTINE */
	KUNIT_CASE(a_rescind_ends_packets_while_a_callback_blocks),
	KUNIT_CASE(memory_is_the_hosts_until_the_close),
	KUNIT_CASE(a_device_is_unbound_while_it_is_opened),
	KUNIT_CASE(a_packet_that_ends_after_its_rings),
	/* KMCL: VmbChannelPause */
	KUNIT_CASE(a_pause_right_after_closed),
	{}
};

static struct kunit_suite transport_suite = {
	.name = "kmcl_transport",
	.init = fake_init,
	.exit = fake_exit,
	.test_cases = transport_cases,
};

kunit_test_suite(transport_suite);
