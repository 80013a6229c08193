// SPDX-License-Identifier: GPL-2.0
/*
 * Which devices the channels claim, so that a transport leaves all others to the
 * kernel's other drivers; when a device is given back to those; and that no channel
 * waits for the devices of another one.
 *
 * The transport is the test itself, see fake_transport.h. What it is told to offer is
 * offered from the test's thread; its operations run there and on the library's
 * workqueue.
 */
#include <linux/delay.h>

#include "fake_transport.h"

static struct {
	struct kmcl_channel *other;	/* of the same class, any instance */
	guid_t instance;		/* of another device */
} fx;

static int claim_init(struct kunit *test)
{
	int ret = fake_init(test);
	struct loop *loop = test->priv;

	memset(&fx, 0, sizeof(fx));
	guid_gen(&fx.instance);
	return ret ?:
	       kmcl_channel_alloc(NULL, false, &fx.other) ?:
	       kmcl_set_target(fx.other, &loop->type, NULL, NULL) ?:
	       kmcl_transport_register(&fake_ops);
}

static void claim_exit(struct kunit *test)
{
	if (fx.other) {
		kmcl_channel_disable(fx.other);
		kmcl_channel_free(fx.other);
	}
	fake_exit(test);
}

static int claim(struct loop *loop)
{
	return fake_claim(&loop->type, &loop->instance);
}

static int claim_other(struct loop *loop)
{
	return fake_claim(&loop->type, &fx.instance);
}

static bool is_claimed(struct loop *loop)
{
	return kmcl_offer_claimed(&loop->type, &loop->instance);
}

static bool other_is_claimed(struct loop *loop)
{
	return kmcl_offer_claimed(&loop->type, &fx.instance);
}

static void wait_other(struct loop *loop, const char *state)
{
	loop_wait(&loop->client,
		  !strcmp(kmcl_channel_state_name(fx.other), state));
}

static void gone(void)
{
	struct kmcl_offer *offer = fake.offer;

	fake.offer = NULL;
	kmcl_offer_gone(offer);
}

static void enable(struct loop *loop)
{
	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_channel_enable(loop->client.ch));
}

/* Enabled, claimed, and open for the @times-th time */
static void open_both(struct loop *loop, unsigned int times)
{
	enable(loop);
	KUNIT_ASSERT_EQ(loop->test, 0, claim(loop));
	loop_wait_event(&loop->client, POST_STARTED, times);
}

static void a_channel_claims_its_device_alone(struct kunit *test)
{
	struct loop *loop = test->priv;
	guid_t type;

	guid_gen(&type);
	KUNIT_EXPECT_EQ(test, claim(loop), -ENODEV);
	enable(loop);
	KUNIT_EXPECT_TRUE(test, is_claimed(loop));
	KUNIT_EXPECT_FALSE(test, other_is_claimed(loop));
	KUNIT_EXPECT_EQ(test, claim_other(loop), -ENODEV);
	KUNIT_EXPECT_EQ(test, fake_claim(&type, &loop->instance), -ENODEV);
	KUNIT_EXPECT_EQ(test, claim(loop), 0);
	/* It has one now */
	KUNIT_EXPECT_FALSE(test, is_claimed(loop));
	loop_wait_event(&loop->client, POST_STARTED, 1);
	KUNIT_EXPECT_FALSE(test, is_claimed(loop));
}

/* Before its work item has run, and whatever that waits for */
static void a_device_is_claimed_as_soon_as_it_is_rescinded(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_offer *old;

	open_both(loop, 1);
	loop_hold(&loop->client, CLOSED);
	old = fake.offer;
	kmcl_offer_rescind(old);
	KUNIT_EXPECT_TRUE(test, is_claimed(loop));
	loop_wait_held(&loop->client);
	KUNIT_EXPECT_FALSE(test, other_is_claimed(loop));
	KUNIT_EXPECT_TRUE(test, is_claimed(loop));
	loop_release(&loop->client);
	loop_wait_state(&loop->client, "Disabled");
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, fake.releases, 1);

	/* Its driver has not enabled it yet: the device is kept */
	KUNIT_EXPECT_FALSE(test, other_is_claimed(loop));
	KUNIT_ASSERT_EQ(test, claim(loop), 0);
	KUNIT_EXPECT_FALSE(test, is_claimed(loop));
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, fake.opens, 1);
	enable(loop);
	loop_wait_event(&loop->client, POST_STARTED, 2);
}

