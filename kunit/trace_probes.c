// SPDX-License-Identifier: GPL-2.0
/*
 * A probe on each tracepoint records its arguments. It runs where the library
 * does, in softirq and under its locks: it only writes into the table, under
 * a lock that is taken last. One suite uses them, and its tests run one at a
 * time.
 */
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/tracepoint.h>

#include "trace.h"
#include "trace_probes.h"

#define NOTES	4096

static struct trace_fixture {
	spinlock_t lock;		/* the notes */
	struct trace_note *notes;
	u32 count;
} fx;

static void add_note(enum trace_event event, const struct kmcl_channel *ch,
		     const s64 value[TRACE_VALUES])
{
	struct trace_note *note;
	unsigned long flags;

	spin_lock_irqsave(&fx.lock, flags);
	if (fx.count < NOTES) {
		note = &fx.notes[fx.count++];
		note->event = event;
		note->ch = ch;
		memcpy(note->value, value, sizeof(note->value));
	}
	spin_unlock_irqrestore(&fx.lock, flags);
}

#define note(event, ch, ...)						\
	add_note(event, ch, (const s64[TRACE_VALUES]) { __VA_ARGS__ })

static void on_fetch(void *data, const struct kmcl_channel *ch, u64 trans_id,
		     bool completion, u32 len, bool external)
{
	note(EV_FETCH, ch, trans_id, completion, len, external);
}

static void on_send(void *data, const struct kmcl_channel *ch, u64 trans_id,
		    bool completion, u32 len, bool wait, u64 queued)
{
	note(EV_SEND, ch, trans_id, completion, len, wait, queued);
}

static void on_fetch_done(void *data, const struct kmcl_channel *ch,
			  u32 packets, int reason)
{
	note(EV_FETCH_DONE, ch, packets, reason);
}

static void on_quota(void *data, const struct kmcl_channel *ch, u32 outstanding,
		     u32 quota)
{
	note(EV_QUOTA, ch, outstanding, quota);
}

static void on_limit(void *data, const struct kmcl_channel *ch, u64 held,
		     u64 comps, u32 limit)
{
	note(EV_LIMIT, ch, held, comps, limit);
}

static void on_budget(void *data, const struct kmcl_channel *ch, u32 packets,
		      u64 ns)
{
	note(EV_BUDGET, ch, packets, ns);
}

static void on_state(void *data, const struct kmcl_channel *ch, int from,
		     int event, int to)
{
	note(EV_STATE, ch, from, event, to);
}

static void on_callback(void *data, const struct kmcl_channel *ch, int which,
			bool enter, int status)
{
	note(EV_CALLBACK, ch, which, enter, status);
}

static void on_queue(void *data, const struct kmcl_channel *ch,
		     const struct kmcl_packet *packet, u64 depth)
{
	note(EV_QUEUE, ch, kmcl_packet_id(packet), depth);
}

static void on_copy(void *data, const struct kmcl_channel *ch, u32 len)
{
	note(EV_COPY, ch, len);
}

static void on_complete(void *data, const struct kmcl_channel *ch,
			const struct kmcl_packet *packet, int status)
{
	note(EV_COMPLETE, ch, (long)packet, kmcl_packet_id(packet), status);
}

static void on_defer(void *data, const struct kmcl_channel *ch, u64 trans_id)
{
	note(EV_DEFER, ch, trans_id);
}

static void on_fail(void *data, const struct kmcl_channel *ch, u64 trans_id)
{
	note(EV_FAIL, ch, trans_id);
}

static void on_bad_packet(void *data, const struct kmcl_channel *ch, int kind,
			  u16 len8, u16 offset8, u16 type)
{
	note(EV_BAD_PACKET, ch, kind, len8, offset8, type);
}

static void on_gpadl(void *data, const struct kmcl_channel *ch, int op,
		     u32 handle, u32 bytes, int status)
{
	note(EV_GPADL, ch, op, handle, bytes, status);
}

static void on_sync(void *data, const struct kmcl_channel *ch, s64 timeout,
		    int status)
{
	note(EV_SYNC, ch, timeout, status);
}

