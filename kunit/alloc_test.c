// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation that making a channel and its packets needs fails once, see
 * alloc_harness.h. The last test looks at what all suites have reached.
 */
#include <linux/slab.h>
#include <linux/string.h>

#include "alloc_harness.h"

/* Channels that have got no directory in sysfs, for lack of memory */
static int hidden;

static int channel_round(struct kunit *test, struct fault_attr *attr, int nth,
			 bool *failed)
{
	struct alloc_fixture *f = test->priv;
	struct kmcl_channel *ch = NULL;
	int ret;

	faults_arm(attr, nth);
	ret = kmcl_channel_alloc(f->parent, nth % 2, &ch);
	*failed = faults_disarm(attr);
	KUNIT_EXPECT_EQ(test, !ret, !!ch);
	faults_note_reached();
	if (!ret) {
		/* All of the directory or nothing, and never without a reason */
		KUNIT_EXPECT_EQ(test, !!ch->kobj.sd, !!ch->kobj.state_in_sysfs);
		KUNIT_EXPECT_TRUE(test, *failed || ch->kobj.state_in_sysfs);
		hidden += !ch->kobj.state_in_sysfs;
		KUNIT_EXPECT_EQ(test, kmcl_set_name(ch, "any"), 0);
		KUNIT_EXPECT_EQ(test, kmcl_channel_free(ch), 0);
	}
	return ret;
}

static void allocating_a_channel(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	hidden = 0;
	alloc_fail_each(test, f->slab, channel_round, 1);
	/* Its name, its node, and those of seven files */
	KUNIT_EXPECT_GE(test, hidden, 9);
	alloc_fail_each(test, f->page, channel_round, 0);
}

static int settings_round(struct kunit *test, struct fault_attr *attr, int nth,
			  bool *failed)
{
	struct alloc_fixture *f = test->priv;
	struct kmcl_channel *ch;
	int ret;

	alloc_make(test, &f->client, false);
	ch = f->client.ch;
	KUNIT_ASSERT_EQ(test, kmcl_set_name(ch, "before"), 0);
	faults_arm(attr, nth);
	ret = kmcl_set_name(ch, "between") ?:
	      kmcl_set_name_utf16(ch, L"after", 5) ?:
	      kmcl_set_ops(ch, &alloc_ops) ?:
	      kmcl_set_process(ch, alloc_echo, NULL) ?:
	      kmcl_set_flags(ch, 0) ?:
	      kmcl_set_max_packet_size(ch, 1000) ?:
	      kmcl_set_context_size(ch, 64) ?:
	      kmcl_set_ring_pages(ch, 9, 9) ?:
	      kmcl_set_target(ch, &alloc_type, NULL, alloc_open_failed);
	*failed = faults_disarm(attr);
	faults_note_reached();
	KUNIT_EXPECT_STREQ(test, ch->cfg.name, !ret ? "after" :
			   nth == 1 ? "before" : "between");
	if (ret)
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	KUNIT_EXPECT_EQ(test, kmcl_set_name(ch, "again"), 0);
	alloc_finish(&f->client);
	return ret;
}

static void setting_up_a_channel(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	alloc_fail_each(test, f->slab, settings_round, 2);
}

static int packet_round_of(struct kunit *test, struct fault_attr *attr, int nth,
			   bool *failed, bool server, u32 size)
{
	struct alloc_fixture *f = test->priv;
	struct kmcl_packet *pkt;
	int ret;

	alloc_make(test, &f->client, server);
	KUNIT_EXPECT_EQ(test, kmcl_set_max_packet_size(f->client.ch, size), 0);
	faults_arm(attr, nth);
	pkt = kmcl_packet_alloc(f->client.ch);
	*failed = faults_disarm(attr);
	faults_note_reached();
	ret = pkt ? 0 : -ENOMEM;
	if (!pkt)
		pkt = kmcl_packet_alloc(f->client.ch);
	KUNIT_EXPECT_NOT_NULL(test, pkt);
	kmcl_packet_free(pkt);
	alloc_finish(&f->client);
	return ret;
}

static int packet_round(struct kunit *test, struct fault_attr *attr, int nth,
			bool *failed)
{
	return packet_round_of(test, attr, nth, failed, false, 64);
}

/* Of more pages than that */
static int large_packet_round(struct kunit *test, struct fault_attr *attr,
			      int nth, bool *failed)
{
	return packet_round_of(test, attr, nth, failed, true, 6 * PAGE_SIZE);
}

static void allocating_a_packet(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	alloc_fail_each(test, f->slab, packet_round, 1);
	alloc_fail_each(test, f->slab, large_packet_round, 7);
}

static int enable_round(struct kunit *test, struct fault_attr *attr, int nth,
			bool *failed)
{
	struct alloc_fixture *f = test->priv;
	int ret;

	alloc_make(test, &f->server, true);
	faults_arm(attr, nth);
	ret = kmcl_channel_enable(f->server.ch);
	*failed = faults_disarm(attr);
	faults_note_reached();
	if (ret) {
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
		KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(f->server.ch), "Disabled");
		KUNIT_EXPECT_FALSE(test, kmcl_offer_exists(&alloc_type,
							   &alloc_instance));
		KUNIT_EXPECT_EQ(test, kmcl_set_name(f->server.ch, "server"), 0);
		KUNIT_EXPECT_EQ(test, kmcl_channel_enable(f->server.ch), 0);
	}
	KUNIT_EXPECT_TRUE(test, kmcl_offer_exists(&alloc_type, &alloc_instance));
	alloc_finish(&f->server);
	return ret;
}

static void enabling_a_server(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	alloc_fail_each(test, f->slab, enable_round, 1);
}

/* Runs last: the tests above have made each place allocate */
static void every_place_was_reached(struct kunit *test)
{
	int places = faults_expect_reached(test);

	kunit_info(test, "%d places\n", places);
	KUNIT_EXPECT_GE(test, places, 9);
}

static struct kunit_case alloc_cases[] = {
	/* KMCL: VmbChannelAllocate */
	KUNIT_CASE(allocating_a_channel),
	KUNIT_CASE(setting_up_a_channel),
	/* KMCL: VmbPacketAllocate */
	KUNIT_CASE(allocating_a_packet),
	/* KMCL: VmbChannelEnable */
	KUNIT_CASE(enabling_a_server),
	KUNIT_CASE(every_place_was_reached),
	{}
};

static struct kunit_suite alloc_suite = {
	.name = "kmcl_alloc",
	.init = alloc_init,
	.exit = alloc_exit,
	.test_cases = alloc_cases,
};

kunit_test_suite(alloc_suite);

MODULE_DESCRIPTION("KUnit tests of KMCL without memory");
MODULE_LICENSE("GPL");
