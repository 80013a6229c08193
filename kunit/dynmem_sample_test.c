// SPDX-License-Identifier: GPL-2.0
/*
 * What the sample kmcl_dynmem and a Dynamic Memory service say to each other: see
 * dynmem_harness.h.
 */
#include <linux/sched.h>

#include "dynmem_harness.h"

#define FLOOD		2000

static u64 unknown(void)
{
	u64 n;

	spin_lock_irq(&dynmem_driver->lock);
	n = dynmem_driver->unknown;
	spin_unlock_irq(&dynmem_driver->lock);
	return n;
}

/* Messages that the driver has completed */
static u64 taken(void)
{
	struct kmcl_counters c;

	kmcl_get_counters(dynmem_driver->channel, &c);
	return c.delivered - c.outstanding;
}

/* Until the driver has completed exactly @n messages */
static void wait_taken(struct dynmem_service *s, u64 n)
{
	unsigned long end = jiffies + DYNMEM_LIMIT;

	while (taken() < n && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_ASSERT_EQ(s->test, taken(), n);
}

static void ask(struct dynmem_service *s, enum dm_type type, u32 flags)
{
	struct dm_unballoon_request msg = {
		.hdr = { .type = type, .size = sizeof(msg) },
		.flags = flags,
	};

	dynmem_say(s, &msg, sizeof(msg));
}

static void the_newest_version_is_agreed_on(struct kunit *test)
{
	struct dynmem_service *s = test->priv;

	dynmem_start(s);
	dynmem_wait(s, dynmem_got(s, DM_STATUS_REPORT) > 2);
	KUNIT_EXPECT_EQ(test, READ_ONCE(dynmem_driver->version), DM_VERSION_2_0);
	KUNIT_EXPECT_EQ(test, dynmem_got(s, DM_VERSION_REQUEST), 1);
	KUNIT_EXPECT_EQ(test, dynmem_got(s, DM_CAPS_REPORT), 1);
	dynmem_unload(s);
	KUNIT_EXPECT_EQ(test, dynmem_driver->order_errors, 0);
	KUNIT_EXPECT_EQ(test, dynmem_driver->in_order, dynmem_driver->seq);
	KUNIT_EXPECT_EQ(test, dynmem_driver->unknown, 0);
}

static void an_older_version_is_agreed_on(struct kunit *test)
{
	struct dynmem_service *s = test->priv;

	s->version = DM_VERSION_0_3;
	dynmem_start(s);
	dynmem_wait(s, dynmem_got(s, DM_STATUS_REPORT));
	KUNIT_EXPECT_EQ(test, READ_ONCE(dynmem_driver->version), DM_VERSION_0_3);
	KUNIT_EXPECT_EQ(test, dynmem_got(s, DM_VERSION_REQUEST), 3);
	dynmem_unload(s);
}

static void without_an_agreement_nothing_is_reported(struct kunit *test)
{
	struct dynmem_service *s = test->priv;
	unsigned long start;
	u32 i;

	s->version = 0;
	dynmem_start(s);
	dynmem_wait(s, dynmem_got(s, DM_VERSION_REQUEST) == 3);
	/* Disabling waits for PostStarted, which has all that it will ever have */
	dynmem_unload(s);
	KUNIT_EXPECT_EQ(test, dynmem_driver->seq, 0);
	KUNIT_EXPECT_EQ(test, dynmem_driver->version, 0);

	/* It does not wait for an answer that does not come */
	s->mute = true;
	for (i = 0; i < 3; i++) {
		dynmem_start(s);
		dynmem_wait(s, dynmem_got(s, DM_VERSION_REQUEST) == 4 + i);
		start = jiffies;
		dynmem_unload(s);
		KUNIT_EXPECT_LT(test, jiffies - start, dynmem_patience / 2);
	}
	KUNIT_EXPECT_EQ(test, dynmem_driver->seq, 0);
	KUNIT_EXPECT_EQ(test, dynmem_got(s, DM_CAPS_REPORT), 0);
}

static void each_request_has_its_answer(struct kunit *test)
{
	static const struct dm_header hdr = { .type = DM_UNBALLOON_REQUEST };
	struct dynmem_service *s = test->priv;

	dynmem_start(s);
	dynmem_wait(s, dynmem_got(s, DM_STATUS_REPORT));
	ask(s, DM_BALLOON_REQUEST, 0);
	ask(s, DM_HOT_ADD_REQUEST, 0);
	/* One answer to both */
	ask(s, DM_UNBALLOON_REQUEST, DM_MORE_PAGES);
	ask(s, DM_UNBALLOON_REQUEST, 0);
	ask(s, DM_INFO, 0);
	dynmem_wait(s, dynmem_got(s, DM_UNBALLOON_RESPONSE));
	wait_taken(s, 2 + 5);
	KUNIT_EXPECT_EQ(test, dynmem_got(s, DM_BALLOON_RESPONSE), 1);
	KUNIT_EXPECT_EQ(test, dynmem_got(s, DM_HOT_ADD_RESPONSE), 1);
	KUNIT_EXPECT_EQ(test, unknown(), 0);

	/* Unexpected or invalid messages: no answer */
	dynmem_judge(s, DM_VERSION_RESPONSE, true);
	ask(s, DM_INFO + 1, 0);
	/* Payloads are in units of 8 bytes: nothing, and a header alone */
	dynmem_say(s, &hdr, 0);
	dynmem_say(s, &hdr, sizeof(hdr));
	wait_taken(s, 7 + 4);
	KUNIT_EXPECT_EQ(test, unknown(), 4);
	KUNIT_EXPECT_EQ(test, dynmem_got(s, DM_UNBALLOON_RESPONSE), 1);
	dynmem_unload(s);
}

/* A service that sends requests and reads no answer */
static void answers_to_a_flood_are_bounded(struct kunit *test)
{
	struct dynmem_service *s = test->priv;
	u32 i, unanswered, answered;
	struct kmcl_counters c;
	u64 before;

	dynmem_set_ring_pages(2);
	dynmem_set_interval(1000 * 1000);
	dynmem_start(s);
	dynmem_wait(s, dynmem_got(s, DM_STATUS_REPORT));
	before = taken();
	spin_lock_bh(&s->lock);
	s->hold = true;
	spin_unlock_bh(&s->lock);
	ask(s, DM_BALLOON_REQUEST, 0);
	dynmem_wait(s, dynmem_got(s, DM_BALLOON_RESPONSE));
	for (i = 0; i < FLOOD; i++)
		ask(s, DM_BALLOON_REQUEST, 0);
	wait_taken(s, before + 1 + FLOOD);
	kmcl_get_counters(dynmem_driver->channel, &c);
	KUNIT_EXPECT_EQ(test, c.queued, DM_REPLIES);
	KUNIT_EXPECT_EQ(test, c.queued_peak, DM_REPLIES);
	KUNIT_EXPECT_EQ(test, dynmem_got(s, DM_BALLOON_RESPONSE), 1);
	unanswered = unknown();
	answered = 1 + FLOOD - unanswered;
	KUNIT_EXPECT_GT(test, unanswered, 0);
	KUNIT_EXPECT_GT(test, answered, 1 + DM_REPLIES);

	/* Once it reads them, more follow */
	dynmem_read_on(s);
	dynmem_wait(s, dynmem_got(s, DM_BALLOON_RESPONSE) == answered);
	ask(s, DM_BALLOON_REQUEST, 0);
	dynmem_wait(s, dynmem_got(s, DM_BALLOON_RESPONSE) == answered + 1);
	KUNIT_EXPECT_EQ(test, unknown(), unanswered);
	dynmem_unload(s);
	KUNIT_EXPECT_EQ(test, atomic_read(&dynmem_driver->replies), 0);
}

static struct kunit_case dynmem_sample_test_cases[] = {
	KUNIT_CASE(the_newest_version_is_agreed_on),
	KUNIT_CASE(an_older_version_is_agreed_on),
	KUNIT_CASE(without_an_agreement_nothing_is_reported),
	KUNIT_CASE(each_request_has_its_answer),
	/* KMCL: VmbChannelSetTransactionQuota */
	KUNIT_CASE(answers_to_a_flood_are_bounded),
	{}
};

static struct kunit_suite dynmem_sample_test_suite = {
	.name = "kmcl_dynmem_sample",
	.init = dynmem_init,
	.exit = dynmem_exit,
	.test_cases = dynmem_sample_test_cases,
};

kunit_test_suite(dynmem_sample_test_suite);
