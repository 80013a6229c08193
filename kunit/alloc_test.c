// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation of the library fails once, with the kernel's own fault
 * injection: an operation runs again and again, its first allocation failing,
 * then its second, until it runs without meeting the one that is to fail. The
 * filter is the library's text, on whatever task or softirq it runs. Nothing
 * may be left behind: allocation profiling counts the live objects of each
 * place in the library that allocates, and tells whether it was reached.
 */
#include <kunit/device.h>
#include <kunit/test.h>

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/fault-inject.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "faults.h"
#include "kmcl_internal.h"

#define MAX_ROUNDS	300
#define PACKETS		3
#define PATIENCE	(10 * HZ)

static const guid_t type =
	GUID_INIT(0x3f0e1a44, 0x90d2, 0x4b8c,
		  0x8a, 0x5e, 0x17, 0x29, 0xc3, 0x60, 0x0d, 0x01);
static const guid_t instance =
	GUID_INIT(0x3f0e1a44, 0x90d2, 0x4b8c,
		  0x8a, 0x5e, 0x17, 0x29, 0xc3, 0x60, 0x0d, 0x02);

struct endpoint {
	struct kmcl_channel *ch;
	struct completion settled;
	int failure;
};

struct alloc_fixture {
	struct fault_attr *slab;
	struct fault_attr *page;
	struct device *parent;
	unsigned int parent_refs;
	bool shortage;
	struct endpoint client;
	struct endpoint server;
	struct kmcl_completion *held[PACKETS];
	u8 order[PACKETS];
	atomic_t delivered;
	struct completion all_delivered;
};

static void expect_nothing_left(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	/* An offer that nobody used is freed by the workqueue */
	flush_workqueue(kmcl_server_wq);
	flush_workqueue(kmcl_wq);
	faults_expect_no_more(test);
	KUNIT_EXPECT_EQ(test, kref_read(&f->parent->kobj.kref), f->parent_refs);
}

/* One allocation fails, or all once there is no memory left */
static void arm(struct alloc_fixture *f, struct fault_attr *attr, int nth)
{
	if (f->shortage)
		faults_arm_shortage(attr, (nth - 1) * 32);
	else
		faults_arm(attr, nth);
}

/*
 * Run @round with one allocation failing, the first, then the second, until
 * none is left. It returns 0, or -ENOMEM when it saw the failure and has found
 * everything in order. The allocator can do without some allocations of its
 * own: at least @least failures must be seen.
 */
static void fail_each(struct kunit *test, struct fault_attr *attr,
		      int (*round)(struct kunit *test, struct fault_attr *attr,
				   int nth, bool *failed), int least)
{
	struct alloc_fixture *f = test->priv;
	int nth, ret, seen = 0;
	bool failed = true;

	for (nth = 1; failed && nth < MAX_ROUNDS; nth++) {
		f->parent_refs = kref_read(&f->parent->kobj.kref);
		faults_count();
		ret = round(test, attr, nth, &failed);
		if (ret && failed)
			seen++;
		else
			KUNIT_EXPECT_EQ_MSG(test, ret, 0, "round %d", nth);
		expect_nothing_left(test);
		if (test->status == KUNIT_FAILURE)
			break;
	}
	KUNIT_EXPECT_FALSE(test, failed);
	KUNIT_EXPECT_GE(test, seen, least);
	kunit_info(test, "%s: %d failures, %d seen\n", attr->dname, nth - 2,
		   seen);
}

/* Channels */
static void post_started(struct kmcl_channel *ch)
{
	struct endpoint *e = kmcl_get_pointer(ch);

	complete(&e->settled);
}

static void open_failed(struct kmcl_channel *ch, int status)
{
	struct endpoint *e = kmcl_get_pointer(ch);

	e->failure = status;
	complete(&e->settled);
}

static void echo(struct kmcl_channel *ch, struct kmcl_completion *comp,
		 void *buf, u32 len, u32 flags)
{
	kmcl_complete(comp, buf, len);
}

static const struct kmcl_channel_ops ops = { .post_started = post_started };

static void make(struct kunit *test, struct endpoint *e, bool server)
{
	struct alloc_fixture *f = test->priv;

	init_completion(&e->settled);
	e->failure = 0;
	KUNIT_ASSERT_EQ(test, kmcl_channel_alloc(f->parent, server, &e->ch), 0);
	kmcl_set_pointer(e->ch, e);
	KUNIT_ASSERT_EQ(test, kmcl_set_ops(e->ch, &ops), 0);
	KUNIT_ASSERT_EQ(test, kmcl_set_process(e->ch, echo, NULL), 0);
	if (server)
		KUNIT_ASSERT_EQ(test, kmcl_server_set_target(e->ch, &type, &instance), 0);
	else
		KUNIT_ASSERT_EQ(test, kmcl_set_target(e->ch, &type, NULL, open_failed), 0);
}

