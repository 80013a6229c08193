// SPDX-License-Identifier: GPL-2.0
/*
 * The events as text in the trace buffer, with each
 * argument under its own name. They are recorded in an instance of their own
 * and read through tracefs, as user space does.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/trace.h>
#include <linux/trace_events.h>
#include <linux/uio.h>

#include "harness.h"

#define INSTANCE	"kmcl_kunit"
#define ROOM		(256 * 1024)

static struct trace_array *trace;

static int text_init(struct kunit *test)
{
	int ret = loop_init(test);

	if (ret)
		return ret;
	trace = trace_array_get_by_name(INSTANCE, "kmcl");
	KUNIT_ASSERT_NOT_NULL(test, trace);
	return trace_array_set_clr_event(trace, "kmcl", NULL, true);
}

static void text_exit(struct kunit *test)
{
	loop_exit(test);
	if (!trace)
		return;
	trace_array_set_clr_event(trace, "kmcl", NULL, false);
	trace_array_put(trace);
	KUNIT_EXPECT_EQ(test, trace_array_destroy(trace), 0);
	trace = NULL;
}

static ssize_t read_file(const char *path, char *buf, size_t room)
{
	struct file_system_type *type = get_fs_type("tracefs");
	struct kvec vec = { .iov_base = buf, .iov_len = room };
	struct iov_iter iter;
	struct vfsmount *mnt;
	struct file *file;
	loff_t pos = 0;
	ssize_t ret;

	if (!type)
		return -ENODEV;
	mnt = kern_mount(type);
	put_filesystem(type);
	if (IS_ERR(mnt))
		return PTR_ERR(mnt);
	file = file_open_root_mnt(mnt, path, O_RDONLY, 0);
	ret = PTR_ERR_OR_ZERO(file);
	if (!ret) {
		/* It gives a page at a time */
		do {
			iov_iter_kvec(&iter, ITER_DEST, &vec, 1, vec.iov_len);
			ret = vfs_iter_read(file, &iter, &pos, 0);
			if (ret > 0) {
				vec.iov_base += ret;
				vec.iov_len -= ret;
			}
		} while (ret > 0 && vec.iov_len);
		__fput_sync(file);
	}
	kern_unmount(mnt);
	return ret < 0 ? ret : room - vec.iov_len;
}

/* All that was recorded until now */
static char *recorded(struct kunit *test)
{
	char *text = kunit_kzalloc(test, ROOM, GFP_KERNEL);
	ssize_t got;

	KUNIT_ASSERT_NOT_NULL(test, text);
	trace_array_set_clr_event(trace, "kmcl", NULL, false);
	got = read_file("instances/" INSTANCE "/trace", text, ROOM - 1);
	KUNIT_ASSERT_GT(test, got, 0);
	KUNIT_ASSERT_LT(test, got, ROOM - 1);
	return text;
}

/* Is there an event @name of this end's, and then these fields? */
static __printf(4, 5)
void expect_event(struct end *e, const char *text, const char *name,
		  const char *fields, ...)
{
	struct va_format format = { .fmt = fields };
	char want[200];
	va_list args;

	va_start(args, fields);
	format.va = &args;
	scnprintf(want, sizeof(want), "%s: channel=%p instance=%pUl %pV\n",
		  name, e->ch, &e->loop->instance, &format);
	va_end(args);
	KUNIT_EXPECT_NOT_NULL_MSG(e->loop->test, strstr(text, want), "%s", want);
}

static void packets(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	struct kmcl_packet *first, *pkt;
	struct sent *s;
	char *text;
	u32 serial;
	u64 id;

	server->keep = true;
	loop_send(client, 0, 0);
	first = list_first_entry(&client->ch->tx.queue, struct kmcl_packet, item.node);
	serial = first->serial;
	loop_up(loop);
	s = loop_send_long(client, 1, 24, KMCL_SEND_WAIT);
	loop_wait(server, loop_kept(server) == 2);
	id = server->kept[1]->trans_id;
	pkt = list_first_entry_or_null(&client->ch->tx.in_flight,
				       struct kmcl_packet, item.node);
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	loop_complete_all(server);
	loop_wait(client, s->done);
	loop_wait(server, READ_ONCE(server->batch_packets) == 2);
	text = recorded(test);

	expect_event(client, text, "kmcl_queue", "trans_id=%#x depth=1", serial);
	expect_event(client, text, "kmcl_send",
		     "trans_id=%#x is_completion=0 len=8 wait=0 queued_before=1",
		     serial);
	expect_event(client, text, "kmcl_send",
		     "trans_id=%#llx is_completion=0 len=24 wait=1 queued_before=0",
		     id);
	expect_event(server, text, "kmcl_fetch",
		     "trans_id=%#llx is_completion=0 len=24 external=0", id);
	expect_event(server, text, "kmcl_fetch_done", "packets=1 reason=EMPTY");
	expect_event(server, text, "kmcl_send",
		     "trans_id=%#llx is_completion=1 len=8 wait=0 queued_before=0",
		     id);
	expect_event(client, text, "kmcl_fetch",
		     "trans_id=%#llx is_completion=1 len=8 external=0", id);
	expect_event(client, text, "kmcl_complete",
		     "packet=%p trans_id=%#llx status=0", pkt, id);
}

