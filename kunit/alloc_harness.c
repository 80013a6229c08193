// SPDX-License-Identifier: GPL-2.0
/*
 * Channels, and allocations of the library that fail, see alloc_harness.h. The
 * fault is armed for every task and softirq at once: whoever runs a round waits
 * for what it has begun before disarming.
 */
#include <kunit/device.h>

#include <linux/device.h>
#include <linux/string.h>

#include "alloc_harness.h"
#include "leaks.h"

#define MAX_ROUNDS	300
#define PASSES		5

const guid_t alloc_type =
	GUID_INIT(0x3f0e1a44, 0x90d2, 0x4b8c,
		  0x8a, 0x5e, 0x17, 0x29, 0xc3, 0x60, 0x0d, 0x01);
const guid_t alloc_instance =
	GUID_INIT(0x3f0e1a44, 0x90d2, 0x4b8c,
		  0x8a, 0x5e, 0x17, 0x29, 0xc3, 0x60, 0x0d, 0x02);

static void expect_nothing_left(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	/* An offer that nobody used is freed by the workqueue */
	flush_workqueue(kmcl_server_wq);
	flush_workqueue(kmcl_wq);
	faults_expect_no_more(test);
	KUNIT_EXPECT_EQ(test, kref_read(&f->parent->kobj.kref), f->parent_refs);
}

/* Returns how many failures were seen. */
static int fail_each_once(struct kunit *test, struct fault_attr *attr,
			  int (*round)(struct kunit *test, struct fault_attr *attr,
				       int nth, bool *failed))
{
	struct alloc_fixture *f = test->priv;
	bool failed = true, again = false;
	int nth, ret, seen = 0;

	for (nth = 1; failed && nth < MAX_ROUNDS; nth++) {
		f->parent_refs = kref_read(&f->parent->kobj.kref);
		faults_count();
		ret = round(test, attr, nth, &failed);
		if (ret && failed)
			seen++;
		else
			KUNIT_EXPECT_EQ_MSG(test, ret, 0, "round %d", nth);
		/*
		 * An allocation of the allocator's own, which it need not make
		 * in the next round, such as the vector that notes whose the
		 * objects of a new slab are: what it came before is still to fail.
		 */
		again = !ret && failed && !again;
		nth -= again;
		expect_nothing_left(test);
		if (test->status == KUNIT_FAILURE)
			break;
	}
	KUNIT_EXPECT_FALSE(test, failed);
	kunit_info(test, "%s: %d failures, %d seen\n", attr->dname, nth - 2,
		   seen);
	return seen;
}

/*
 * Run @round with one allocation failing, the first, then the second, until
 * none is left. It returns 0, or -ENOMEM when it saw the failure and has found
 * everything in order. The allocator can do without some allocations of its
 * own: at least @least failures must be seen.
 *
 * sysfs frees the nodes of its numbers later, or from another processor's pool. So one
 * round allocates a node, and the next does not: then what comes behind it has a lower
 * number, and no round may have failed it. Another pass does.
 */
void alloc_fail_each(struct kunit *test, struct fault_attr *attr,
		     int (*round)(struct kunit *test, struct fault_attr *attr,
				  int nth, bool *failed), int least)
{
	int seen, pass = 0;

	do {
		seen = fail_each_once(test, attr, round);
	} while (seen < least && ++pass < PASSES && test->status != KUNIT_FAILURE);
	KUNIT_EXPECT_GE(test, seen, least);
}

static void post_started(struct kmcl_channel *ch)
{
	struct alloc_end *e = kmcl_get_pointer(ch);

	complete(&e->settled);
}

void alloc_open_failed(struct kmcl_channel *ch, int status)
{
	struct alloc_end *e = kmcl_get_pointer(ch);

	e->failure = status;
	complete(&e->settled);
}

void alloc_echo(struct kmcl_channel *ch, struct kmcl_context *ctx,
		void *buf, u32 len, u32 flags)
{
	kmcl_complete(ctx, buf, len);
}

const struct kmcl_channel_ops alloc_ops = { .post_started = post_started };

void alloc_make(struct kunit *test, struct alloc_end *e, bool server)
{
	struct alloc_fixture *f = test->priv;

	init_completion(&e->settled);
	e->failure = 0;
	KUNIT_ASSERT_EQ(test, kmcl_channel_alloc(f->parent, server, &e->ch), 0);
	kmcl_set_pointer(e->ch, e);
	KUNIT_ASSERT_EQ(test, kmcl_set_ops(e->ch, &alloc_ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_set_process(e->ch, alloc_echo, NULL), 0);
	/* Memory of more than a page can be taken from vmalloc() instead */
	KUNIT_ASSERT_EQ(test, kmcl_set_max_packet_size(e->ch, 1000), 0);
	if (server)
		KUNIT_ASSERT_EQ(test, 0,
				kmcl_server_set_target(e->ch, &alloc_type,
						       &alloc_instance));
	else
		KUNIT_ASSERT_EQ(test, 0,
				kmcl_set_target(e->ch, &alloc_type, NULL,
						alloc_open_failed));
}

void alloc_finish(struct alloc_end *e)
{
	kmcl_channel_disable(e->ch);
	kmcl_channel_free(e->ch);
	e->ch = NULL;
}

/* Both sides in Active, or with @e->failure */
void alloc_wait_settled(struct kunit *test, struct alloc_end *e)
{
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&e->settled, PATIENCE), 0);
}

void alloc_open_both(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, kmcl_channel_start(f->server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(f->server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(f->client.ch), 0);
	alloc_wait_settled(test, &f->server);
	alloc_wait_settled(test, &f->client);
	KUNIT_ASSERT_EQ(test, f->client.failure, 0);
}

int alloc_ask(struct kmcl_channel *ch)
{
	u8 buf[16] = "sixteen bytes..", reply[16] = {};
	u32 len = sizeof(reply);
	int ret;

	ret = kmcl_send_sync(ch, buf, sizeof(buf), KMCL_SEND_WAIT, reply, &len,
			     10LL * NSEC_PER_SEC);
	if (ret)
		return ret;
	return len == sizeof(buf) && !memcmp(buf, reply, len) ? 0 : -EBADMSG;
}

int alloc_init(struct kunit *test)
{
	struct alloc_fixture *f;

	KUNIT_ASSERT_EQ(test, leaks_watch(test), 0);
	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	f->parent = kunit_device_register(test, "kmcl-alloc");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, f->parent);
	f->slab = faults_of(test, "failslab");
	f->page = faults_of(test, "fail_page_alloc");
	faults_set_any_page(test);
	return 0;
}

void alloc_exit(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	if (!f)
		return;
	faults_disarm(f->slab);
	faults_disarm(f->page);
}
