// SPDX-License-Identifier: GPL-2.0
/*
 * A pair of endpoints for the suites, see harness.h.
 */
#include <linux/kthread.h>
#include <linux/seq_buf.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "harness.h"
#include "leaks.h"

/* All that a test may expect, by name; of a longer record this is the beginning */
#define NAMES_BYTES	1024

static const char * const callback_names[LOOP_EVENTS] = {
	[OPENED] = "OPENED",
	[STARTED] = "STARTED",
	[POST_STARTED] = "POST_STARTED",
	[SUSPEND] = "SUSPEND",
	[CLOSED] = "CLOSED",
	[FAILURE] = "FAILURE",
};

/* A callback has three values in a row: its name, its entry, its return */
static const char * const event_suffixes[] = { "", "_BEGINS", "_RETURNS" };

static enum loop_event callback_of(enum loop_event event)
{
	return event - (event - OPENED) % 3;
}

static enum loop_event begins(enum loop_event what)
{
	return what + 1;
}

static enum loop_event returns(enum loop_event what)
{
	return what + 2;
}

struct end *loop_end(struct kmcl_channel *ch)
{
	return kmcl_get_pointer(ch);
}

static bool holds_locks(struct end *e)
{
#ifdef CONFIG_LOCKDEP
	/* The workqueue and the work itself count as two */
	if (current->lockdep_depth > 2)
		return true;
	return lockdep_is_held(&e->ch->sm.lock) ||
	       lockdep_is_held(&e->ch->tx.lock) ||
	       lockdep_is_held(&e->ch->rx.lock) ||
	       lockdep_is_held(&kmcl_bus_lock);
#else
	return false;
#endif
}

void loop_wrong(struct end *e, const char *what)
{
	if (!e->wrong)
		e->wrong = what;
}

static void enter(struct end *e, enum loop_event what)
{
	unsigned long flags;
	bool hold = false;

	spin_lock_irqsave(&e->lock, flags);
	if (!in_task() || irqs_disabled_flags(flags))
		loop_wrong(e, "a state callback was not in process context");
	if (current_work() != &e->ch->sm.work)
		loop_wrong(e, "a state callback was not on the library's work");
	if (e->inside)
		loop_wrong(e, "state callbacks overlapped");
	if (what == CLOSED && (kmcl_rx_outstanding(&e->ch->rx) || e->processing))
		loop_wrong(e, "closed with incoming packets outstanding");
	e->inside = what;
	if (e->logged < LOOP_LOG)
		e->log[e->logged++] = begins(what);
	if (e->hold == what) {
		e->hold = LOOP_NO_EVENT;
		hold = true;
	}
	spin_unlock_irqrestore(&e->lock, flags);
	if (holds_locks(e))
		loop_wrong(e, "a state callback ran under a lock");
	wake_up_all(&e->wait);
	might_sleep();
	if (hold && !wait_for_completion_timeout(&e->release, LOOP_LIMIT))
		loop_wrong(e, "a held callback was not released");
	if (e->hook)
		e->hook(e, what);
}

static void leave(struct end *e, enum loop_event what)
{
	spin_lock_irq(&e->lock);
	e->inside = LOOP_NO_EVENT;
	if (e->logged < LOOP_LOG)
		e->log[e->logged++] = returns(what);
	spin_unlock_irq(&e->lock);
	wake_up_all(&e->wait);
}

static void on_state(struct kmcl_channel *ch, enum loop_event what)
{
	struct end *e = loop_end(ch);

	enter(e, what);
	leave(e, what);
}

static int on_opened(struct kmcl_channel *ch)
{
	on_state(ch, OPENED);
	return loop_end(ch)->opened_result;
}

static void on_closed(struct kmcl_channel *ch)
{
	on_state(ch, CLOSED);
}

static void on_suspend(struct kmcl_channel *ch)
{
	on_state(ch, SUSPEND);
}

static void on_started(struct kmcl_channel *ch)
{
	on_state(ch, STARTED);
}

static void on_post_started(struct kmcl_channel *ch)
{
	on_state(ch, POST_STARTED);
}