/* Every tracepoint that there is */
static int register_probes(void)
{
	return register_trace_kmcl_fetch(on_fetch, NULL) ?:
	       register_trace_kmcl_send(on_send, NULL) ?:
	       register_trace_kmcl_fetch_done(on_fetch_done, NULL) ?:
	       register_trace_kmcl_quota(on_quota, NULL) ?:
	       register_trace_kmcl_limit(on_limit, NULL) ?:
	       register_trace_kmcl_budget(on_budget, NULL) ?:
	       register_trace_kmcl_state(on_state, NULL) ?:
	       register_trace_kmcl_callback(on_callback, NULL) ?:
	       register_trace_kmcl_queue(on_queue, NULL) ?:
	       register_trace_kmcl_copy(on_copy, NULL) ?:
	       register_trace_kmcl_complete(on_complete, NULL) ?:
	       register_trace_kmcl_defer(on_defer, NULL) ?:
	       register_trace_kmcl_fail(on_fail, NULL) ?:
	       register_trace_kmcl_bad_packet(on_bad_packet, NULL) ?:
	       register_trace_kmcl_gpadl(on_gpadl, NULL) ?:
	       register_trace_kmcl_sync(on_sync, NULL);
}

static void unregister_probes(void)
{
	unregister_trace_kmcl_fetch(on_fetch, NULL);
	unregister_trace_kmcl_send(on_send, NULL);
	unregister_trace_kmcl_fetch_done(on_fetch_done, NULL);
	unregister_trace_kmcl_quota(on_quota, NULL);
	unregister_trace_kmcl_limit(on_limit, NULL);
	unregister_trace_kmcl_budget(on_budget, NULL);
	unregister_trace_kmcl_state(on_state, NULL);
	unregister_trace_kmcl_callback(on_callback, NULL);
	unregister_trace_kmcl_queue(on_queue, NULL);
	unregister_trace_kmcl_copy(on_copy, NULL);
	unregister_trace_kmcl_complete(on_complete, NULL);
	unregister_trace_kmcl_defer(on_defer, NULL);
	unregister_trace_kmcl_fail(on_fail, NULL);
	unregister_trace_kmcl_bad_packet(on_bad_packet, NULL);
	unregister_trace_kmcl_gpadl(on_gpadl, NULL);
	unregister_trace_kmcl_sync(on_sync, NULL);
	tracepoint_synchronize_unregister();
}

int probes_init(struct kunit *test)
{
	int ret = loop_init(test);

	if (ret)
		return ret;
	spin_lock_init(&fx.lock);
	fx.count = 0;
	fx.notes = kunit_kcalloc(test, NOTES, sizeof(*fx.notes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, fx.notes);
	return register_probes();
}

void probes_exit(struct kunit *test)
{
	loop_exit(test);
	unregister_probes();
	KUNIT_EXPECT_LT(test, fx.count, NOTES);
}

const struct trace_note *probes_find(struct end *e, enum trace_event event,
				     u32 i)
{
	const struct trace_note *note, *found = NULL;

	spin_lock_irq(&fx.lock);
	for (note = fx.notes; !found && note < fx.notes + fx.count; note++)
		if (note->event == event && note->ch == e->ch && !i--)
			found = note;
	spin_unlock_irq(&fx.lock);
	return found;
}

s64 probes_value(struct end *e, enum trace_event event, u32 i, u32 which)
{
	const struct trace_note *note = probes_find(e, event, i);

	KUNIT_ASSERT_NOT_NULL_MSG(e->loop->test, note, "event %d, note %u",
				  event, i);
	return note->value[which];
}

void probes_expect_values(struct end *e, enum trace_event event, u32 i,
			  const s64 value[TRACE_VALUES])
{
	u32 which;

	for (which = 0; which < TRACE_VALUES; which++)
		KUNIT_EXPECT_EQ_MSG(e->loop->test, value[which],
				    probes_value(e, event, i, which),
				    "event %d, note %u, value %u", event, i,
				    which);
}

void probes_expect_count(struct end *e, enum trace_event event, u32 count)
{
	u32 i = 0;

	while (probes_find(e, event, i))
		i++;
	KUNIT_EXPECT_EQ_MSG(e->loop->test, i, count, "event %d", event);
}
