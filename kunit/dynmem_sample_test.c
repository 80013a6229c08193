// SPDX-License-Identifier: GPL-2.0
/*
 * The sample drivers/clients/kmcl_dynmem, against a Dynamic Memory service that is
 * this test, on the loopback bus. It is compiled into this file, and started by the
 * test instead of by the kernel.
 */
#include <kunit/test.h>

#include <linux/kmcl.h>
#include <linux/module.h>

#undef pr_fmt
#undef module_init
#undef module_exit
#define module_init(fn)
#define module_exit(fn)

#include "../drivers/clients/kmcl_dynmem_main.c"
#undef pr_fmt
#include "../drivers/clients/kmcl_dynmem_debugfs.c"

#define LIMIT		(10 * HZ)
#define FLOOD		2000

/* The service, and what it has been sent */
struct service {
	struct kunit *test;
	struct kmcl_channel *ch;
	wait_queue_head_t wait;
	spinlock_t lock;		/* the rest */
	u32 version;			/* the one that it accepts; 0: none */
	bool mute;
	bool hold;			/* the next message, and read no other */
	struct kmcl_context *held;
	bool started;			/* the driver */
	u32 got[DM_INFO + 1];
	u32 bad;
};

static void service_say(struct service *s, const void *msg, u32 len)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(s->ch);

	/* Completing frees it */
	if (!pkt || kmcl_send(pkt, msg, len, 0)) {
		kmcl_packet_free(pkt);
		spin_lock_bh(&s->lock);
		s->bad++;
		spin_unlock_bh(&s->lock);
	}
}

static void service_judge(struct service *s, u16 type, bool accept)
{
	struct dm_verdict msg = {
		.hdr = { .type = type, .size = sizeof(msg) },
		.flags = accept ? DM_ACCEPTED : 0,
	};

	service_say(s, &msg, sizeof(msg));
}

static void service_process(struct kmcl_channel *ch,
			    struct kmcl_context *ctx, void *buf, u32 len,
			    u32 flags)
{
	struct service *s = kmcl_get_pointer(ch);
	struct dm_header *hdr = buf;
	bool held = false;

	spin_lock_bh(&s->lock);
	if (len < sizeof(*hdr) || hdr->type > DM_INFO || hdr->size != len) {
		s->bad++;
	} else {
		s->got[hdr->type]++;
		held = s->hold;
		if (held)
			s->held = ctx;
		s->hold = false;
	}
	spin_unlock_bh(&s->lock);

	if (hdr->type == DM_VERSION_REQUEST && !s->mute)
		service_judge(s, DM_VERSION_RESPONSE, s->version ==
			      ((struct dm_version_request *)buf)->version);
	else if (hdr->type == DM_CAPS_REPORT && !s->mute)
		service_judge(s, DM_CAPS_RESPONSE, true);
	if (!held)
		kmcl_complete(ctx, NULL, 0);
	wake_up_all(&s->wait);
}

static u32 got(struct service *s, enum dm_type type)
{
	u32 n;

	spin_lock_bh(&s->lock);
	n = s->got[type];
	spin_unlock_bh(&s->lock);
	return n;
}

static u64 unknown(void)
{
	u64 n;

	spin_lock_irq(&dynmem.lock);
	n = dynmem.unknown;
	spin_unlock_irq(&dynmem.lock);
	return n;
}

/* Messages that the driver has completed */
static u64 taken(void)
{
	struct kmcl_counters c;

	kmcl_get_counters(dynmem.channel, &c);
	return c.delivered - c.outstanding;
}

#define service_wait(s, condition)					\
	do {								\
		struct service *_s = (s);				\
									\
		KUNIT_ASSERT_GT(_s->test,				\
				wait_event_timeout(_s->wait, condition,	\
						   LIMIT), 0);		\
	} while (0)

/* Until the driver has completed exactly @n messages */
static void service_wait_taken(struct service *s, u64 n)
{
	unsigned long end = jiffies + LIMIT;

	while (taken() < n && time_before(jiffies, end))
		schedule_timeout_uninterruptible(1);
	KUNIT_ASSERT_EQ(s->test, taken(), n);
}

