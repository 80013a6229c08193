/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A client and a server endpoint on the loopback bus, and a record of what
 * the library does to them.
 *
 * The record has two events for each state callback, its entry and its return.
 * What is always wrong, such as a callback in the wrong context, is recorded and
 * looked at when the test ends. Nothing waits without a time limit.
 */
#ifndef _KMCL_TEST_HARNESS_H
#define _KMCL_TEST_HARNESS_H

#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/scatterlist.h>
#include <linux/wait.h>

#include "channel.h"

#define LOOP_LIMIT	(10 * HZ)
#define LOOP_LOOK	DIV_ROUND_UP(HZ, 100)
#define LOOP_SENDS	8192
#define LOOP_KEPT	64
#define LOOP_LOG	8192

/*
 * Events of a state callback or the PnP failure callback, by the callback's name:
 * OPENED_BEGINS is recorded when Opened is entered and OPENED_RETURNS when it
 * returns. A test says OPENED for both of them, one right after the other, and
 * for the callback itself.
 */
enum loop_event {
	LOOP_NO_EVENT,
	OPENED, OPENED_BEGINS, OPENED_RETURNS,
	STARTED, STARTED_BEGINS, STARTED_RETURNS,
	POST_STARTED, POST_STARTED_BEGINS, POST_STARTED_RETURNS,
	SUSPEND, SUSPEND_BEGINS, SUSPEND_RETURNS,
	CLOSED, CLOSED_BEGINS, CLOSED_RETURNS,
	FAILURE, FAILURE_BEGINS, FAILURE_RETURNS,
	LOOP_EVENTS
};

struct end;
struct loop;

/* One send and what became of it; status is 1 until its routine has run */
struct sent {
	struct end *end;
	u64 value;
	int status;
	u32 len;
	u32 order;		/* of completion, from 1 on */
	u64 reply;
	bool buf;
	bool task;
	unsigned int done;
};

struct end {
	struct loop *loop;
	struct kmcl_channel *ch;
	wait_queue_head_t wait;
	spinlock_t lock;	/* the rest */

	enum loop_event log[LOOP_LOG];
	unsigned int logged;
	enum loop_event inside;	/* the callback that runs */
	const char *wrong;	/* the first rule of contexts that was broken */

	/* What callbacks do */
	int opened_result;
	enum loop_event hold;	/* which callback waits for loop_release() */
	struct completion release;
	void (*hook)(struct end *e, enum loop_event what);

	/* Incoming packets */
	bool keep;		/* complete them later */
	bool ignore;		/* do not record what arrives */
	void (*process)(struct end *e, struct kmcl_context *ctx, u64 value);
	struct kmcl_context *kept[LOOP_KEPT];
	unsigned int nkept;
	u64 *got;
	u32 ngot;
	u32 got_len;
	u32 got_in_task;
	u32 batches;
	u32 batch_packets;
	bool processing;

	/* Outgoing packets */
	struct sent *sent;
	u32 nsent;
	struct kmcl_counters snapshot;
	u32 ndone;
};

/* A thread of a case; what is left of them ends before the channels do */
struct job {
	struct loop *loop;
	void (*fn)(void *data);
	void *data;
	struct task_struct *task;	/* valid until done */
	struct completion done;
	bool busy;
	bool stop;
};

struct loop {
	struct kunit *test;
	struct end client;
	struct end server;
	struct job jobs[8];
	guid_t type;
	guid_t instance;
	int failure;		/* the PnP failure callback's status */
};

/* A page of memory in each form in which it can be sent */
struct loop_page {
	struct kmcl_mdl *mdl;
	struct scatterlist sg;
	unsigned long pfn;
};

/*
 * Does @condition become true in time? What makes it true need not wake @queue up, as
 * the library's counters do not: it is looked at now and then as well.
 */
#define loop_comes_true(queue, condition)				\
	({								\
		unsigned long _end = jiffies + LOOP_LIMIT;		\
		long _left;						\
									\
		do {							\
			_left = wait_event_timeout(queue, condition,	\
						   LOOP_LOOK);		\
		} while (!_left && time_before(jiffies, _end));		\
		_left > 0;						\
	})

#define loop_wait(e, condition)						\
	do {								\
		struct end *_e = (e);					\
									\
		KUNIT_ASSERT_TRUE(_e->loop->test,			\
				  loop_comes_true(_e->wait, condition)); \
	} while (0)

/* Until the end's counters, as *c, fulfil @condition */
#define loop_poll(e, condition)						\
	do {								\
		struct end *_p = (e);					\
		const struct kmcl_counters *c;				\
									\
		loop_wait(_p, (c = loop_snapshot(_p), (condition)));	\
	} while (0)