static void a_driver_that_disables_ends_the_claim(struct kunit *test)
{
	struct loop *loop = test->priv;

	open_both(loop, 1);
	kmcl_channel_disable(loop->client.ch);
	/* The device is there, and stays */
	enable(loop);
	loop_wait_event(&loop->client, POST_STARTED, 2);

	/* Rescinded while it is disabled */
	kmcl_channel_disable(loop->client.ch);
	kmcl_offer_rescind(fake.offer);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, fake.releases, 1);
	KUNIT_EXPECT_EQ(test, claim(loop), -ENODEV);

	/* Disabled although a rescind had closed it */
	open_both(loop, 3);
	kmcl_offer_rescind(fake.offer);
	loop_wait_state(&loop->client, "Disabled");
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_TRUE(test, is_claimed(loop));
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_FALSE(test, is_claimed(loop));
	/* And enabled without a device */
	enable(loop);
	KUNIT_EXPECT_TRUE(test, is_claimed(loop));
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_FALSE(test, is_claimed(loop));
}

/* From the beginning on, not only when it has ended */
static void a_channel_that_is_being_disabled_claims_nothing(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *job;

	open_both(loop, 1);
	loop_hold(&loop->client, SUSPEND);
	kmcl_offer_rescind(fake.offer);
	loop_wait_held(&loop->client);
	KUNIT_EXPECT_TRUE(test, is_claimed(loop));
	job = loop_disable(&loop->client);
	loop_wait(&loop->client, !is_claimed(loop));
	KUNIT_EXPECT_EQ(test, loop_count(&loop->client, SUSPEND), 0);
	loop_release(&loop->client);
	loop_job_wait(job);
	KUNIT_EXPECT_FALSE(test, is_claimed(loop));
}

static void a_freed_channel_claims_nothing(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(fx.other));
	KUNIT_ASSERT_EQ(test, claim(loop), 0);
	wait_other(loop, "Active");
	kmcl_offer_rescind(fake.offer);
	wait_other(loop, "Disabled");
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_TRUE(test, is_claimed(loop));
	kmcl_channel_free(fx.other);
	fx.other = NULL;
	KUNIT_EXPECT_EQ(test, claim(loop), -ENODEV);
}

static void a_channel_for_any_instance_claims_one_device(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(fx.other));
	KUNIT_EXPECT_TRUE(test, is_claimed(loop));
	KUNIT_EXPECT_TRUE(test, other_is_claimed(loop));
	KUNIT_ASSERT_EQ(test, claim_other(loop), 0);
	KUNIT_EXPECT_EQ(test, claim(loop), -ENODEV);
	/* After it has closed as well */
	wait_other(loop, "Active");
	kmcl_offer_rescind(fake.offer);
	wait_other(loop, "Disabled");
	flush_workqueue(kmcl_wq);
	KUNIT_ASSERT_EQ(test, claim(loop), 0);
	KUNIT_EXPECT_EQ(test, claim_other(loop), -ENODEV);
}

/* A device that could be either's is for the one that can take no other */
static void every_channel_claims_its_own_device(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_offer *second;
	guid_t third;

	guid_gen(&third);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(fx.other));
	enable(loop);
	KUNIT_EXPECT_TRUE(test, is_claimed(loop));
	KUNIT_ASSERT_EQ(test, claim_other(loop), 0);
	second = fake.offer;
	wait_other(loop, "Active");
	KUNIT_EXPECT_FALSE(test, other_is_claimed(loop));
	KUNIT_ASSERT_EQ(test, claim(loop), 0);
	loop_wait_event(&loop->client, POST_STARTED, 1);

	/* Both come back before a driver has enabled its channel */
	kmcl_offer_rescind(second);
	kmcl_offer_rescind(fake.offer);
	wait_other(loop, "Disabled");
	loop_wait_state(&loop->client, "Disabled");
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, fake.releases, 2);
	KUNIT_ASSERT_EQ(test, claim(loop), 0);
	second = fake.offer;
	KUNIT_EXPECT_TRUE(test, other_is_claimed(loop));
	KUNIT_ASSERT_EQ(test, claim_other(loop), 0);
	KUNIT_EXPECT_FALSE(test, is_claimed(loop));
	KUNIT_EXPECT_FALSE(test, kmcl_offer_claimed(&loop->type, &third));
	kmcl_offer_gone(second);
}

