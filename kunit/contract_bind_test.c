// SPDX-License-Identifier: GPL-2.0
/*
 * Which client an offer is for, which instance a channel is bound to, and what
 * a channel keeps of what it was given: callbacks, its parent, sizes.
 */
#include <linux/device.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "harness.h"

#define WAITERS	3

/* A client of any instance, besides the harness' own */
struct waiter {
	struct kmcl_channel *ch;
	u32 opened;
	u32 closed;
	u32 failed;
};

static struct {
	struct waiter w[WAITERS];
	wait_queue_head_t wait;
	struct kmcl_channel *second;	/* server, of another instance */
	guid_t instance;
	u32 refusals;			/* of the first server's, to come */
} fx;

static int on_opened(struct kmcl_channel *ch)
{
	struct waiter *w = kmcl_get_pointer(ch);

	WRITE_ONCE(w->opened, w->opened + 1);
	wake_up_all(&fx.wait);
	return 0;
}

static void on_closed(struct kmcl_channel *ch)
{
	struct waiter *w = kmcl_get_pointer(ch);

	WRITE_ONCE(w->closed, w->closed + 1);
	wake_up_all(&fx.wait);
}

static void on_failure(struct kmcl_channel *ch, int status)
{
	struct waiter *w = kmcl_get_pointer(ch);

	WRITE_ONCE(w->failed, w->failed + 1);
	wake_up_all(&fx.wait);
}

static const struct kmcl_channel_ops waiter_ops = {
	.opened = on_opened,
	.closed = on_closed,
};

static int bind_init(struct kunit *test)
{
	int ret = loop_init(test);
	struct loop *loop = test->priv;
	u32 i;

	memset(&fx, 0, sizeof(fx));
	init_waitqueue_head(&fx.wait);
	guid_gen(&fx.instance);
	for (i = 0; !ret && i < WAITERS; i++) {
		struct waiter *w = &fx.w[i];

		ret = kmcl_channel_alloc(NULL, false, &w->ch);
		if (ret)
			break;
		kmcl_set_pointer(w->ch, w);
		kmcl_set_ops(w->ch, &waiter_ops);
		ret = kmcl_set_target(w->ch, &loop->type, NULL, on_failure);
	}
	if (!ret)
		ret = kmcl_channel_alloc(NULL, true, &fx.second);
	if (!ret)
		ret = kmcl_server_set_target(fx.second, &loop->type,
					     &fx.instance);
	return ret;
}

static void bind_exit(struct kunit *test)
{
	u32 i;

	for (i = 0; i < WAITERS; i++) {
		if (!fx.w[i].ch)
			continue;
		kmcl_channel_disable(fx.w[i].ch);
		kmcl_channel_free(fx.w[i].ch);
	}
	if (fx.second) {
		kmcl_channel_disable(fx.second);
		kmcl_channel_free(fx.second);
	}
	loop_exit(test);
}

/* Enabled, and waiting for an offer when this returns */
static void enable_and_wait(struct kunit *test, struct waiter *w)
{
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(w->ch));
	flush_work(&w->ch->sm.work);
	KUNIT_ASSERT_STREQ(test, kmcl_channel_state_name(w->ch), "Enabled");
}

static void expect_opened(struct kunit *test, u32 first, u32 second, u32 third)
{
	const u32 expected[] = { first, second, third };
	u32 i;

	for (i = 0; i < WAITERS; i++)
		wait_event_timeout(fx.wait,
				   READ_ONCE(fx.w[i].opened) >= expected[i],
				   LOOP_LIMIT);
	/* No other one is about to open */
	flush_workqueue(kmcl_wq);
	for (i = 0; i < WAITERS; i++)
		KUNIT_EXPECT_EQ_MSG(test, fx.w[i].opened, expected[i],
				    "waiter %u", i);
}

static void first_come_first_served(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *first = loop->server.ch;

	/* In another order than they were made */
	enable_and_wait(test, &fx.w[2]);
	enable_and_wait(test, &fx.w[0]);
	enable_and_wait(test, &fx.w[1]);
	expect_opened(test, 0, 0, 0);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(first));
	/* One offer, one client */
	expect_opened(test, 0, 0, 1);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(fx.second));
	expect_opened(test, 1, 0, 1);

	/* A client that was bound does not wait again until it is enabled */
	kmcl_channel_disable(first);
	wait_event_timeout(fx.wait, READ_ONCE(fx.w[2].closed), LOOP_LIMIT);
	KUNIT_ASSERT_EQ(test, fx.w[2].closed, 1);
	enable_and_wait(test, &fx.w[2]);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(first));
	expect_opened(test, 1, 1, 1);
	/* A device that one client has unbound is bound by the next one */
	kmcl_channel_disable(fx.w[0].ch);
	expect_opened(test, 1, 1, 2);
	KUNIT_EXPECT_EQ(test, fx.w[0].closed, 1);
	KUNIT_EXPECT_EQ(test, fx.w[1].closed, 0);
}

