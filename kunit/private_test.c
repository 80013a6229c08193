// SPDX-License-Identifier: GPL-2.0
/*
 * A peer that cannot access the guest's memory: no packet that describes memory
 * is sent to it. The transport is the test itself.
 */
#include "fake_transport.h"

#define WAIT	KMCL_SEND_WAIT

static struct {
	struct kmcl_packet *pkt;
	struct loop_page page;
} fx;

static int private_init(struct kunit *test)
{
	int ret = fake_init(test);
	struct loop *loop = test->priv;

	memset(&fx, 0, sizeof(fx));
	if (ret)
		return ret;
	loop_page(test, &fx.page);
	fx.pkt = loop_packet(&loop->client, fake_done);
	return 0;
}

static void private_exit(struct kunit *test)
{
	struct loop *loop = test->priv;

	if (fx.pkt) {
		kmcl_channel_disable(loop->client.ch);
		kmcl_packet_free(fx.pkt);
	}
	fake_exit(test);
}

static void external_data_is_refused(struct kunit *test)
{
	const struct kmcl_mdl *mdl = fx.page.mdl;
	struct loop *loop = test->priv;
	const struct kmcl_counters *c;
	u64 value = 1;

	fake.private = true;
	fake_up(loop);
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			kmcl_send_mdl(fx.pkt, &value, 8, mdl, WAIT));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			kmcl_send_mdl_part(fx.pkt, &value, 8, mdl, 0, 0, WAIT));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			kmcl_send_pfns(fx.pkt, &value, 8, &fx.page.pfn, 1, WAIT));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			kmcl_send_sg(fx.pkt, &value, 8, &fx.page.sg, 1, WAIT));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			kmcl_send_sync_mdl(loop->client.ch, &value, 8, mdl,
					   WAIT, NULL, NULL, NSEC_PER_SEC));
	c = loop_snapshot(&loop->client);
	KUNIT_EXPECT_EQ(test, c->accepted, 0);
	KUNIT_EXPECT_EQ(test, c->sent, 0);
	/* What the packet carries is not concerned */
	KUNIT_EXPECT_EQ(test, 0, kmcl_send(fx.pkt, &value, 8, 0));
	KUNIT_EXPECT_EQ(test, fake.ndone, 1);

	/* It is queued only for a link that would take it */
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->client.ch));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP,
			kmcl_send_mdl(fx.pkt, &value, 8, mdl, WAIT));
	fake.private = false;
	loop_forget(&loop->client);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, POST_STARTED, 1);
	KUNIT_EXPECT_EQ(test, 0, kmcl_send_mdl(fx.pkt, &value, 8, mdl, WAIT));
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).in_flight, 1);
}

static void queued_external_data_is_not_sent(struct kunit *test)
{
	const struct kmcl_mdl *mdl = fx.page.mdl;
	struct loop *loop = test->priv;
	u64 value = 1;

	fake.private = true;
	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	/* Nobody knows yet which peer it will be */
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_mdl(fx.pkt, &value, 8, mdl, WAIT));
	fake_offer(loop);
	loop_wait_event(&loop->client, FAILURE, 1);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_EQ(test, loop->failure, -EOPNOTSUPP);
	KUNIT_EXPECT_EQ(test, fake.opens, 0);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).sent, 0);
	/* A peer that can use it gets it */
	fake.private = false;
	loop_forget(&loop->client);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	loop_wait_event(&loop->client, POST_STARTED, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).sent, 1);
}

/* What was queued with external data and has left the queue is no obstacle */
static void external_data_taken_back_is_forgotten(struct kunit *test)
{
	const struct kmcl_mdl *mdl = fx.page.mdl;
	struct loop *loop = test->priv;
	u64 value = 1;

	KUNIT_ASSERT_EQ(test, kmcl_transport_register(&fake_ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_mdl(fx.pkt, &value, 8, mdl, WAIT));
	/* Taken back at its time limit */
	KUNIT_EXPECT_EQ(test, -ECANCELED,
			kmcl_send_sync_mdl(loop->client.ch, &value, 8, mdl,
					   WAIT, NULL, NULL, NSEC_PER_MSEC));
	/* The other one is sent on a link that takes it */
	fake_offer(loop);
	loop_wait_event(&loop->client, POST_STARTED, 1);
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_disable(loop->client.ch));
	KUNIT_EXPECT_EQ(test, fake.ndone, 1);
	fake.private = true;
	loop_forget(&loop->client);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(loop->client.ch), 0);
	loop_wait_event(&loop->client, POST_STARTED, 1);
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 0);
	KUNIT_EXPECT_EQ(test, loop->client.ch->tx.queued_ext, 0);
}

static struct kunit_case private_cases[] = {
	KUNIT_CASE(external_data_is_refused),
	KUNIT_CASE(queued_external_data_is_not_sent),
	KUNIT_CASE(external_data_taken_back_is_forgotten),
	{}
};

static struct kunit_suite private_suite = {
	.name = "kmcl_private",
	.init = private_init,
	.exit = private_exit,
	.test_cases = private_cases,
};

kunit_test_suite(private_suite);