static void on_failure(struct kmcl_channel *ch, int status)
{
	loop_end(ch)->loop->failure = status;
	on_state(ch, FAILURE);
}

/* May a packet be delivered, as the driver has seen the callbacks? */
static bool may_deliver(struct end *e)
{
	enum loop_event last = LOOP_NO_EVENT;

	if (e->logged)
		last = e->log[e->logged - 1];
	return last == STARTED_RETURNS || last == POST_STARTED_BEGINS ||
	       last == POST_STARTED_RETURNS;
}

static void on_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
		       void *buf, u32 len, u32 flags)
{
	struct end *e = loop_end(ch);
	u64 value = len >= 8 ? *(u64 *)buf : 0;
	bool keep;

	spin_lock_bh(&e->lock);
	if (e->processing)
		loop_wrong(e, "two packets were delivered at once");
	if (!may_deliver(e))
		loop_wrong(e, "a packet was delivered while nothing runs");
	e->processing = true;
	e->got_len = len;
	if (in_task())
		e->got_in_task++;
	if (e->got && e->ngot < LOOP_SENDS && !e->ignore)
		e->got[e->ngot] = value;
	e->ngot++;
	keep = e->keep && e->nkept < LOOP_KEPT;
	if (keep)
		e->kept[e->nkept++] = ctx;
	spin_unlock_bh(&e->lock);

	if (e->process)
		e->process(e, ctx, value);
	else if (!keep)
		kmcl_complete(ctx, &value, sizeof(value));

	spin_lock_bh(&e->lock);
	e->processing = false;
	spin_unlock_bh(&e->lock);
	wake_up_all(&e->wait);
}

static void on_processed(struct kmcl_channel *ch, u32 packets)
{
	struct end *e = loop_end(ch);

	spin_lock_bh(&e->lock);
	if (!packets)
		loop_wrong(e, "a batch of no packets");
	if (!may_deliver(e))
		loop_wrong(e, "the end of a batch was reported while nothing runs");
	e->batches++;
	e->batch_packets += packets;
	spin_unlock_bh(&e->lock);
	wake_up_all(&e->wait);
}

static const struct kmcl_channel_ops loop_ops = {
	.opened = on_opened,
	.closed = on_closed,
	.suspend = on_suspend,
	.started = on_started,
	.post_started = on_post_started,
};

static int end_init(struct loop *loop, struct end *e, bool server)
{
	int ret;

	e->loop = loop;
	init_waitqueue_head(&e->wait);
	spin_lock_init(&e->lock);
	init_completion(&e->release);
	e->sent = vcalloc(LOOP_SENDS, sizeof(*e->sent));
	e->got = vcalloc(LOOP_SENDS, sizeof(*e->got));
	if (!e->sent || !e->got)
		return -ENOMEM;
	ret = kmcl_channel_alloc(NULL, server, &e->ch);
	if (ret)
		return ret;
	kmcl_set_pointer(e->ch, e);
	ret = kmcl_set_ops(e->ch, &loop_ops);
	if (!ret)
		ret = kmcl_set_process(e->ch, on_process, on_processed);
	if (!ret)
		ret = kmcl_set_name(e->ch, server ? "server" : "client");
	if (!ret && server)
		ret = kmcl_server_set_target(e->ch, &loop->type, &loop->instance);
	else if (!ret)
		ret = kmcl_set_target(e->ch, &loop->type, &loop->instance,
				      on_failure);
	return ret;
}

int loop_init(struct kunit *test)
{
	int ret = leaks_watch(test);
	struct loop *loop;

	if (ret)
		return ret;
	loop = vzalloc(sizeof(*loop));
	if (!loop)
		return -ENOMEM;
	test->priv = loop;
	loop->test = test;
	guid_gen(&loop->type);
	guid_gen(&loop->instance);
	ret = end_init(loop, &loop->client, false);
	if (!ret)
		ret = end_init(loop, &loop->server, true);
	return ret;
}

