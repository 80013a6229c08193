// SPDX-License-Identifier: GPL-2.0
/*
 * A producer and a consumer of one VMBus ring on two processors, that sleep
 * until they are signalled: if a signal is missing, a time limit ends the test.
 */
#include <kunit/test.h>

#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/jhash.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/wait.h>

#include "ring_fixture.h"

#define STALL	(20 * HZ)

struct race {
	struct ring_fixture *f;
	u32 packets;		/* to send */
	u32 max_payload;
	u32 burst;		/* packets per commit, at most */
	u32 batch;		/* packets per release, at most */
	bool mask;		/* the consumer masks while it reads */
	wait_queue_head_t tx_wait;
	wait_queue_head_t rx_wait;
	bool tx_signalled;
	bool rx_signalled;
	u64 tx_sleeps;
	u64 rx_sleeps;
	const char *tx_error;
	const char *rx_error;
	u32 received;
	u8 *tx_buf;
	u8 *rx_buf;
	struct completion tx_done;
	struct completion rx_done;
};

/* The interrupt: nothing else wakes a side that sleeps */
static void race_signal(wait_queue_head_t *wait, bool *signalled)
{
	/* Pairs with the xchg() of race_sleep(): as ordered as an interrupt */
	smp_store_release(signalled, true);
	wake_up(wait);
}

static bool race_sleep(wait_queue_head_t *wait, bool *signalled)
{
	return wait_event_timeout(*wait, xchg(signalled, false), STALL) != 0;
}

static bool race_flush(struct race *r)
{
	bool signal = kmcl_ring_commit(&r->f->tx);

	if (signal)
		race_signal(&r->rx_wait, &r->rx_signalled);
	return signal;
}

static int race_producer(void *data)
{
	struct race *r = data;
	struct rnd_state rnd;
	u32 i, len, put = 0, burst = 1;
	u32 header[4];
	int ret;

	prandom_seed_state(&rnd, 7);
	for (i = 0; i < r->packets && !r->tx_error; i++) {
		len = prandom_u32_state(&rnd) % (r->max_payload + 1);
		prandom_bytes_state(&rnd, r->tx_buf, len);
		header[0] = i;
		header[1] = len;
		header[2] = jhash(r->tx_buf, len, i);
		header[3] = ~i;

		for (;;) {
			ret = kmcl_ring_put(&r->f->tx, KMCL_WIRE_DATA_INBAND, 0, i + 1,
					    header, sizeof(header), r->tx_buf, len);
			if (ret != -EAGAIN)
				break;
			race_flush(r);
			put = 0;
			if (kmcl_ring_want_space(&r->f->tx, kmcl_ring_bytes(16, len)))
				continue;
			r->tx_sleeps++;
			if (!race_sleep(&r->tx_wait, &r->tx_signalled)) {
				r->tx_error = "no signal of space";
				break;
			}
		}
		if (ret && !r->tx_error)
			r->tx_error = "put failed";
		if (++put >= burst) {
			race_flush(r);
			put = 0;
			burst = 1 + prandom_u32_state(&rnd) % r->burst;
		}
	}
	race_flush(r);
	complete(&r->tx_done);
	return 0;
}

/* Check a packet; what is wrong with it, or NULL */
static const char *race_check(struct race *r, const struct kmcl_ring_packet *pkt)
{
	u32 i = r->received;
	u32 header[4];

	if (pkt->header_len != sizeof(header))
		return "wrong header length";
	memcpy(header, pkt->header, sizeof(header));
	if (pkt->type != KMCL_WIRE_DATA_INBAND || pkt->flags ||
	    pkt->trans_id != i + 1 || header[0] != i || header[3] != ~i)
		return "not the next packet";
	if (header[1] > r->max_payload || pkt->payload_len != ALIGN(header[1], 8))
		return "wrong payload length";
	memcpy(r->rx_buf, pkt->payload, header[1]);
	if (jhash(r->rx_buf, header[1], i) != header[2])
		return "wrong checksum";
	return NULL;
}

static void race_release(struct race *r)
{
	if (kmcl_ring_release(&r->f->rx))
		race_signal(&r->tx_wait, &r->tx_signalled);
}

