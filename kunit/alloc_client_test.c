// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation fails once that a channel made from a description needs, and
 * a buffer that is sent; see alloc_harness.h for how.
 */
#include <linux/device.h>

#include "alloc_harness.h"

static const struct kmcl_client client = {
	.name = "client",
	.type = GUID_INIT(0x3f0e1a44, 0x90d2, 0x4b8c,
			  0x8a, 0x5e, 0x17, 0x29, 0xc3, 0x60, 0x0d, 0x01),
};

static const struct kmcl_server server = {
	.name = "server",
	.type = GUID_INIT(0x3f0e1a44, 0x90d2, 0x4b8c,
			  0x8a, 0x5e, 0x17, 0x29, 0xc3, 0x60, 0x0d, 0x01),
	.instance = &alloc_instance,
};

static int free_again(struct kmcl_channel *ch)
{
	faults_note_reached();
	return IS_ERR(ch) ? PTR_ERR(ch) : kmcl_channel_free(ch);
}

static int client_round(struct kunit *test, struct fault_attr *attr, int nth,
			bool *failed)
{
	struct alloc_fixture *f = test->priv;
	struct kmcl_channel *ch;

	faults_arm(attr, nth);
	ch = kmcl_client_create(f->parent, &client, NULL);
	*failed = faults_disarm(attr);
	return free_again(ch);
}

static int server_round(struct kunit *test, struct fault_attr *attr, int nth,
			bool *failed)
{
	struct alloc_fixture *f = test->priv;
	struct kmcl_channel *ch;

	faults_arm(attr, nth);
	ch = kmcl_server_create(f->parent, &server, NULL);
	*failed = faults_disarm(attr);
	return free_again(ch);
}

/* What a driver gets for its device goes with the group, as with the driver */
static int device_round(struct kunit *test, struct fault_attr *attr, int nth,
			bool *failed)
{
	struct alloc_fixture *f = test->priv;
	struct kmcl_channel *ch;
	void *group;
	int freed;

	group = devres_open_group(f->parent, NULL, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, group);
	faults_arm(attr, nth);
	ch = devm_kmcl_client_create(f->parent, &client, NULL);
	*failed = faults_disarm(attr);
	faults_note_reached();
	/* The group itself does not count */
	freed = devres_release_group(f->parent, group);
	KUNIT_EXPECT_EQ(test, freed, IS_ERR(ch) ? 0 : 1);
	return PTR_ERR_OR_ZERO(ch);
}

/* The channel and its name; with a device also what ends it */
static void creating_a_channel(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	alloc_fail_each(test, f->slab, client_round, 2);
	alloc_fail_each(test, f->slab, server_round, 2);
	alloc_fail_each(test, f->slab, device_round, 3);
	alloc_fail_each(test, f->page, device_round, 0);
}

static int send_round(struct kunit *test, struct fault_attr *attr, int nth,
		      bool *failed)
{
	struct kmcl_channel *ch = kmcl_client_create(NULL, &client, NULL);
	struct kmcl_counters n;
	int ret;

	KUNIT_ASSERT_FALSE(test, IS_ERR(ch));
	faults_arm(attr, nth);
	ret = kmcl_send_buf(ch, "x", 1);
	*failed = faults_disarm(attr);
	faults_note_reached();
	kmcl_get_counters(ch, &n);
	KUNIT_EXPECT_EQ(test, n.accepted, !ret);
	/* A packet that is not sent is not kept either */
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(ch, NULL, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, kmcl_channel_free(ch), 0);
	return ret;
}

static void sending_a_buffer(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	alloc_fail_each(test, f->slab, send_round, 1);
}

static struct kunit_case alloc_client_cases[] = {
	KUNIT_CASE(creating_a_channel),
	KUNIT_CASE(sending_a_buffer),
	{}
};

static struct kunit_suite alloc_client_suite = {
	.name = "kmcl_alloc_client",
	.init = alloc_init,
	.exit = alloc_exit,
	.test_cases = alloc_client_cases,
};

kunit_test_suite(alloc_client_suite);