static void end_free(struct end *e)
{
	u32 i;

	for (i = 0; e->sent && i < e->nsent; i++)
		if (e->sent[i].done != 1) {
			KUNIT_EXPECT_EQ_MSG(e->loop->test, e->sent[i].done, 1,
					    "completions of send %u", i);
			break;
		}
	KUNIT_EXPECT_NULL_MSG(e->loop->test, e->wrong, "%s", e->wrong);
	vfree(e->sent);
	vfree(e->got);
}

static int job_thread(void *data)
{
	struct job *job = data;

	job->fn(job->data);
	complete(&job->done);
	return 0;
}

static struct job *job_start(struct loop *loop, void (*fn)(void *data),
			     void *data)
{
	struct task_struct *task;
	struct job *job;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(loop->jobs); i++) {
		job = &loop->jobs[i];
		if (job->busy)
			continue;
		job->loop = loop;
		job->fn = fn;
		job->data = data;
		job->stop = false;
		init_completion(&job->done);
		task = kthread_run(job_thread, job, "kmcl_job%u", i);
		if (IS_ERR(task))
			return NULL;
		job->task = task;
		job->busy = true;
		return job;
	}
	return NULL;
}

struct job *loop_job(struct loop *loop, void (*fn)(void *data), void *data)
{
	struct job *job = job_start(loop, fn, data);

	KUNIT_ASSERT_NOT_NULL(loop->test, job);
	return job;
}

void loop_job_stop(struct job *job)
{
	WRITE_ONCE(job->stop, true);
}

void loop_job_wait(struct job *job)
{
	KUNIT_ASSERT_GT(job->loop->test,
			wait_for_completion_timeout(&job->done, 3 * LOOP_LIMIT),
			0);
	job->busy = false;
}

static void disable(void *data)
{
	struct end *e = data;

	kmcl_channel_disable(e->ch);
}

struct job *loop_disable(struct end *e)
{
	return loop_job(e->loop, disable, e);
}

static void pause(void *data)
{
	struct end *e = data;

	kmcl_channel_pause(e->ch);
}

struct job *loop_pause(struct end *e)
{
	return loop_job(e->loop, pause, e);
}

static void start(void *data)
{
	struct end *e = data;

	kmcl_channel_start(e->ch);
}

struct job *loop_start(struct end *e)
{
	return loop_job(e->loop, start, e);
}

static void save_end(void *data)
{
	struct end *e = data;

	kmcl_save_end(e->ch);
}

struct job *loop_save_end(struct end *e)
{
	return loop_job(e->loop, save_end, e);
}

static void free_channel(void *data)
{
	struct end *e = data;

	kmcl_channel_free(e->ch);
}

struct job *loop_free(struct end *e)
{
	return loop_job(e->loop, free_channel, e);
}

/* Both at once: packets that one side keeps must not block the other */
void loop_exit(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct job *job = NULL;
	u32 i;

	if (!loop)
		return;
	for (i = 0; i < ARRAY_SIZE(loop->jobs); i++)
		loop_job_stop(&loop->jobs[i]);
	loop->client.keep = false;
	loop->server.keep = false;
	loop_complete_all(&loop->client);
	loop_complete_all(&loop->server);
	complete_all(&loop->client.release);
	complete_all(&loop->server.release);
	for (i = 0; i < ARRAY_SIZE(loop->jobs); i++)
		if (loop->jobs[i].busy)
			wait_for_completion(&loop->jobs[i].done);
	if (loop->client.ch) {
		memset(loop->jobs, 0, sizeof(loop->jobs));
		job = job_start(loop, disable, &loop->client);
	}
	if (loop->server.ch)
		kmcl_channel_disable(loop->server.ch);
	if (job)
		wait_for_completion(&job->done);
	if (loop->client.ch) {
		kmcl_channel_disable(loop->client.ch);
		loop_expect_balance(&loop->client);
		kmcl_channel_free(loop->client.ch);
	}
	if (loop->server.ch) {
		loop_expect_balance(&loop->server);
		kmcl_channel_free(loop->server.ch);
	}
	end_free(&loop->client);
	end_free(&loop->server);
	vfree(loop);
}