static int race_consumer(void *data)
{
	struct race *r = data;
	struct kmcl_ring_packet pkt;
	u32 batch = 0;

	while (r->received < r->packets && !r->rx_error) {
		if (r->mask && !batch)
			kmcl_ring_mask(&r->f->rx);
		if (kmcl_ring_peek(&r->f->rx, &pkt) != KMCL_RING_OK) {
			r->rx_error = "malformed packet";
			break;
		}
		if (pkt.total) {
			r->rx_error = race_check(r, &pkt);
			r->received++;
			kmcl_ring_consume(&r->f->rx, &pkt);
			if (++batch >= r->batch) {
				race_release(r);
				batch = 0;
			}
			continue;
		}

		race_release(r);
		batch = 0;
		if (kmcl_ring_unmask(&r->f->rx))
			continue;
		r->rx_sleeps++;
		if (!race_sleep(&r->rx_wait, &r->rx_signalled))
			r->rx_error = "no signal of data";
	}
	race_release(r);
	complete(&r->rx_done);
	return 0;
}

static struct task_struct *race_thread(int (*fn)(void *), struct race *r,
				       const char *name, unsigned int cpu)
{
	struct task_struct *task = kthread_create(fn, r, "%s", name);

	if (!IS_ERR(task) && num_online_cpus() > 1)
		kthread_bind(task, cpu);
	return task;
}

static void race_run(struct kunit *test, struct race *r)
{
	struct task_struct *producer, *consumer;

	r->f = ring_fixture_new(test, KMCL_PAGE_SIZE);
	r->tx_buf = kunit_kzalloc(test, r->max_payload + 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r->tx_buf);
	r->rx_buf = kunit_kzalloc(test, r->max_payload + 8, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, r->rx_buf);
	init_waitqueue_head(&r->tx_wait);
	init_waitqueue_head(&r->rx_wait);
	init_completion(&r->tx_done);
	init_completion(&r->rx_done);

	producer = race_thread(race_producer, r, "ring_producer",
			       cpumask_first(cpu_online_mask));
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, producer);
	consumer = race_thread(race_consumer, r, "ring_consumer",
			       cpumask_last(cpu_online_mask));
	if (IS_ERR(consumer)) {
		kthread_stop(producer);
		KUNIT_FAIL_AND_ABORT(test, "no thread for the consumer");
	}

	/* Both end by themselves: none sleeps longer than STALL */
	wake_up_process(consumer);
	wake_up_process(producer);
	wait_for_completion(&r->tx_done);
	wait_for_completion(&r->rx_done);

	kunit_info(test, "%u packets, %u CPUs; slept %llu + %llu times, signalled %llu + %llu times\n",
		   r->received, num_online_cpus(), r->tx_sleeps, r->rx_sleeps,
		   r->f->tx.signals, r->f->rx.signals);
	KUNIT_EXPECT_STREQ(test, r->tx_error ?: "", "");
	KUNIT_EXPECT_STREQ(test, r->rx_error ?: "", "");
	KUNIT_EXPECT_EQ(test, r->received, r->packets);
	KUNIT_EXPECT_EQ(test, r->f->ctl->read_index, r->f->ctl->write_index);
	KUNIT_EXPECT_EQ(test, r->f->ctl->pending_send_sz, 0);
}

static void two_cpus_with_small_packets_one_by_one(struct kunit *test)
{
	struct race r = {
		.packets = 50000, .max_payload = 64, .burst = 1, .batch = 1,
		.mask = true,
	};

	race_run(test, &r);
}

static void two_cpus_without_masking(struct kunit *test)
{
	struct race r = {
		.packets = 20000, .max_payload = 16, .burst = 1, .batch = 1000,
	};

	race_run(test, &r);
}

static void two_cpus_with_bursts_and_batches(struct kunit *test)
{
	struct race r = {
		.packets = 5000, .max_payload = 256, .burst = 32, .batch = 16,
		.mask = true,
	};

	race_run(test, &r);
}

static void two_cpus_with_packets_that_fill_the_ring(struct kunit *test)
{
	struct race r = {
		.packets = 2000, .max_payload = KMCL_PAGE_SIZE - 8 - 40,
		.burst = 2, .batch = 2, .mask = true,
	};

	race_run(test, &r);
}

static struct kunit_case ring_race_test_cases[] = {
	KUNIT_CASE_SLOW(two_cpus_with_small_packets_one_by_one),
	KUNIT_CASE_SLOW(two_cpus_without_masking),
	KUNIT_CASE_SLOW(two_cpus_with_bursts_and_batches),
	KUNIT_CASE_SLOW(two_cpus_with_packets_that_fill_the_ring),
	{}
};

static struct kunit_suite ring_race_test_suite = {
	.name = "kmcl_ring_race",
	.test_cases = ring_race_test_cases,
};

kunit_test_suite(ring_race_test_suite);