/* Somebody has taken the device away: nothing claims it until the next enable */
static void an_unbind_ends_the_claim(struct kunit *test)
{
	struct loop *loop = test->priv;

	open_both(loop, 1);
	gone();
	KUNIT_EXPECT_EQ(test, claim(loop), -ENODEV);
	loop_wait_state(&loop->client, "Disabled");
	KUNIT_EXPECT_EQ(test, claim(loop), -ENODEV);
	open_both(loop, 2);
	/* The device is gone because it was rescinded */
	loop_hold(&loop->client, CLOSED);
	kmcl_offer_rescind(fake.offer);
	loop_wait_held(&loop->client);
	KUNIT_EXPECT_TRUE(test, is_claimed(loop));
	loop_release(&loop->client);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_TRUE(test, is_claimed(loop));
}

static void unbind(void *data)
{
	gone();
}

/* The channel waits on, so it claims on */
static void an_unbind_while_the_device_is_opened(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct completion open;
	struct job *job;

	init_completion(&open);
	fake.open_waits = &open;
	fake.open_result = 0;
	enable(loop);
	KUNIT_ASSERT_EQ(test, claim(loop), 0);
	loop_wait(&loop->client, READ_ONCE(fake.opens) == 1);
	job = loop_job(loop, unbind, NULL);
	loop_wait(&loop->client, READ_ONCE(loop->client.ch->sm.in.dead));
	complete_all(&open);
	loop_job_wait(job);
	fake.open_waits = NULL;
	loop_wait_state(&loop->client, "Disabled");

	/* The same, and the open finds the device gone */
	fake.open_result = -ENODEV;
	enable(loop);
	KUNIT_ASSERT_EQ(test, claim(loop), 0);
	flush_workqueue(kmcl_wq);
	gone();
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(loop->client.ch),
			   "Enabled");
	fake.open_result = 0;
	KUNIT_ASSERT_EQ(test, claim(loop), 0);
	loop_wait_event(&loop->client, POST_STARTED, 1);
}

static void a_channel_that_cannot_be_enabled_claims_nothing(struct kunit *test)
{
	struct loop *loop = test->priv;

	fake.watch_result = -ENOMEM;
	KUNIT_EXPECT_EQ(test, kmcl_channel_enable(loop->client.ch), -ENOMEM);
	KUNIT_EXPECT_EQ(test, claim(loop), -ENODEV);
	fake.watch_result = 0;
	open_both(loop, 1);
}

/* A device that nobody drives may have been refused before */
static void each_enable_looks_for_devices(struct kunit *test)
{
	struct loop *loop = test->priv;

	enable(loop);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);
	KUNIT_EXPECT_EQ(test, fake.looks, 0);
	kmcl_channel_disable(loop->client.ch);
	enable(loop);
	KUNIT_EXPECT_EQ(test, fake.watches, 1);
	KUNIT_EXPECT_EQ(test, fake.looks, 1);
}

/* With a device that is there, an enable looks for none, and the work item runs once */
static void an_enable_finds_the_device_that_is_there(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_channel *ch = loop->client.ch;
	u64 runs;

	open_both(loop, 1);
	kmcl_channel_disable(ch);
	flush_workqueue(kmcl_wq);
	runs = ch->sm.idle_runs;
	enable(loop);
	loop_wait_event(&loop->client, POST_STARTED, 2);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, ch->sm.idle_runs, runs + 1);
	KUNIT_EXPECT_EQ(test, fake.looks, 0);
	kmcl_channel_disable(ch);
	KUNIT_EXPECT_EQ(test, fake.watches_only, 0);
	/* Another one does, too, and then there is none for the first */
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(fx.other));
	wait_other(loop, "Active");
	KUNIT_EXPECT_EQ(test, fake.watches, 2);
	KUNIT_EXPECT_EQ(test, fake.watches_only, 1);
	enable(loop);
	KUNIT_EXPECT_EQ(test, fake.looks, 1);
}