void loop_up(struct loop *loop)
{
	struct kunit *test = loop->test;

	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_start(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, POST_STARTED, 1);
	loop_wait_event(&loop->server, POST_STARTED, 1);
}

void loop_up_paused(struct loop *loop)
{
	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_channel_enable(loop->server.ch));
	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_channel_enable(loop->client.ch));
	loop_wait_event(&loop->client, POST_STARTED, 1);
}

void loop_wait_state(struct end *e, const char *name)
{
	wait_event_timeout(e->ch->wait,
			   !strcmp(kmcl_channel_state_name(e->ch), name),
			   LOOP_LIMIT);
	KUNIT_ASSERT_STREQ(e->loop->test, kmcl_channel_state_name(e->ch), name);
}

/* False if it is too long for @text */
static bool name_events(char *text, const enum loop_event *events,
			unsigned int count)
{
	struct seq_buf s;
	unsigned int i;

	seq_buf_init(&s, text, NAMES_BYTES);
	for (i = 0; i < count && !seq_buf_has_overflowed(&s); i++) {
		enum loop_event event = events[i], what = callback_of(event);

		/* One name for a callback that has returned */
		if (i + 1 < count && event == begins(what) &&
		    events[i + 1] == returns(what)) {
			event = what;
			i++;
		}
		seq_buf_printf(&s, "%s%s%s", seq_buf_used(&s) ? ", " : "",
			       callback_names[what], event_suffixes[event - what]);
	}
	return !seq_buf_has_overflowed(&s);
}

static char *names_alloc(struct end *e)
{
	char *text = kunit_kzalloc(e->loop->test, NAMES_BYTES, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(e->loop->test, text);
	return text;
}

const char *loop_names(struct end *e, const enum loop_event *events,
		       unsigned int count)
{
	char *text = names_alloc(e);

	KUNIT_ASSERT_TRUE(e->loop->test, name_events(text, events, count));
	return text;
}

/* If it is too long it differs from everything that loop_names() returns */
const char *loop_recorded(struct end *e)
{
	char *text = names_alloc(e);

	spin_lock_irq(&e->lock);
	name_events(text, e->log, e->logged);
	spin_unlock_irq(&e->lock);
	return text;
}

u32 loop_count(struct end *e, enum loop_event event)
{
	unsigned int i, n = 0;

	if (event == callback_of(event))
		event = returns(event);
	spin_lock_irq(&e->lock);
	for (i = 0; i < e->logged; i++)
		n += e->log[i] == event;
	spin_unlock_irq(&e->lock);
	return n;
}

void loop_wait_event(struct end *e, enum loop_event event, unsigned int times)
{
	wait_event_timeout(e->wait, loop_count(e, event) >= times, LOOP_LIMIT);
	KUNIT_ASSERT_GE_MSG(e->loop->test, loop_count(e, event), times,
			    "%s; recorded %s, state %s",
			    loop_names(e, &event, 1), loop_recorded(e),
			    kmcl_channel_state_name(e->ch));
}

/* Only while nothing runs: may_deliver() looks at the last event */
void loop_forget(struct end *e)
{
	spin_lock_irq(&e->lock);
	e->logged = 0;
	spin_unlock_irq(&e->lock);
}

void loop_hold(struct end *e, enum loop_event what)
{
	reinit_completion(&e->release);
	spin_lock_irq(&e->lock);
	e->hold = what;
	spin_unlock_irq(&e->lock);
}

void loop_wait_held(struct end *e)
{
	loop_wait(e, !READ_ONCE(e->hold));
}

void loop_release(struct end *e)
{
	complete(&e->release);
}

const struct kmcl_counters *loop_snapshot(struct end *e)
{
	kmcl_get_counters(e->ch, &e->snapshot);
	return &e->snapshot;
}

u32 loop_cached(struct end *e)
{
	return e->ch->tx.cached + !!e->ch->tx.spare;
}

void loop_expect_balance(struct end *e)
{
	struct kmcl_counters c = loop_counters(e);

	KUNIT_EXPECT_EQ(e->loop->test, c.accepted,
			c.completed + c.queued + c.in_flight);
}