static void finish(struct endpoint *e)
{
	kmcl_channel_disable(e->ch);
	kmcl_channel_free(e->ch);
	e->ch = NULL;
}

/* Both sides in Active, or with @e->failure */
static void wait_settled(struct kunit *test, struct endpoint *e)
{
	KUNIT_ASSERT_GT(test, wait_for_completion_timeout(&e->settled, PATIENCE), 0);
}

static void open_both(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, kmcl_channel_start(f->server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(f->server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(f->client.ch), 0);
	wait_settled(test, &f->server);
	wait_settled(test, &f->client);
	KUNIT_ASSERT_EQ(test, f->client.failure, 0);
}

static int ask(struct kmcl_channel *ch)
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
	if (!ret)
		KUNIT_EXPECT_EQ(test, kmcl_channel_free(ch), 0);
	return ret;
}

static void allocating_a_channel(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	fail_each(test, f->slab, channel_round, 1);
	fail_each(test, f->page, channel_round, 0);
}

static int settings_round(struct kunit *test, struct fault_attr *attr, int nth,
			  bool *failed)
{
	struct alloc_fixture *f = test->priv;
	struct kmcl_channel *ch;
	int ret;

	make(test, &f->client, false);
	ch = f->client.ch;
	KUNIT_ASSERT_EQ(test, kmcl_set_name(ch, "before"), 0);
	faults_arm(attr, nth);
	ret = kmcl_set_name(ch, "between") ?:
	      kmcl_errno(__kmcl_set_name_utf16(ch, L"after", 5)) ?:
	      kmcl_set_ops(ch, &ops) ?:
	      kmcl_set_process(ch, echo, NULL) ?:
	      kmcl_set_flags(ch, 0) ?:
	      kmcl_set_max_packet_size(ch, 1000) ?:
	      kmcl_set_context_size(ch, 64) ?:
	      kmcl_set_ring_pages(ch, 9, 9) ?:
	      kmcl_set_target(ch, &type, NULL, open_failed);
	*failed = faults_disarm(attr);
	faults_note_reached();
	KUNIT_EXPECT_STREQ(test, ch->name, !ret ? "after" :
			   nth == 1 ? "before" : "between");
	if (ret)
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	KUNIT_EXPECT_EQ(test, kmcl_set_name(ch, "again"), 0);
	finish(&f->client);
	return ret;
}

static void setting_up_a_channel(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	fail_each(test, f->slab, settings_round, 2);
}

/* The packet, its slot, and the slot's place in the table */
static int packet_round(struct kunit *test, struct fault_attr *attr, int nth,
			bool *failed)
{
	struct alloc_fixture *f = test->priv;
	struct kmcl_packet *pkt;
	int ret;

	make(test, &f->client, false);
	KUNIT_EXPECT_EQ(test, kmcl_set_max_packet_size(f->client.ch, 64), 0);
	arm(f, attr, nth);
	pkt = kmcl_packet_alloc(f->client.ch);
	*failed = faults_disarm(attr);
	faults_note_reached();
	ret = pkt ? 0 : -ENOMEM;
	if (!pkt)
		pkt = kmcl_packet_alloc(f->client.ch);
	KUNIT_EXPECT_NOT_NULL(test, pkt);
	kmcl_packet_free(pkt);
	finish(&f->client);
	return ret;
}

static void allocating_a_packet(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	fail_each(test, f->slab, packet_round, 2);
	/* The table asks twice: fail both */
	f->shortage = true;
	fail_each(test, f->slab, packet_round, 20);
}

static int packet_init_round(struct kunit *test, struct fault_attr *attr,
			     int nth, bool *failed)
{
	struct alloc_fixture *f = test->priv;
	u32 bytes;
	void *mem;
	int ret;

	make(test, &f->client, false);
	bytes = kmcl_packet_size(f->client.ch);
	mem = kzalloc(bytes, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, mem);
	arm(f, attr, nth);
	ret = kmcl_packet_init(f->client.ch, mem, bytes);
	*failed = faults_disarm(attr);
	faults_note_reached();
	if (ret) {
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
		KUNIT_EXPECT_NULL(test, memchr_inv(mem, 0, bytes));
		KUNIT_EXPECT_EQ(test, kmcl_packet_init(f->client.ch, mem, bytes), 0);
	}
	finish(&f->client);
	kfree(mem);
	return ret;
}

static void making_a_packet_of_memory(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	fail_each(test, f->slab, packet_init_round, 1);
	f->shortage = true;
	fail_each(test, f->slab, packet_init_round, 15);
}