static void give_back(struct loop *loop)
{
	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_set_flags(loop->client.ch,
						      KMCL_INIT_GIVE_BACK));
}

static void a_device_is_given_back_on_request(struct kunit *test)
{
	struct loop *loop = test->priv;

	open_both(loop, 1);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, fake.given_back, 0);
	give_back(loop);
	/* There was a device, and it is idle */
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, fake.given_back, 1);
	/* Once, and it is not used until it is offered again */
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, fake.given_back, 1);
	enable(loop);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(loop->client.ch),
			   "Enabled");
	gone();
	KUNIT_ASSERT_EQ(test, claim(loop), 0);
	loop_wait_event(&loop->client, POST_STARTED, 2);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, fake.given_back, 2);
	KUNIT_EXPECT_EQ(test, claim(loop), -ENODEV);
}

/* Others of its class are idle, too: one that was offered before it, and one after */
static void only_its_own_device_is_given_back(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_offer *others[2];
	guid_t instance;

	guid_gen(&instance);
	others[0] = kmcl_offer_add(&fake_ops, &loop->type, &fx.instance, NULL, &fake);
	KUNIT_ASSERT_FALSE(test, IS_ERR(others[0]));
	give_back(loop);
	open_both(loop, 1);
	others[1] = kmcl_offer_add(&fake_ops, &loop->type, &instance, NULL, &fake);
	KUNIT_ASSERT_FALSE(test, IS_ERR(others[1]));
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, fake.given_back, 1);
	/* It cannot have that one again */
	enable(loop);
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(loop->client.ch), "Enabled");
	kmcl_offer_gone(others[0]);
	kmcl_offer_gone(others[1]);
}

static void a_device_that_another_channel_wants(struct kunit *test)
{
	struct loop *loop = test->priv;

	give_back(loop);
	open_both(loop, 1);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(fx.other));
	kmcl_channel_disable(loop->client.ch);
	wait_other(loop, "Active");
	KUNIT_EXPECT_EQ(test, fake.given_back, 0);

	/* One that does not wait, but for which it is kept */
	gone();
	wait_other(loop, "Disabled");
	open_both(loop, 2);
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_flags(fx.other, KMCL_INIT_GIVE_BACK));
	kmcl_channel_disable(fx.other);
	KUNIT_EXPECT_EQ(test, fake.given_back, 0);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_EXPECT_EQ(test, fake.given_back, 1);
}

static void a_device_is_given_back_by_freeing(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_flags(fx.other, KMCL_INIT_GIVE_BACK));
	fake.open_result = -ECONNREFUSED;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(fx.other));
	KUNIT_ASSERT_EQ(test, claim(loop), 0);
	wait_other(loop, "Disabled");
	flush_workqueue(kmcl_wq);
	KUNIT_EXPECT_EQ(test, fake.given_back, 0);
	kmcl_channel_free(fx.other);
	fx.other = NULL;
	KUNIT_EXPECT_EQ(test, fake.given_back, 1);
}

static void go(void *data)
{
	gone();
}

/* So that the transport has the device until the operation has returned */
static void a_device_that_goes_while_it_is_given_back(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *disabling, *going;
	struct completion back;

	init_completion(&back);
	fake.back_waits = &back;
	give_back(loop);
	open_both(loop, 1);
	disabling = loop_disable(&loop->client);
	loop_wait(&loop->client, READ_ONCE(fake.given_back) == 1);
	going = loop_job(loop, go, NULL);
	msleep(50);
	KUNIT_EXPECT_FALSE(test, completion_done(&going->done));
	complete_all(&back);
	loop_job_wait(disabling);
	loop_job_wait(going);
	fake.back_waits = NULL;
}

static void servers_have_no_device_to_give_back(struct kunit *test)
{
	struct loop *loop = test->priv;

	KUNIT_EXPECT_EQ(test, -EINVAL, kmcl_set_flags(loop->server.ch,
						      KMCL_INIT_GIVE_BACK));
}

static void free_other(void *data)
{
	kmcl_channel_free(fx.other);
}