static void service_read_on(struct service *s)
{
	struct kmcl_context *held;

	spin_lock_bh(&s->lock);
	s->hold = false;
	held = s->held;
	s->held = NULL;
	spin_unlock_bh(&s->lock);
	if (held)
		kmcl_complete(held, NULL, 0);
}

static void driver_start(struct service *s)
{
	KUNIT_ASSERT_EQ(s->test, dm_start(), 0);
	s->started = true;
}

static void driver_stop(struct service *s)
{
	if (s->started)
		dm_stop();
	s->started = false;
}

static void service_ask(struct service *s, enum dm_type type, u32 flags)
{
	struct dm_unballoon_request msg = {
		.hdr = { .type = type, .size = sizeof(msg) },
		.flags = flags,
	};

	service_say(s, &msg, sizeof(msg));
}

static void the_newest_version_is_agreed_on(struct kunit *test)
{
	struct service *s = test->priv;

	driver_start(s);
	service_wait(s, got(s, DM_STATUS_REPORT) > 2);
	KUNIT_EXPECT_EQ(test, READ_ONCE(dynmem.version), DM_VERSION_2_0);
	KUNIT_EXPECT_EQ(test, got(s, DM_VERSION_REQUEST), 1);
	KUNIT_EXPECT_EQ(test, got(s, DM_CAPS_REPORT), 1);
	driver_stop(s);
	KUNIT_EXPECT_EQ(test, dynmem.order_errors, 0);
	KUNIT_EXPECT_EQ(test, dynmem.in_order, dynmem.seq);
	KUNIT_EXPECT_EQ(test, dynmem.unknown, 0);
}

static void an_older_version_is_agreed_on(struct kunit *test)
{
	struct service *s = test->priv;

	s->version = DM_VERSION_0_3;
	driver_start(s);
	service_wait(s, got(s, DM_STATUS_REPORT));
	KUNIT_EXPECT_EQ(test, READ_ONCE(dynmem.version), DM_VERSION_0_3);
	KUNIT_EXPECT_EQ(test, got(s, DM_VERSION_REQUEST), 3);
	driver_stop(s);
}

static void without_an_agreement_nothing_is_reported(struct kunit *test)
{
	struct service *s = test->priv;
	unsigned long start;
	u32 i;

	s->version = 0;
	driver_start(s);
	service_wait(s, got(s, DM_VERSION_REQUEST) == 3);
	/* Disabling waits for PostStarted, which has all that it will ever have */
	driver_stop(s);
	KUNIT_EXPECT_EQ(test, dynmem.seq, 0);
	KUNIT_EXPECT_EQ(test, dynmem.version, 0);

	/* It does not wait for an answer that does not come */
	s->mute = true;
	for (i = 0; i < 3; i++) {
		driver_start(s);
		service_wait(s, got(s, DM_VERSION_REQUEST) == 4 + i);
		start = jiffies;
		driver_stop(s);
		KUNIT_EXPECT_LT(test, jiffies - start, DM_ANSWER_SEC * HZ / 2);
	}
	KUNIT_EXPECT_EQ(test, dynmem.seq, 0);
	KUNIT_EXPECT_EQ(test, got(s, DM_CAPS_REPORT), 0);
}

static void each_request_has_its_answer(struct kunit *test)
{
	static const struct dm_header hdr = { .type = DM_UNBALLOON_REQUEST };
	struct service *s = test->priv;

	driver_start(s);
	service_wait(s, got(s, DM_STATUS_REPORT));
	service_ask(s, DM_BALLOON_REQUEST, 0);
	service_ask(s, DM_HOT_ADD_REQUEST, 0);
	/* One answer to both */
	service_ask(s, DM_UNBALLOON_REQUEST, DM_MORE_PAGES);
	service_ask(s, DM_UNBALLOON_REQUEST, 0);
	service_ask(s, DM_INFO, 0);
	service_wait(s, got(s, DM_UNBALLOON_RESPONSE));
	service_wait_taken(s, 2 + 5);
	KUNIT_EXPECT_EQ(test, got(s, DM_BALLOON_RESPONSE), 1);
	KUNIT_EXPECT_EQ(test, got(s, DM_HOT_ADD_RESPONSE), 1);
	KUNIT_EXPECT_EQ(test, unknown(), 0);

	/* Unexpected or invalid messages: no answer */
	service_judge(s, DM_VERSION_RESPONSE, true);
	service_ask(s, DM_INFO + 1, 0);
	/* Payloads are in units of 8 bytes: nothing, and a header alone */
	service_say(s, &hdr, 0);
	service_say(s, &hdr, sizeof(hdr));
	service_wait_taken(s, 7 + 4);
	KUNIT_EXPECT_EQ(test, unknown(), 4);
	KUNIT_EXPECT_EQ(test, got(s, DM_UNBALLOON_RESPONSE), 1);
	driver_stop(s);
}