static int enable_round(struct kunit *test, struct fault_attr *attr, int nth,
			bool *failed)
{
	struct alloc_fixture *f = test->priv;
	int ret;

	make(test, &f->server, true);
	faults_arm(attr, nth);
	ret = kmcl_channel_enable(f->server.ch);
	*failed = faults_disarm(attr);
	faults_note_reached();
	if (ret) {
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
		KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(f->server.ch), "Disabled");
		KUNIT_EXPECT_FALSE(test, kmcl_offer_exists(&type, &instance));
		KUNIT_EXPECT_EQ(test, kmcl_set_name(f->server.ch, "server"), 0);
		KUNIT_EXPECT_EQ(test, kmcl_channel_enable(f->server.ch), 0);
	}
	KUNIT_EXPECT_TRUE(test, kmcl_offer_exists(&type, &instance));
	finish(&f->server);
	return ret;
}

static void enabling_a_server(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	fail_each(test, f->slab, enable_round, 1);
}

/*
 * The client's part fails with -ENOMEM, the server's refuses the client; both
 * can be opened afterwards.
 */
static int open_round(struct kunit *test, struct fault_attr *attr, int nth,
		      bool *failed)
{
	struct alloc_fixture *f = test->priv;
	struct kmcl_counters n;
	int ret;

	make(test, &f->server, true);
	make(test, &f->client, false);
	KUNIT_ASSERT_EQ(test, kmcl_channel_start(f->server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(f->server.ch), 0);
	faults_arm(attr, nth);
	ret = kmcl_channel_enable(f->client.ch);
	KUNIT_EXPECT_EQ(test, ret, 0);
	wait_settled(test, &f->client);
	if (!f->client.failure)
		wait_settled(test, &f->server);
	*failed = faults_disarm(attr);
	faults_note_reached();
	ret = f->client.failure;
	if (ret) {
		kmcl_get_counters(f->server.ch, &n);
		KUNIT_EXPECT_EQ(test, ret, n.open_failures ? -ECONNREFUSED : -ENOMEM);
		kmcl_channel_disable(f->client.ch);
		KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(f->client.ch), "Disabled");
		KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(f->server.ch), "Started");
		kmcl_get_counters(f->client.ch, &n);
		KUNIT_EXPECT_EQ(test, n.open_failures, 1);
		KUNIT_EXPECT_EQ(test, n.opens, 0);
		KUNIT_EXPECT_EQ(test, n.closes, 0);
		f->client.failure = 0;
		KUNIT_EXPECT_EQ(test, kmcl_channel_enable(f->client.ch), 0);
		wait_settled(test, &f->client);
		wait_settled(test, &f->server);
	}
	KUNIT_EXPECT_EQ(test, f->client.failure, 0);
	KUNIT_EXPECT_EQ(test, ask(f->client.ch), 0);
	finish(&f->client);
	finish(&f->server);
	return ret;
}

static void opening(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	/*
	 * Two contexts, the connection, two rings: array and area. The areas'
	 * ranges are allocated too, or taken from vmalloc's pool of used ones.
	 */
	fail_each(test, f->slab, open_round, 7);
	/* The pages of two rings for the default packet size */
	fail_each(test, f->page, open_round, 10);
}

/* @request fails with -ENOMEM, and then works */
static int request_round(struct kunit *test, struct fault_attr *attr, int nth,
			 bool *failed, int (*request)(struct alloc_fixture *f))
{
	struct alloc_fixture *f = test->priv;
	int ret;

	make(test, &f->server, true);
	make(test, &f->client, false);
	open_both(test);
	faults_arm(attr, nth);
	ret = request(f);
	*failed = faults_disarm(attr);
	if (ret)
		KUNIT_EXPECT_EQ(test, ret, -ENOMEM);
	KUNIT_EXPECT_EQ(test, request(f), 0);
	KUNIT_EXPECT_EQ(test, ask(f->client.ch), 0);
	finish(&f->client);
	finish(&f->server);
	return ret;
}

static int client_asks(struct alloc_fixture *f)
{
	return ask(f->client.ch);
}

static int sync_round(struct kunit *test, struct fault_attr *attr, int nth,
		      bool *failed)
{
	return request_round(test, attr, nth, failed, client_asks);
}

/* A server's never waits, and takes a packet from the cache */
static int server_tries(struct alloc_fixture *f)
{
	return kmcl_send_sync(f->server.ch, "x", 1, 0, NULL, NULL, 0);
}

static int sync_try_round(struct kunit *test, struct fault_attr *attr, int nth,
			  bool *failed)
{
	return request_round(test, attr, nth, failed, server_tries);
}

static void synchronous_requests(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	fail_each(test, f->slab, sync_round, 2);
	fail_each(test, f->slab, sync_try_round, 2);
}

