// SPDX-License-Identifier: GPL-2.0
/*
 * Payloads that may fault: in user space, there or not, of each function that
 * sends. A fault has no effect: the packet is as it was, and nothing is counted.
 * Needs loopback only. The thread of a case has user space of its own.
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/uaccess.h>

#ifdef KMCL_IN_TREE
#include "harness.h"
#else
#include "win_harness.h"
#endif

MODULE_IMPORT_NS("EXPORTED_FOR_KUNIT_TESTING");

#define PAGED	(KMCL_SEND_PAGED | KMCL_SEND_WAIT)
#define BYTES	8U
#define NOWHERE	((void *)PAGE_SIZE)	/* nothing is mapped at so low an address */

struct paged_fixture {
	struct kmcl_packet *pkt;
	struct loop_page page;
	u8 *user;		/* two pages, the second one without memory */
	u32 done;
	int status;
	int result;
};

static struct paged_fixture fx;

static void paged_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct end *e = loop_end(kmcl_packet_channel(pkt));

	fx.status = status;
	WRITE_ONCE(fx.done, fx.done + 1);
	wake_up_all(&e->wait);
}

/* Each function that sends, with this payload */
static int by_send(struct loop *loop, const void *buf, u32 len)
{
	return kmcl_send(fx.pkt, buf, len, PAGED);
}

static int by_many(struct loop *loop, const void *buf, u32 len)
{
	struct kmcl_message msg = { fx.pkt, buf, len, PAGED };
	int ret = kmcl_send_many(loop->client.ch, &msg, 1);

	return ret == 1 ? 0 : ret;
}

static int by_mdl(struct loop *loop, const void *buf, u32 len)
{
	return kmcl_send_mdl(fx.pkt, buf, len, fx.page.mdl, PAGED);
}

static int by_mdl_part(struct loop *loop, const void *buf, u32 len)
{
	return kmcl_send_mdl_part(fx.pkt, buf, len, fx.page.mdl, 0, 0, PAGED);
}

static int by_pfns(struct loop *loop, const void *buf, u32 len)
{
	return kmcl_send_pfns(fx.pkt, buf, len, &fx.page.pfn, 1, PAGED);
}

static int by_sg(struct loop *loop, const void *buf, u32 len)
{
	return kmcl_send_sg(fx.pkt, buf, len, &fx.page.sg, 1, PAGED);
}

static int by_sync(struct loop *loop, const void *buf, u32 len)
{
	return kmcl_send_sync(loop->client.ch, buf, len, PAGED, NULL, NULL,
			      KMCL_NO_TIMEOUT);
}

static int by_sync_mdl(struct loop *loop, const void *buf, u32 len)
{
	return kmcl_send_sync_mdl(loop->client.ch, buf, len, fx.page.mdl, PAGED,
				  NULL, NULL, KMCL_NO_TIMEOUT);
}

static const struct sender {
	const char *name;
	int (*send)(struct loop *loop, const void *buf, u32 len);
	bool sync;
} senders[] = {
	{ "kmcl_send", by_send },
	{ "kmcl_send_many", by_many },
	{ "kmcl_send_mdl", by_mdl },
	{ "kmcl_send_mdl_part", by_mdl_part },
	{ "kmcl_send_pfns", by_pfns },
	{ "kmcl_send_sg", by_sg },
	{ "kmcl_send_sync", by_sync, true },
	{ "kmcl_send_sync_mdl", by_sync_mdl, true },
};

KUNIT_ARRAY_PARAM_DESC(sender, senders, name);

static int paged_init(struct kunit *test)
{
	int ret = loop_init(test);
	struct loop *loop = test->priv;

	memset(&fx, 0, sizeof(fx));
	if (ret)
		return ret;
	loop_page(test, &fx.page);
	fx.pkt = loop_packet(&loop->client, paged_done);
	return 0;
}

static void paged_exit(struct kunit *test)
{
	struct loop *loop = test->priv;

	kmcl_channel_disable(loop->client.ch);
	kmcl_packet_free(fx.pkt);
	loop_exit(test);
}