/* A service that sends requests and reads no answer */
static void answers_to_a_flood_are_bounded(struct kunit *test)
{
	struct service *s = test->priv;
	u32 i, unanswered, answered;
	struct kmcl_counters c;
	u64 before;

	ring_size = 2 * DM_RING_PAGE;
	interval_ms = 1000 * 1000;
	driver_start(s);
	service_wait(s, got(s, DM_STATUS_REPORT));
	before = taken();
	spin_lock_bh(&s->lock);
	s->hold = true;
	spin_unlock_bh(&s->lock);
	service_ask(s, DM_BALLOON_REQUEST, 0);
	service_wait(s, got(s, DM_BALLOON_RESPONSE));
	for (i = 0; i < FLOOD; i++)
		service_ask(s, DM_BALLOON_REQUEST, 0);
	service_wait_taken(s, before + 1 + FLOOD);
	kmcl_get_counters(dynmem.channel, &c);
	KUNIT_EXPECT_EQ(test, c.queued, DM_REPLIES);
	KUNIT_EXPECT_EQ(test, c.queued_peak, DM_REPLIES);
	KUNIT_EXPECT_EQ(test, got(s, DM_BALLOON_RESPONSE), 1);
	unanswered = unknown();
	answered = 1 + FLOOD - unanswered;
	KUNIT_EXPECT_GT(test, unanswered, 0);
	KUNIT_EXPECT_GT(test, answered, 1 + DM_REPLIES);

	/* Once it reads them, more follow */
	service_read_on(s);
	service_wait(s, got(s, DM_BALLOON_RESPONSE) == answered);
	service_ask(s, DM_BALLOON_REQUEST, 0);
	service_wait(s, got(s, DM_BALLOON_RESPONSE) == answered + 1);
	KUNIT_EXPECT_EQ(test, unknown(), unanswered);
	driver_stop(s);
	KUNIT_EXPECT_EQ(test, atomic_read(&dynmem.replies), 0);
}

static int service_init(struct kunit *test)
{
	static const guid_t class = DM_CLASS;
	static const guid_t id = GUID_INIT(0x6b6d636c, 0x0000, 0x4000, 0x80, 0,
					   0x64, 0x79, 0x6e, 0x6d, 0x65, 0x6d);
	struct service *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	memset(&dynmem, 0, sizeof(dynmem));
	ring_size = 4 * DM_RING_PAGE;
	interval_ms = 10;
	s->test = test;
	s->version = DM_VERSION_2_0;
	init_waitqueue_head(&s->wait);
	spin_lock_init(&s->lock);
	KUNIT_ASSERT_EQ(test, kmcl_channel_alloc(NULL, true, &s->ch), 0);
	test->priv = s;
	kmcl_set_pointer(s->ch, s);
	KUNIT_ASSERT_EQ(test, kmcl_set_process(s->ch, service_process, NULL), 0);
	KUNIT_ASSERT_EQ(test, kmcl_server_set_target(s->ch, &class, &id), 0);
	kmcl_set_quota(s->ch, 1);
	KUNIT_ASSERT_EQ(test, kmcl_channel_start(s->ch), 0);
	return kmcl_channel_enable(s->ch);
}

static void service_exit(struct kunit *test)
{
	struct service *s = test->priv;

	if (!s)
		return;
	/* A case that failed may have stopped anywhere */
	service_read_on(s);
	driver_stop(s);
	KUNIT_EXPECT_EQ(test, s->bad, 0);
	kmcl_channel_disable(s->ch);
	kmcl_channel_free(s->ch);
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
	.init = service_init,
	.exit = service_exit,
	.test_cases = dynmem_sample_test_cases,
};

kunit_test_suite(dynmem_sample_test_suite);