static void states(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	char *text;

	client->opened_result = -EIO;
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(client->ch));
	loop_wait_event(client, OPENED, 1);
	loop_wait_state(client, "Disabled");
	text = recorded(test);
	expect_event(client, text, "kmcl_callback",
		     "which=OPEN enter status=0");
	expect_event(client, text, "kmcl_callback",
		     "which=OPEN exit status=-5");
	expect_event(client, text, "kmcl_state",
		     "from=Enabled event=LINK to=Enabled");
}

static u64 failed_id;

static void defer_then_fail(struct end *e, struct kmcl_context *ctx,
			    u64 value)
{
	failed_id = ctx->trans_id;
	if (in_task())
		kmcl_packet_fail(ctx);
	else
		kmcl_packet_defer(ctx);
}

static void what_goes_wrong(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client, *server = &loop->server;
	u64 value = 0;
	char *text;

	server->process = defer_then_fail;
	kmcl_set_quota(client->ch, 1);
	client->keep = true;
	loop_up(loop);
	loop_send(server, 1, 0);
	loop_send(server, 2, 0);
	loop_wait(client, loop_counters(client).quota_stops > 0);
	kmcl_set_quota(client->ch, 9);
	kmcl_set_memory_limit(client->ch, 1);
	loop_send(server, 3, 0);
	loop_wait(client, loop_counters(client).limit_stops > 0);
	loop_inject(client, 3, 0, &value, 8, &value, 8);
	loop_send(client, 1, 0);
	loop_wait(server, loop_counters(server).failed == 1);
	text = recorded(test);
	loop_complete_all(client);
	expect_event(client, text, "kmcl_quota", "outstanding=1 quota=1");
	expect_event(client, text, "kmcl_limit", "held=%u comps=0 limit=1",
		     client->ch->rx.small.bytes);
	expect_event(server, text, "kmcl_bad_packet",
		     "reason=TYPE len8=4 offset8=3 type=3");
	expect_event(server, text, "kmcl_defer", "trans_id=%#llx", failed_id);
	expect_event(server, text, "kmcl_fail", "trans_id=%#llx", failed_id);
	expect_event(server, text, "kmcl_fetch_done", "packets=0 reason=DEFER");
}

static void calls(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct end *client = &loop->client;
	void *mem = kunit_kzalloc(test, 100, GFP_KERNEL);
	char *text, buf[80];
	u32 handle, i;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	loop_up_paused(loop);
	KUNIT_ASSERT_EQ(test, 0, kmcl_gpadl_create(client->ch, 0, mem, 100,
						   &handle));
	KUNIT_EXPECT_EQ(test, 0, kmcl_gpadl_delete(client->ch, handle));
	KUNIT_EXPECT_EQ(test, 0, loop_request(client, 0, NSEC_PER_SEC));
	for (i = 0; i < KMCL_RX_BUDGET; i++)
		loop_send(client, i, 0);
	KUNIT_ASSERT_EQ(test, loop_counters(client).queued, 0);
	kmcl_channel_start(loop->server.ch);
	loop_wait(&loop->server,
		  READ_ONCE(loop->server.batch_packets) > KMCL_RX_BUDGET);
	text = recorded(test);
	expect_event(client, text, "kmcl_gpadl",
		     "op=create handle=%#x bytes=100 status=0", handle);
	expect_event(client, text, "kmcl_gpadl",
		     "op=delete handle=%#x bytes=100 status=0", handle);
	expect_event(client, text, "kmcl_sync", "timeout=1000000000 status=0");
	scnprintf(buf, sizeof(buf), " packets=%u ns=", KMCL_RX_BUDGET);
	KUNIT_EXPECT_NOT_NULL(test, strstr(text, buf));
}

static struct kunit_case trace_text_cases[] = {
	KUNIT_CASE(packets),
	KUNIT_CASE(states),
	KUNIT_CASE(what_goes_wrong),
	KUNIT_CASE(calls),
	{}
};

static struct kunit_suite trace_text_suite = {
	.name = "kmcl_trace_text",
	.init = text_init,
	.exit = text_exit,
	.test_cases = trace_text_cases,
};

kunit_test_suite(trace_text_suite);