/* User space with @value at the end of a page behind which there is nothing */
static const void *user_payload(struct kunit *test, u64 value)
{
	unsigned long at = kunit_vm_mmap(test, NULL, 0, 2 * PAGE_SIZE,
					 PROT_READ | PROT_WRITE,
					 MAP_ANONYMOUS | MAP_PRIVATE, 0);

	KUNIT_ASSERT_NE(test, at, 0);
	KUNIT_ASSERT_FALSE(test, IS_ERR_VALUE(at));
	KUNIT_ASSERT_EQ(test, 0, vm_munmap(at + PAGE_SIZE, PAGE_SIZE));
	fx.user = (u8 *)at + PAGE_SIZE - BYTES;
	KUNIT_ASSERT_EQ(test, 0, copy_to_user((void __force __user *)fx.user,
					      &value, sizeof(value)));
	return fx.user;
}

static void a_payload_of_user_space_arrives(struct kunit *test)
{
	const struct sender *sender = test->param_value;
	struct loop *loop = test->priv;
	const void *user = user_payload(test, 4711);

	loop_up(loop);
	KUNIT_EXPECT_EQ(test, 0, sender->send(loop, user, BYTES));
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
	KUNIT_EXPECT_EQ(test, loop->server.got[0], 4711);
	if (!sender->sync)
		loop_wait(&loop->client, READ_ONCE(fx.done) == 1);
	KUNIT_EXPECT_EQ(test, fx.status, 0);
}

/* Its memory may be gone when the packet is sent at last */
static void a_payload_of_user_space_is_queued(struct kunit *test)
{
	struct loop *loop = test->priv;
	const void *user = user_payload(test, 4712);

	KUNIT_ASSERT_EQ(test, 0, by_mdl(loop, user, BYTES));
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, 1);
	KUNIT_ASSERT_EQ(test, 0, vm_munmap((unsigned long)user & PAGE_MASK,
					   PAGE_SIZE));
	loop_up(loop);
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
	KUNIT_EXPECT_EQ(test, loop->server.got[0], 4712);
	loop_wait(&loop->client, READ_ONCE(fx.done) == 1);
}

static void expect_no_effect(struct loop *loop)
{
	const struct kmcl_counters *c = loop_snapshot(&loop->client);

	KUNIT_EXPECT_EQ(loop->test, c->accepted, 0);
	KUNIT_EXPECT_EQ(loop->test, c->sent, 0);
	KUNIT_EXPECT_EQ(loop->test, c->queued_peak, 0);
	KUNIT_EXPECT_EQ(loop->test, READ_ONCE(fx.done), 0);
}

static void a_fault_has_no_effect(struct kunit *test)
{
	const struct sender *sender = test->param_value;
	struct loop *loop = test->priv;
	const u8 *user = user_payload(test, 1);
	u64 value = 3;

	/* When it would be queued, and when it would be sent */
	if (!sender->sync)
		KUNIT_EXPECT_EQ(test, -EFAULT,
				sender->send(loop, NOWHERE, BYTES));
	expect_no_effect(loop);
	loop_up(loop);
	KUNIT_EXPECT_EQ(test, -EFAULT, sender->send(loop, NOWHERE, BYTES));
	/* The last byte is not there */
	KUNIT_EXPECT_EQ(test, -EFAULT, sender->send(loop, user + 1, BYTES));
	expect_no_effect(loop);
	/* The packet is idle, and memory of the kernel is as good as ever */
	KUNIT_EXPECT_EQ(test, 0, sender->send(loop, &value, BYTES));
	loop_wait(&loop->server, loop_got(&loop->server) == 1);
	KUNIT_EXPECT_EQ(test, loop->server.got[0], 3);
	if (!sender->sync)
		loop_wait(&loop->client, READ_ONCE(fx.done) == 1);
}

/* It is not read */
static void a_payload_that_is_too_long(struct kunit *test)
{
	const struct sender *sender = test->param_value;
	struct loop *loop = test->priv;

	loop_up(loop);
	KUNIT_EXPECT_EQ(test, -EMSGSIZE,
			sender->send(loop, NOWHERE, KMCL_DEFAULT_PACKET_SIZE + 1));
	expect_no_effect(loop);
}