/* Two channels, disabled, with targets and callbacks; freed by loop_exit() */
int loop_init(struct kunit *test);
void loop_exit(struct kunit *test);

void loop_up(struct loop *loop);	/* both enabled, running, Active */
/* The server is not started: what is sent to it stays in the ring */
void loop_up_paused(struct loop *loop);
void loop_wait_state(struct end *e, const char *name);
void loop_wait_event(struct end *e, enum loop_event event, unsigned int times);
void loop_forget(struct end *e);
/* How often @event was recorded; for a callback's name, how often it returned */
u32 loop_count(struct end *e, enum loop_event event);
/* Names for a message, freed with the test: of @events, or of the record */
const char *loop_names(struct end *e, const enum loop_event *events,
		       unsigned int count);
const char *loop_recorded(struct end *e);

/* The record is this, and nothing more: loop_expect_events(e, OPENED, CLOSED) */
#define loop_expect_events(e, ...)					\
	do {								\
		const enum loop_event _events[] = { __VA_ARGS__ };	\
		struct end *_e = (e);					\
		const char *expected = loop_names(_e, _events,		\
						  ARRAY_SIZE(_events));	\
		const char *recorded = loop_recorded(_e);		\
									\
		KUNIT_EXPECT_STREQ(_e->loop->test, recorded, expected);	\
	} while (0)

#define loop_expect_no_events(e)					\
	do {								\
		struct end *_e = (e);					\
									\
		KUNIT_EXPECT_STREQ(_e->loop->test, loop_recorded(_e), "");	\
	} while (0)

/* Each job is to be waited for, before the next ones need its place */
struct job *loop_job(struct loop *loop, void (*fn)(void *data), void *data);
void loop_job_stop(struct job *job);
void loop_job_wait(struct job *job);
/* The channel's function of that name, in a thread */
struct job *loop_disable(struct end *e);
struct job *loop_pause(struct end *e);
struct job *loop_start(struct end *e);
struct job *loop_save_end(struct end *e);
struct job *loop_free(struct end *e);

/* Let a held callback continue; it is held once */
void loop_hold(struct end *e, enum loop_event what);
void loop_wait_held(struct end *e);
void loop_release(struct end *e);

/* Send @value in 8 bytes, or in @len, the rest filled with it */
struct sent *loop_send(struct end *e, u64 value, u32 flags);
struct sent *loop_send_long(struct end *e, u64 value, u32 len, u32 flags);
struct sent *loop_try_send(struct end *e, u64 value, u32 flags);
/* A packet that is to be sent, and the record of what becomes of it; or NULL */
struct kmcl_packet *loop_prepare(struct end *e, u64 value, struct sent **sent);
/* @n of these for kmcl_send_many(): the values 0 to @n - 1, each in 8 bytes of @value */
void loop_messages(struct end *e, struct kmcl_message *msg, u64 *value, u32 n);
/* A synchronous request of 8 bytes, without a buffer for the reply */
int loop_request(struct end *e, u32 flags, s64 timeout);
/* Write a packet as this end's driver never could, and signal */
void loop_inject(struct end *e, u16 type, u16 flags, const void *header,
		 u32 header_len, const void *payload, u32 len);
/* A short one, whose header says that it has as many units of 8 bytes */
void loop_inject_len8(struct end *e, u16 len8);
void loop_complete_kept(struct end *e, unsigned int index, u64 reply);
void loop_complete_all(struct end *e);
u32 loop_done(struct end *e);
u32 loop_got(struct end *e);
u32 loop_kept(struct end *e);
/* An idle packet of this end, in the library's memory */
struct kmcl_packet *loop_packet(struct end *e, kmcl_done_fn done);
/* Patterned pages of the client's driver, there until the channels are gone */
u8 *loop_memory(struct kunit *test, u32 pages);
/* One such page, described in each way; there until the channels are gone, too */
void loop_page(struct kunit *test, struct loop_page *page);
/* The server reads at @at what is at @want */
void loop_expect_bytes(struct kunit *test, struct kmcl_mdl *mdl, u32 at,
		       const u8 *want, u32 bytes);
/*
 * The server's next @times looks at external data find that it is not there yet.
 * To be called when the channels are up.
 */
void loop_absent(struct loop *loop, int times);
bool loop_is_absent(void);
/* A rule was broken: the first one is shown when the test ends */
void loop_wrong(struct end *e, const char *what);
void loop_expect_balance(struct end *e);
/* The last one's is overwritten; one thread per end */
#define loop_counters(e)	(*loop_snapshot(e))
const struct kmcl_counters *loop_snapshot(struct end *e);
/* Free packets that the channel keeps */
u32 loop_cached(struct end *e);
struct end *loop_end(struct kmcl_channel *ch);

#endif
