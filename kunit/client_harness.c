// SPDX-License-Identifier: GPL-2.0
/*
 * Channels made from descriptions for the suites, see client_harness.h.
 */
#include "client_harness.h"
#include "leaks.h"

struct made_channels made;

const guid_t client_instance =
	GUID_INIT(0x7d1c9b52, 0x3a40, 0x4f7e,
		  0x9c, 0x15, 0x60, 0x0e, 0xb1, 0x7d, 0x22, 0x02);
const guid_t client_other_instance =
	GUID_INIT(0x7d1c9b52, 0x3a40, 0x4f7e,
		  0x9c, 0x15, 0x60, 0x0e, 0xb1, 0x7d, 0x22, 0x03);

static void note(struct kmcl_channel *ch, enum loop_event event)
{
	struct side *s = kmcl_get_pointer(ch);

	spin_lock_bh(&s->lock);
	if (s->logged < ARRAY_SIZE(s->log))
		s->log[s->logged++] = event;
	spin_unlock_bh(&s->lock);
	wake_up_all(&made.wait);
}

static int on_opened(struct kmcl_channel *ch)
{
	struct side *s = kmcl_get_pointer(ch);

	note(ch, OPENED);
	return s->opened_result;
}

static void on_started(struct kmcl_channel *ch)
{
	note(ch, STARTED);
}

static void on_post_started(struct kmcl_channel *ch)
{
	note(ch, POST_STARTED);
}

static void on_suspend(struct kmcl_channel *ch)
{
	note(ch, SUSPEND);
}

static void on_closed(struct kmcl_channel *ch)
{
	note(ch, CLOSED);
}

static void on_failure(struct kmcl_channel *ch, int status)
{
	struct side *s = kmcl_get_pointer(ch);

	s->failure = status;
	note(ch, FAILURE);
}

static void on_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
		       void *buf, u32 len, u32 flags)
{
	struct side *s = kmcl_get_pointer(ch);
	u8 *priv = kmcl_context_priv(ctx);
	bool keep;
	u32 i;

	for (i = 0; i < s->context_bytes; i++)
		s->dirty += priv[i]++;
	spin_lock_bh(&s->lock);
	s->packets++;
	s->in_task += in_task();
	s->len = len;
	keep = s->keep && s->packets <= KEPT;
	if (keep)
		s->kept[s->packets - 1] = ctx;
	spin_unlock_bh(&s->lock);
	if (!keep)
		kmcl_complete(ctx, buf, len);
	wake_up_all(&made.wait);
}

static void on_processed(struct kmcl_channel *ch, u32 packets)
{
	struct side *s = kmcl_get_pointer(ch);

	WRITE_ONCE(s->batches, s->batches + 1);
	wake_up_all(&made.wait);
}

const struct kmcl_client client_described = {
	.name = "described client",
	.type = TYPE,
	.opened = on_opened,
	.closed = on_closed,
	.suspend = on_suspend,
	.started = on_started,
	.post_started = on_post_started,
	.process = on_process,
	.processed = on_processed,
	.failure = on_failure,
};

const struct kmcl_server server_described = {
	.name = "described server",
	.type = TYPE,
	.instance = &client_instance,
	.opened = on_opened,
	.closed = on_closed,
	.suspend = on_suspend,
	.started = on_started,
	.post_started = on_post_started,
	.process = on_process,
	.processed = on_processed,
};

static void keep_channel(struct kunit *test, struct side *s,
			 struct kmcl_channel *ch)
{
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, ch);
	s->ch = ch;
	KUNIT_EXPECT_PTR_EQ(test, kmcl_get_pointer(ch), (void *)s);
	KUNIT_EXPECT_STREQ(test, kmcl_channel_state_name(ch), "Disabled");
}

void client_make(struct kunit *test, const struct kmcl_client *c)
{
	keep_channel(test, &made.client,
		     kmcl_client_create(NULL, c, &made.client));
}

void client_make_server(struct kunit *test, const struct kmcl_server *s)
{
	keep_channel(test, &made.server,
		     kmcl_server_create(NULL, s, &made.server));
}

static void end(struct side *s)
{
	if (!s->ch)
		return;
	kmcl_channel_disable(s->ch);
	kmcl_channel_free(s->ch);
	s->ch = NULL;
}

void client_wait_log(struct kunit *test, struct side *s, enum loop_event event)
{
	KUNIT_ASSERT_TRUE(test,
			  loop_comes_true(made.wait, s->logged &&
					  s->log[s->logged - 1] == event));
}

void client_open_both(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, kmcl_channel_start(made.server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(made.server.ch), 0);
	KUNIT_ASSERT_EQ(test, kmcl_channel_enable(made.client.ch), 0);
	client_wait_log(test, &made.client, POST_STARTED);
	client_wait_log(test, &made.server, POST_STARTED);
}

void client_wait_packets(struct kunit *test, struct side *s, u32 packets)
{
	KUNIT_ASSERT_TRUE(test, loop_comes_true(made.wait, READ_ONCE(s->packets) ==
						packets));
}

void client_send_both(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(made.client.ch, "to", 2), 0);
	KUNIT_EXPECT_EQ(test, kmcl_send_buf(made.server.ch, "fro", 3), 0);
}

int client_init(struct kunit *test)
{
	memset(&made, 0, sizeof(made));
	init_waitqueue_head(&made.wait);
	spin_lock_init(&made.client.lock);
	spin_lock_init(&made.server.lock);
	return leaks_watch(test);
}

void client_exit(struct kunit *test)
{
	end(&made.client);
	end(&made.server);
}