static void no_bytes_do_not_fault(struct kunit *test)
{
	struct loop *loop = test->priv;

	loop_up(loop);
	KUNIT_EXPECT_EQ(test, 0, by_send(loop, NOWHERE, 0));
	loop_wait(&loop->client, READ_ONCE(fx.done) == 1);
}

static void send_without_user_space(void *data)
{
	fx.result = by_send(data, fx.user, BYTES);
}

/* A kernel thread would read what the last task left behind */
static void a_kernel_thread_has_no_user_space(struct kunit *test)
{
	struct loop *loop = test->priv;

	user_payload(test, 1);
	fx.result = 1;
	loop_job_wait(loop_job(loop, send_without_user_space, loop));
	KUNIT_EXPECT_EQ(test, fx.result, -EFAULT);
	expect_no_effect(loop);
}

#ifndef KMCL_IN_TREE
/* A fault is told from a description without memory */
static void windows_status_of_a_fault(struct kunit *test)
{
	struct loop *loop = test->priv;
	PMDL mdl = kmcl_to_mdl(fx.page.mdl);
	struct kmcl_mdl empty = {};
	PMDL none = kmcl_to_mdl(&empty);

	EXPECT_STATUS(test, VmbPacketSend(fx.pkt, NOWHERE, BYTES, NULL, PAGED),
		      STATUS_ACCESS_VIOLATION);
	EXPECT_STATUS(test, VmbPacketSend(fx.pkt, NOWHERE, BYTES, mdl, PAGED),
		      STATUS_ACCESS_VIOLATION);
	EXPECT_STATUS(test, VmbPacketSend(fx.pkt, NOWHERE, BYTES, none, PAGED),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, VmbPacketSendWithExternalMdl(fx.pkt, NOWHERE, BYTES,
							 mdl, 0, 0, PAGED),
		      STATUS_ACCESS_VIOLATION);
	EXPECT_STATUS(test, VmbPacketSendWithExternalMdl(fx.pkt, NOWHERE, BYTES,
							 NULL, 0, 0, PAGED),
		      STATUS_INVALID_PARAMETER_4);
	EXPECT_STATUS(test, VmbPacketSendWithExternalPfns(fx.pkt, NOWHERE, BYTES,
							  &fx.page.pfn, 1, PAGED),
		      STATUS_ACCESS_VIOLATION);
	EXPECT_STATUS(test, VmbPacketSendWithExternalPfns(fx.pkt, NOWHERE, BYTES,
							  NULL, 1, PAGED),
		      STATUS_INVALID_PARAMETER_4);
	loop_up(loop);
	EXPECT_STATUS(test, VmbChannelSendSynchronousRequest(loop->client.ch,
							     NOWHERE, BYTES, mdl,
							     PAGED, NULL, NULL,
							     NULL),
		      STATUS_ACCESS_VIOLATION);
	EXPECT_STATUS(test, VmbChannelSendSynchronousRequest(loop->client.ch,
							     NOWHERE, BYTES, none,
							     PAGED, NULL, NULL,
							     NULL),
		      STATUS_INVALID_PARAMETER_4);
	expect_no_effect(loop);
}
#endif

static struct kunit_case paged_cases[] = {
	/* KMCL: VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER */
	KUNIT_CASE_PARAM(a_payload_of_user_space_arrives, sender_gen_params),
	KUNIT_CASE(a_payload_of_user_space_is_queued),
	/* KMCL: VMBUS_CHANNEL_FORMAT_FLAG_PAGED_BUFFER */
	KUNIT_CASE_PARAM(a_fault_has_no_effect, sender_gen_params),
	KUNIT_CASE_PARAM(a_payload_that_is_too_long, sender_gen_params),
	KUNIT_CASE(no_bytes_do_not_fault),
	KUNIT_CASE(a_kernel_thread_has_no_user_space),
#ifndef KMCL_IN_TREE
	/* KMCL: VmbPacketSend VmbChannelSendSynchronousRequest */
	KUNIT_CASE(windows_status_of_a_fault),
#endif
	{}
};

static struct kunit_suite paged_suite = {
	.name = "kmcl_paged",
	.init = paged_init,
	.exit = paged_exit,
	.test_cases = paged_cases,
};

kunit_test_suite(paged_suite);
