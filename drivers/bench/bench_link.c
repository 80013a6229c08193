// SPDX-License-Identifier: GPL-2.0
/*
 * Keeping the host still, letting it work, and what was timed meanwhile.
 *
 * Process context.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bottom_half.h>
#include <linux/delay.h>
#include <linux/interrupt.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>

#include "bench.h"

/**
 * bench_quiet() - let neither end signal, until bench_kick()
 * @link: both rings are empty
 *
 * A round begins, see bench_time_forget().
 */
void bench_quiet(struct bench_link *link)
{
	WRITE_ONCE(link->channel->inbound.ring_buffer->interrupt_mask, 1);
	WRITE_ONCE(link->channel->outbound.ring_buffer->interrupt_mask, 1);
	virt_mb(); /* the masks, before the indices change */
	bench_time_forget();
}

/**
 * bench_inbound() - wait until the host has written so much
 * @link: masked
 * @bytes: of packets
 *
 * Return: 0 or -ETIMEDOUT.
 */
int bench_inbound(struct bench_link *link, u32 bytes)
{
	const struct hv_ring_buffer_info *ring = &link->channel->inbound;
	unsigned int ms;

	for (ms = 0; ms < BENCH_WAIT_MS; ms++) {
		if (hv_get_bytes_to_read(ring) >= bytes)
			return 0;
		usleep_range(1000, 2000);
	}
	pr_err("channel %u: %u bytes of %u arrived\n", link->number,
	       hv_get_bytes_to_read(ring), bytes);
	return -ETIMEDOUT;
}

/**
 * bench_wake() - run the channel's callback as its interrupt does
 * @link: masked, with packets
 *
 * What vmbus_chan_sched() does for the channel, and all softirqs that follow.
 *
 * Return: what that took.
 */
u64 bench_wake(struct bench_link *link)
{
	struct vmbus_channel *channel = link->channel;
	unsigned long flags;

	local_bh_disable();
	bench_begin();
	switch (channel->callback_mode) {
	case HV_CALL_ISR:
		local_irq_save(flags);
		channel->onchannel_callback(channel->channel_callback_context);
		local_irq_restore(flags);
		break;
	case HV_CALL_BATCHED:
	case HV_CALL_DIRECT:
		tasklet_schedule(&channel->callback_event);
		break;
	}
	local_bh_enable();
	return bench_end();
}

static bool read_by_host(const struct hv_ring_buffer *ring)
{
	return READ_ONCE(ring->read_index) == READ_ONCE(ring->write_index);
}

/**
 * bench_rest() - wait until the host has read everything
 * @link: of the device
 *
 * Return: 0 or an error.
 */
int bench_rest(struct bench_link *link)
{
	const struct hv_ring_buffer *ring = link->channel->outbound.ring_buffer;
	unsigned int ms;

	for (ms = 0; !read_by_host(ring); ms++) {
		if (ms == BENCH_WAIT_MS) {
			pr_err("channel %u: the host does not read its ring\n",
			       link->number);
			return -ETIMEDOUT;
		}
		usleep_range(1000, 2000);
	}
	/* Then it has unmasked the ring, too */
	return bench_host("%s", "");
}

/**
 * bench_kick() - let the host read what was sent since bench_quiet()
 * @link: masked
 *
 * The one signal is in place of that of the first packet, which the mask has
 * suppressed.
 *
 * Return: 0 when the host has read it, or an error.
 */
int bench_kick(struct bench_link *link)
{
	struct hv_ring_buffer *ring = link->channel->outbound.ring_buffer;

	WRITE_ONCE(ring->interrupt_mask, 0);
	virt_mb(); /* the mask, before looking whether the host has read */
	if (!read_by_host(ring))
		vmbus_setevent(link->channel);
	return bench_rest(link);
}

/**
 * bench_report() - print a case's result, for scripts/bench.sh
 * @c: the case
 * @values: what was measured
 * @count: of them
 */
void bench_report(const struct bench_case *c, const struct bench_value *values,
		  unsigned int count)
{
	static const char *const counted[] = {
		[BENCH_INSTRUCTIONS] = "",
		[BENCH_LOCKED] = "locked/",
		[BENCH_IRQ_OFF] = "irq-off/",
	};
	char line[160];
	int length = 0;
	unsigned int i;

	if (bench_count == BENCH_FUNCTIONS) {
		bench_time_functions(c->name);
		return;
	}
	for (i = 0; i < count; i++)
		length += scnprintf(line + length, sizeof(line) - length,
				    " %s=%llu", values[i].key, values[i].value);
	pr_info("%s%s%s\n", counted[bench_count], c->name, line);
}