static void hold(struct kmcl_channel *ch, struct kmcl_completion *comp,
		 void *buf, u32 len, u32 flags)
{
	struct endpoint *e = kmcl_get_pointer(ch);
	struct alloc_fixture *f = container_of(e, struct alloc_fixture, server);
	int i = atomic_read(&f->delivered);

	f->order[i] = *(u8 *)buf;
	f->held[i] = comp;
	if (atomic_inc_return(&f->delivered) == PACKETS)
		complete(&f->all_delivered);
}

/* Without memory for another packet delivery waits for a completion */
static int delivery_round(struct kunit *test, struct fault_attr *attr, int nth,
			  bool *failed)
{
	struct alloc_fixture *f = test->priv;
	struct kmcl_packet *pkt[PACKETS];
	int done = 0, i, ret = 0;

	atomic_set(&f->delivered, 0);
	init_completion(&f->all_delivered);
	make(test, &f->server, true);
	make(test, &f->client, false);
	KUNIT_ASSERT_EQ(test, kmcl_set_process(f->server.ch, hold, NULL), 0);
	open_both(test);
	for (i = 0; i < PACKETS; i++) {
		pkt[i] = kmcl_packet_alloc(f->client.ch);
		KUNIT_ASSERT_NOT_NULL(test, pkt[i]);
	}
	faults_arm(attr, nth);
	for (i = 0; i < PACKETS; i++) {
		u8 number = i;

		KUNIT_EXPECT_EQ(test, kmcl_send(pkt[i], &number, 1, 0), 0);
	}
	if (!wait_for_completion_timeout(&f->all_delivered, HZ / 5))
		ret = -ENOMEM;
	*failed = faults_disarm(attr);
	faults_note_reached();
	if (ret) {
		/* As many as came before; the first one's completion resumes */
		KUNIT_EXPECT_EQ(test, atomic_read(&f->delivered), nth);
		kmcl_complete(f->held[done++], NULL, 0);
		KUNIT_EXPECT_GT(test, wait_for_completion_timeout(&f->all_delivered, PATIENCE), 0);
	}
	for (i = 0; i < PACKETS; i++)
		KUNIT_EXPECT_EQ(test, f->order[i], i);
	while (done < PACKETS)
		kmcl_complete(f->held[done++], NULL, 0);
	finish(&f->client);
	finish(&f->server);
	return ret;
}

static void delivering(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	/* One context is there from the opening on */
	fail_each(test, f->slab, delivery_round, PACKETS - 1);
}

static int save_round(struct kunit *test, struct fault_attr *attr, int nth,
		      bool *failed)
{
	struct alloc_fixture *f = test->priv;
	int ret;

	make(test, &f->server, true);
	make(test, &f->client, false);
	open_both(test);
	kmcl_channel_pause(f->server.ch);
	faults_arm(attr, nth);
	ret = kmcl_save_begin(f->server.ch);
	*failed = faults_disarm(attr);
	faults_note_reached();
	if (ret)
		KUNIT_EXPECT_EQ(test, kmcl_save_begin(f->server.ch), 0);
	kmcl_save_end(f->server.ch);
	finish(&f->client);
	finish(&f->server);
	return ret;
}

static void saving(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	fail_each(test, f->slab, save_round, 1);
}

/* Runs last: the tests above have made each place allocate */
static void every_place_was_reached(struct kunit *test)
{
	int places = faults_expect_reached(test);

	kunit_info(test, "%d places\n", places);
	KUNIT_EXPECT_GE(test, places, 9);
}

static int alloc_init(struct kunit *test)
{
	struct alloc_fixture *f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, f);
	test->priv = f;
	f->parent = kunit_device_register(test, "kmcl-alloc");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, f->parent);
	faults_init(test);
	f->slab = faults_of(test, "failslab");
	f->page = faults_of(test, "fail_page_alloc");
	faults_set_any_page(test);
	return 0;
}

static void alloc_exit(struct kunit *test)
{
	struct alloc_fixture *f = test->priv;

	if (f && f->slab)
		faults_disarm(f->slab);
	if (f && f->page)
		faults_disarm(f->page);
}

static struct kunit_case alloc_cases[] = {
	/* KMCL: VmbChannelAllocate */
	KUNIT_CASE(allocating_a_channel),
	KUNIT_CASE(setting_up_a_channel),
	/* KMCL: VmbPacketAllocate */
	KUNIT_CASE(allocating_a_packet),
	/* KMCL: VmbPacketInitialize */
	KUNIT_CASE(making_a_packet_of_memory),
	/* KMCL: VmbChannelEnable */
	KUNIT_CASE(enabling_a_server),
	KUNIT_CASE_SLOW(opening),
	KUNIT_CASE(synchronous_requests),
	KUNIT_CASE(delivering),
	/* KMCL: VmbChannelSaveEnd */
	KUNIT_CASE(saving),
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
