// SPDX-License-Identifier: GPL-2.0
/* Packets that are larger than a page: see large_harness.h */
#include <linux/tracepoint.h>

#include "large_harness.h"
#include "trace.h"

struct large_fixture large_fx;

static void on_fetch_done(void *data, const struct kmcl_channel *ch, u32 packets,
			  int reason)
{
	if (ch == large_fx.ch && reason == KMCL_STOP_MEMORY)
		atomic_inc(&large_fx.stops);
}

void large_check(struct kmcl_context *ctx, u64 value)
{
	u64 *word = (u64 *)ctx->buf;
	u32 i;

	for (i = 0; i < ctx->len / 8; i++)
		large_fx.wrong += word[i] != value;
}

void large_check_and_complete(struct end *e, struct kmcl_context *ctx, u64 value)
{
	large_check(ctx, value);
	kmcl_complete(ctx, NULL, 0);
}

static void check_only(struct end *e, struct kmcl_context *ctx, u64 value)
{
	large_check(ctx, value);
}

void large_check_and_keep(struct end *e)
{
	e->keep = true;
	e->process = check_only;
}

void large_bring_up(struct loop *loop, u32 size)
{
	if (loop->client.ch->cfg.max_packet != size)
		KUNIT_ASSERT_EQ(loop->test, 0,
				kmcl_set_max_packet_size(loop->client.ch, size));
	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_set_max_packet_size(loop->server.ch, size));
	if (!loop->server.process)
		loop->server.process = large_check_and_complete;
	loop_up(loop);
}

void large_expect_arrived(struct loop *loop, u32 n)
{
	struct end *server = &loop->server;
	u32 i;

	loop_wait(server, loop_got(server) == n);
	for (i = 0; i < n; i++)
		KUNIT_EXPECT_EQ(loop->test, server->got[i], i);
	KUNIT_EXPECT_EQ(loop->test, large_fx.wrong, 0);
}

void large_no_memory(void)
{
	faults_arm_shortage(large_fx.slab, 0);
	faults_arm_shortage(large_fx.page, 0);
}

void large_memory_again(void)
{
	faults_disarm(large_fx.slab);
	faults_disarm(large_fx.page);
}

int large_init(struct kunit *test)
{
	struct loop *loop;
	int ret = loop_init(test);

	if (ret)
		return ret;
	loop = test->priv;
	memset(&large_fx, 0, sizeof(large_fx));
	large_fx.slab = faults_of(test, "failslab");
	large_fx.page = faults_of(test, "fail_page_alloc");
	faults_set_any_page(test);
	large_fx.ch = loop->server.ch;
	return register_trace_kmcl_fetch_done(on_fetch_done, NULL) ?:
	       faults_watch_sizes();
}

void large_exit(struct kunit *test)
{
	large_memory_again();
	KUNIT_EXPECT_EQ(test, faults_unwatch_sizes(), 0);
	unregister_trace_kmcl_fetch_done(on_fetch_done, NULL);
	tracepoint_synchronize_unregister();
	loop_exit(test);
}