static bool any_opened(void)
{
	return READ_ONCE(fx.w[0].opened) || READ_ONCE(fx.w[1].opened) ||
	       READ_ONCE(fx.w[2].opened);
}

/* Whether the offer comes after all of them or was there before */
static void the_order_is_that_of_enabling(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *server = loop->server.ch;
	u32 round, i, wrong = 0;

	for (round = 0; round < 100; round++) {
		if (round % 2)
			KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(server));
		for (i = 0; i < WAITERS; i++)
			KUNIT_ASSERT_EQ(test, 0,
					kmcl_channel_enable(fx.w[i].ch));
		if (round % 2 == 0)
			KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(server));
		KUNIT_ASSERT_GT(test, wait_event_timeout(fx.wait, any_opened(),
							 LOOP_LIMIT), 0);
		wrong += !fx.w[0].opened;
		/* So that no other client binds to it afterwards */
		for (i = WAITERS; i--; )
			kmcl_channel_disable(fx.w[i].ch);
		kmcl_channel_disable(server);
		for (i = 0; i < WAITERS; i++)
			fx.w[i].opened = 0;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
}

/* A client of any instance does not bind before an earlier one of this instance */
static void naming_the_instance_does_not_change_the_order(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	flush_work(&loop->client.ch->sm.work);
	enable_and_wait(test, &fx.w[0]);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	loop_wait_event(&loop->client, OPENED, 1);
	expect_opened(test, 0, 0, 0);
	/* It is bound, and does not bind to another offer */
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(fx.second));
	expect_opened(test, 1, 0, 0);
	KUNIT_EXPECT_EQ(test, loop_count(&loop->client, OPENED_BEGINS), 1);
}

static void refuse_some(struct end *e, enum loop_event what)
{
	if (what != OPENED)
		return;
	e->opened_result = fx.refusals ? -EIO : 0;
	if (fx.refusals)
		fx.refusals--;
}

static void after_a_refusal_the_next_client_binds(struct kunit *test)
{
	struct loop *loop = test->priv;
	u32 i;

	fx.refusals = 2;
	loop->server.hook = refuse_some;
	for (i = 0; i < WAITERS; i++)
		enable_and_wait(test, &fx.w[i]);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	expect_opened(test, 0, 0, 1);
	KUNIT_EXPECT_EQ(test, fx.w[0].failed, 1);
	KUNIT_EXPECT_EQ(test, fx.w[1].failed, 1);
	KUNIT_EXPECT_EQ(test, fx.w[2].failed, 0);
	for (i = 0; i < WAITERS; i++) {
		KUNIT_EXPECT_EQ(test, fx.w[i].closed, 0);
		KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(fx.w[i].ch),
				   i < 2 ? "Disabled" : "Active");
	}
}

static void expect_instance(struct kunit *test, struct kmcl_channel *ch,
			    const guid_t *instance)
{
	guid_t guid;

	guid_gen(&guid);
	kmcl_get_instance(ch, &guid);
	KUNIT_EXPECT_TRUE(test, guid_equal(&guid, instance));
}

static void the_instance_is_that_of_the_last_opening(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct waiter *w = &fx.w[0];

	enable_and_wait(test, w);
	expect_instance(test, w->ch, &guid_null);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	expect_opened(test, 1, 0, 0);
	expect_instance(test, w->ch, &loop->instance);
	kmcl_channel_disable(w->ch);
	expect_instance(test, w->ch, &loop->instance);
	kmcl_channel_disable(loop->server.ch);

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(fx.second));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(w->ch));
	expect_opened(test, 2, 0, 0);
	expect_instance(test, w->ch, &fx.instance);
	/* Withdrawn: it is still the last one */
	kmcl_channel_disable(fx.second);
	wait_event_timeout(fx.wait, READ_ONCE(w->closed) == 2, LOOP_LIMIT);
	expect_instance(test, w->ch, &fx.instance);
}

static void callbacks_are_copied(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel_ops ops = loop->client.ch->cfg.ops;
	guid_t type = loop->type, instance = loop->instance;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_ops(loop->client.ch, &ops));
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_target(loop->client.ch, &type,
						 &instance, NULL));
	memset(&ops, 0, sizeof(ops));
	guid_gen(&type);
	guid_gen(&instance);
	loop_up(loop);
	kmcl_channel_disable(loop->client.ch);
	loop_expect_events(&loop->client, OPENED, STARTED, POST_STARTED,
			   SUSPEND, CLOSED);
}

static u32 parents_released;

static void parent_release(struct device *dev)
{
	parents_released++;
	kfree(dev);
}