/* Its class is waited for, as when a driver has locked a device of it */
static void a_free_that_waits_holds_up_no_other_channel(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct completion settle;
	struct kmcl_channel *ch;
	struct job *job;

	init_completion(&settle);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(fx.other));
	kmcl_channel_disable(fx.other);
	fake.settle_waits = &settle;
	job = loop_job(loop, free_other, NULL);
	loop_wait(&loop->client, READ_ONCE(fake.settles) == 1);
	fx.other = NULL;

	/* This would wait for ever, or until the time limit and then fail below */
	open_both(loop, 1);
	kmcl_channel_disable(loop->client.ch);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_alloc(NULL, false, &ch));
	KUNIT_EXPECT_EQ(test, 0, kmcl_set_target(ch, &fx.instance, NULL, NULL));
	KUNIT_EXPECT_EQ(test, 0, kmcl_channel_enable(ch));
	kmcl_channel_disable(ch);
	KUNIT_EXPECT_FALSE(test, completion_done(&job->done));
	complete_all(&settle);
	loop_job_wait(job);
	kmcl_channel_free(ch);
	KUNIT_EXPECT_EQ(test, fake.settles, 2);
	fake.settle_waits = NULL;
}

static void unregister(void *data)
{
	kmcl_transport_unregister(&fake_ops);
}

/* So that no operation runs in a transport that has been unloaded */
static void the_transport_waits_for_what_runs_in_it(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct completion settle;
	struct job *freeing, *going;

	init_completion(&settle);
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(fx.other));
	kmcl_channel_disable(fx.other);
	fake.settle_waits = &settle;
	freeing = loop_job(loop, free_other, NULL);
	loop_wait(&loop->client, READ_ONCE(fake.settles) == 1);
	fx.other = NULL;
	fake.settle_waits = NULL;
	going = loop_job(loop, unregister, NULL);
	msleep(50);
	KUNIT_EXPECT_FALSE(test, completion_done(&going->done));
	complete_all(&settle);
	loop_job_wait(freeing);
	loop_job_wait(going);
	KUNIT_EXPECT_EQ(test, fake.settles_all, 1);
}

static struct kunit_case claim_cases[] = {
	/* KMCL: VmbClientChannelInitSetTargetPnp */
	KUNIT_CASE(a_channel_claims_its_device_alone),
	KUNIT_CASE(a_device_is_claimed_as_soon_as_it_is_rescinded),
	/* KMCL: VmbChannelDisable */
	KUNIT_CASE(a_driver_that_disables_ends_the_claim),
	KUNIT_CASE(a_channel_that_is_being_disabled_claims_nothing),
	/* KMCL: VmbChannelCleanup */
	KUNIT_CASE(a_freed_channel_claims_nothing),
	KUNIT_CASE(a_channel_for_any_instance_claims_one_device),
	KUNIT_CASE(every_channel_claims_its_own_device),
	KUNIT_CASE(an_unbind_ends_the_claim),
	KUNIT_CASE(an_unbind_while_the_device_is_opened),
	/* KMCL: VmbChannelEnable */
	KUNIT_CASE(a_channel_that_cannot_be_enabled_claims_nothing),
	KUNIT_CASE(each_enable_looks_for_devices),
	KUNIT_CASE(an_enable_finds_the_device_that_is_there),
	KUNIT_CASE(a_device_is_given_back_on_request),
	KUNIT_CASE(only_its_own_device_is_given_back),
	KUNIT_CASE(a_device_that_another_channel_wants),
	KUNIT_CASE(a_device_is_given_back_by_freeing),
	KUNIT_CASE(a_device_that_goes_while_it_is_given_back),
	KUNIT_CASE(servers_have_no_device_to_give_back),
	KUNIT_CASE(a_free_that_waits_holds_up_no_other_channel),
	KUNIT_CASE(the_transport_waits_for_what_runs_in_it),
	{}
};

static struct kunit_suite claim_suite = {
	.name = "kmcl_claim",
	.init = claim_init,
	.exit = claim_exit,
	.test_cases = claim_cases,
};

kunit_test_suite(claim_suite);

MODULE_DESCRIPTION("KUnit tests of which devices KMCL's channels claim");
MODULE_LICENSE("GPL");
