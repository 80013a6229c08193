// SPDX-License-Identifier: GPL-2.0
/*
 * Large packets, and what happens while they are copied: see copy_harness.h. The
 * probe runs where the copy does, in any context but the library's locks.
 */
#include <linux/cpumask.h>
#include <linux/irqflags.h>
#include <linux/sched.h>
#include <linux/tracepoint.h>

#include "copy_harness.h"
#include "trace.h"

struct copy_fixture copy_fx;

static void on_copy(void *data, const struct kmcl_channel *ch, u32 len)
{
	void (*hook)(struct loop *loop) = copy_fx.hook;
	u32 index = ch->tx.ring.index;

	if (ch != copy_fx.ch)
		return;
	copy_fx.copies++;
	copy_fx.irqs_off += irqs_disabled();
	copy_fx.hook = NULL;
	if (hook)
		hook(copy_fx.loop);
	copy_fx.moved += index != ch->tx.ring.index;
}

/* Each word of a packet is its number */
void copy_check_payload(struct end *e, struct kmcl_context *ctx, u64 value)
{
	u64 *word = (u64 *)ctx->buf;
	u32 i;

	for (i = 0; i < ctx->len / 8; i++)
		copy_fx.wrong += word[i] != value;
	kmcl_complete(ctx, NULL, 0);
}

void copy_bring_up(struct loop *loop)
{
	loop->server.process = copy_check_payload;
	loop_up(loop);
}

struct sent *copy_keep_request(struct loop *loop)
{
	struct end *client = &loop->client;
	struct sent *s;

	copy_bring_up(loop);
	client->keep = true;
	s = loop_send(&loop->server, 0, KMCL_SEND_WAIT);
	loop_wait(client, loop_kept(client) == 1);
	return s;
}

struct sent *copy_send_large(struct end *e, u64 value, u32 flags)
{
	struct sent *s;
	u32 i;

	copy_fx.pkt = loop_prepare(e, value, &s);
	KUNIT_ASSERT_NOT_NULL(e->loop->test, copy_fx.pkt);
	for (i = 0; i < LARGE / 8; i++)
		copy_fx.buf[i] = value;
	KUNIT_EXPECT_EQ(e->loop->test, kmcl_send(copy_fx.pkt, copy_fx.buf, LARGE, flags), 0);
	/* It was copied */
	memset(copy_fx.buf, 0xff, LARGE);
	return s;
}

void copy_expect_arrived(struct loop *loop, u32 n)
{
	struct end *client = &loop->client, *server = &loop->server;
	u32 i;

	loop_wait(server, loop_got(server) >= n);
	loop_wait(client, loop_done(client) == n);
	KUNIT_EXPECT_EQ(loop->test, loop_got(server), n);
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ(loop->test, server->got[i], i);
		KUNIT_EXPECT_EQ(loop->test, client->sent[i].status, 0);
	}
	KUNIT_EXPECT_EQ(loop->test, copy_fx.wrong, 0);
	KUNIT_EXPECT_EQ(loop->test, copy_fx.moved, 0);
	KUNIT_EXPECT_EQ(loop->test, loop_counters(client).queued, 0);
	loop_expect_balance(client);
}

void copy_send_little(struct loop *loop)
{
	u32 i;

	for (i = 0; i < LITTLE; i++)
		loop_try_send(&loop->client, 1 + i, KMCL_SEND_WAIT);
}

int copy_init(struct kunit *test)
{
	u64 *buf = kunit_kmalloc(test, LARGE, GFP_KERNEL);
	struct loop *loop;
	int ret = loop_init(test);

	if (ret)
		return ret;
	loop = test->priv;
	memset(&copy_fx, 0, sizeof(copy_fx));
	copy_fx.loop = loop;
	copy_fx.ch = loop->client.ch;
	copy_fx.buf = buf;
	if (!buf)
		return -ENOMEM;
	ret = kmcl_set_max_packet_size(loop->client.ch, LARGE) ?:
	      kmcl_set_max_packet_size(loop->server.ch, LARGE);
	return ret ?: register_trace_kmcl_copy(on_copy, NULL);
}

void copy_exit(struct kunit *test)
{
	WRITE_ONCE(copy_fx.release, true);
	unregister_trace_kmcl_copy(on_copy, NULL);
	tracepoint_synchronize_unregister();
	set_cpus_allowed_ptr(current, cpu_possible_mask);
	loop_exit(test);
}