static void a_parent_stays_until_cleanup(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct device *parent = kzalloc(sizeof(*parent), GFP_KERNEL);
	struct kmcl_channel *ch;

	KUNIT_ASSERT_NOT_NULL(test, parent);
	parents_released = 0;
	device_initialize(parent);
	parent->release = parent_release;
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_alloc(parent, false, &ch));
	put_device(parent);
	KUNIT_ASSERT_EQ(test, parents_released, 0);
	KUNIT_EXPECT_EQ(test, 0, kmcl_set_target(ch, &loop->type, NULL, NULL));
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_enable(ch));
	kmcl_channel_disable(ch);
	KUNIT_EXPECT_EQ(test, parents_released, 0);
	kmcl_channel_free(ch);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, parents_released, 1);
}

static void expect_settled(struct kunit *test, struct kmcl_channel *ch, u32 size)
{
	int busy = -EBUSY;

	KUNIT_EXPECT_EQ(test, kmcl_packet_size(ch), size);
	KUNIT_EXPECT_EQ(test, kmcl_set_max_packet_size(ch, 64), busy);
	KUNIT_EXPECT_EQ(test, kmcl_set_max_external(ch, 8192, 2), busy);
	KUNIT_EXPECT_EQ(test, kmcl_set_flags(ch, KMCL_INIT_PIPE), busy);
	KUNIT_EXPECT_EQ(test, kmcl_packet_size(ch), size);
}

static void the_size_of_a_packet_stays(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	u32 size, i;

	KUNIT_EXPECT_EQ(test, 0, kmcl_set_max_packet_size(ch, 256));
	KUNIT_EXPECT_EQ(test, 0, kmcl_set_max_external(ch, 4096, 1));
	size = kmcl_packet_size(ch);
	KUNIT_EXPECT_GT(test, size, 256);
	expect_settled(test, ch, size);
	for (i = 0; i < 2; i++) {
		loop_up(loop);
		expect_settled(test, ch, size);
		kmcl_channel_disable(ch);
		expect_settled(test, ch, size);
		kmcl_channel_disable(loop->server.ch);
		loop_forget(&loop->client);
		loop_forget(&loop->server);
	}
}

/* Asking for the size settles it as well */
static void each_way_to_a_packet_settles_the_sizes(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = fx.w[0].ch;
	u32 size = kmcl_packet_size(ch);
	void *mem = kunit_kzalloc(test, size, GFP_KERNEL);
	u64 value = 1;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	kmcl_packet_free(kmcl_packet_alloc(fx.w[1].ch));
	expect_settled(test, fx.w[1].ch, size);
	KUNIT_EXPECT_EQ(test, 0, kmcl_packet_init(fx.w[2].ch, mem, size));
	expect_settled(test, fx.w[2].ch, size);

	loop_up(loop);
	KUNIT_EXPECT_EQ(test, 0, kmcl_send_sync(loop->client.ch, &value, 8,
						KMCL_SEND_WAIT, NULL, NULL,
						KMCL_NO_TIMEOUT));
	kmcl_channel_disable(loop->client.ch);
	expect_settled(test, loop->client.ch, size);
}

static struct kunit_case bind_cases[] = {
	/* KMCL: VmbClientChannelInitSetTargetPnp */
	KUNIT_CASE(first_come_first_served),
	KUNIT_CASE(the_order_is_that_of_enabling),
	KUNIT_CASE(naming_the_instance_does_not_change_the_order),
	/* KMCL: VmbClientChannelInitSetTargetPnp EVT_VMB_CHANNEL_PNP_FAILURE */
	KUNIT_CASE(after_a_refusal_the_next_client_binds),
	/* KMCL: VmbChannelGetInterfaceInstance */
	KUNIT_CASE(the_instance_is_that_of_the_last_opening),
	/* KMCL: VmbChannelInitSetStateChangeCallbacks */
	KUNIT_CASE(callbacks_are_copied),
	/* KMCL: VmbChannelAllocate VmbChannelCleanup */
	KUNIT_CASE(a_parent_stays_until_cleanup),
	/* KMCL: VmbChannelSizeofPacket */
	KUNIT_CASE(the_size_of_a_packet_stays),
	/* KMCL: VmbChannelInitSetMaximumPacketSize */
	/* KMCL: VmbChannelInitSetMaximumExternalData */
	KUNIT_CASE(each_way_to_a_packet_settles_the_sizes),
	{}
};

static struct kunit_suite bind_suite = {
	.name = "kmcl_contract_bind",
	.init = bind_init,
	.exit = bind_exit,
	.test_cases = bind_cases,
};

kunit_test_suite(bind_suite);

MODULE_DESCRIPTION("KUnit tests of what KMCL's channels are bound to");
MODULE_LICENSE("GPL");
