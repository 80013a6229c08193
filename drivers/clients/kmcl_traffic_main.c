// SPDX-License-Identifier: GPL-2.0
/*
 * A client for tests: channels of any class, created and controlled through
 * debugfs, that send numbered packets, check what arrives, and check that the
 * library calls them as its contract says. It uses only <linux/kmcl.h>.
 *
 * This file creates and frees channels and has their state callbacks, which run
 * in process context. Control files: kmcl_traffic_debugfs.c. Packets:
 * kmcl_traffic_packet.c; their layout: kmcl_traffic_proto.h. Checks of the
 * callbacks: kmcl_traffic_hook.c. Locks: kmcl_traffic.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "kmcl_traffic.h"

#define TR_SYNC_NS	(10LL * NSEC_PER_SEC)

/* State callbacks */

/* As tr_act(), plus the actions that call the library from a state callback */
static int state_act(struct tr *tr, enum tr_event event, struct tr_hook hook)
{
	int ret;

	switch (hook.action) {
	case TR_SEND:
		ret = tr_send(tr, hook.arg, TR_HEADER, 0);
		break;
	case TR_SYNC:
		ret = tr_sync(tr, TR_HEADER, TR_SYNC_NS);
		break;
	case TR_UNSHARE:
		ret = tr_unshare(tr);
		break;
	case TR_ENABLE:
		ret = kmcl_channel_enable(tr->ch);
		break;
	default:
		return tr_act(tr, event, hook);
	}
	tr_count_hook(tr, ret);
	return 0;
}

static int tr_opened(struct kmcl_channel *ch)
{
	struct tr *tr = kmcl_get_pointer(ch);
	u64 mmio, size;
	int ret;

	might_sleep();
	kmcl_get_mmio(ch, &mmio, &size);
	ret = state_act(tr, TR_OPENED, tr_enter(tr, TR_OPENED));
	spin_lock_irq(&tr->lock);
	tr->counts.opened_mmio = mmio;
	tr->opened = !ret;
	spin_unlock_irq(&tr->lock);
	tr_leave(tr, TR_OPENED);
	return ret;
}

static void state_callback(struct kmcl_channel *ch, enum tr_event event)
{
	struct tr *tr = kmcl_get_pointer(ch);

	might_sleep();
	state_act(tr, event, tr_enter(tr, event));
	tr_leave(tr, event);
}

static void tr_started(struct kmcl_channel *ch)
{
	state_callback(ch, TR_STARTED);
}

static void tr_post_started(struct kmcl_channel *ch)
{
	state_callback(ch, TR_POST_STARTED);
}

static void tr_suspend(struct kmcl_channel *ch)
{
	state_callback(ch, TR_SUSPEND);
}

/* Takes the lock, so that nothing is scheduled after tr_set_reopen(false) */
static void reopen_in(struct tr *tr, unsigned long delay)
{
	spin_lock_irq(&tr->lock);
	if (tr->reopen)
		schedule_delayed_work(&tr->reopen_work, delay);
	spin_unlock_irq(&tr->lock);
}

/*
 * Tell whether there are packets that should have ended. The library counts a
 * packet as completed before it calls the completion routine, so also check for
 * routines that have not been called or have not returned. Packets without a
 * routine are treated as if theirs had been called.
 */
static bool packets_open(struct tr *tr)
{
	struct kmcl_counters c;
	bool running, due;

	kmcl_get_counters(tr->ch, &c);
	spin_lock_irq(&tr->lock);
	running = tr->routines != tr->counts.calls[TR_DONE];
	due = c.completed > tr->counts.calls[TR_DONE] +
			    atomic64_read(&tr->no_routine);
	spin_unlock_irq(&tr->lock);
	return c.outstanding || c.in_flight || running || due;
}

static void tr_closed(struct kmcl_channel *ch)
{
	struct tr *tr = kmcl_get_pointer(ch);

	if (packets_open(tr))
		tr_count(tr, &tr->counts.open_at_closed);
	state_callback(ch, TR_CLOSED);
	reopen_in(tr, 0);
}

static void tr_pnp_failure(struct kmcl_channel *ch, int status)
{
	struct tr *tr = kmcl_get_pointer(ch);

	spin_lock_irq(&tr->lock);
	tr->counts.pnp_status = status;
	spin_unlock_irq(&tr->lock);
	state_callback(ch, TR_PNP_FAILURE);
	reopen_in(tr, HZ / 10);
}

/* Retries, since enabling is refused until the closed callback has returned */
static void tr_reopen(struct work_struct *work)
{
	struct tr *tr = container_of(to_delayed_work(work), struct tr,
				     reopen_work);
	int ret = kmcl_channel_enable(tr->ch);

	if (!ret || !READ_ONCE(tr->reopen))
		return;
	if (ret != -EBUSY)
		pr_warn_ratelimited("%s: not enabled again: error %d\n",
				    tr->name, ret);
	else if (strcmp(kmcl_channel_state_name(tr->ch), "Closed"))
		return;
	reopen_in(tr, 1);
}

/* If !@on, waits for an attempt in progress. May sleep */
void tr_set_reopen(struct tr *tr, bool on)
{
	spin_lock_irq(&tr->lock);
	WRITE_ONCE(tr->reopen, on);
	spin_unlock_irq(&tr->lock);
	if (!on)
		cancel_delayed_work_sync(&tr->reopen_work);
}

/* Channels */

static int set_ops(struct tr *tr)
{
	const struct kmcl_channel_ops ops = {
		.opened = tr_opened,
		.closed = tr->no_closed ? NULL : tr_closed,
		.suspend = tr_suspend,
		.started = tr_started,
		.post_started = tr_post_started,
	};

	return kmcl_set_ops(tr->ch, &ops);
}

static const char * const tr_settings[] = {
	"ops", "name", "flags", "process", "packet", "context",
};

/* Set one of these to its present value, if the library allows it. May sleep */
int tr_set(struct tr *tr, const char *what)
{
	switch (match_string(tr_settings, ARRAY_SIZE(tr_settings), what)) {
	case 0:
		return set_ops(tr);
	case 1:
		return kmcl_set_name(tr->ch, tr->name);
	case 2:
		return kmcl_set_flags(tr->ch, (tr->pipe ? KMCL_INIT_PIPE : 0) |
				      (tr->give_back ? KMCL_INIT_GIVE_BACK : 0));
	case 3:
		return kmcl_set_process(tr->ch, tr_process, tr_processed);
	case 4:
		return kmcl_set_max_packet_size(tr->ch, tr->max_packet);
	case 5:
		return kmcl_set_context_size(tr->ch, sizeof(struct tr_held));
	default:
		return -EINVAL;
	}
}

/* @bytes: size of each ring, control page included. May sleep */
int tr_set_ring(struct tr *tr, u32 bytes)
{
	u32 pages = DIV_ROUND_UP(bytes, TR_RING_PAGE);

	return kmcl_set_ring_pages(tr->ch, pages, pages);
}

/* If @instance is NULL: any of the class. May sleep */
int tr_set_target(struct tr *tr, const guid_t *class, const guid_t *instance)
{
	return kmcl_set_target(tr->ch, class, instance, tr_pnp_failure);
}

static int setup(struct tr *tr, const struct tr_options *options)
{
	unsigned int i;
	int ret = 0;

	kmcl_set_pointer(tr->ch, tr);
	for (i = 0; i < ARRAY_SIZE(tr_settings) && !ret; i++)
		ret = tr_set(tr, tr_settings[i]);
	if (!ret && options->ring_bytes)
		ret = tr_set_ring(tr, options->ring_bytes);
	if (!ret && options->external)
		ret = kmcl_set_max_external(tr->ch, options->external,
					    TR_PIECES_MAX);
	if (!ret && !options->parent)
		ret = tr_set_target(tr, &options->class, options->any ?
				    NULL : &options->instance);
	return ret;
}

static void free_all(struct tr *tr)
{
	xa_destroy(&tr->sent);
	tr_memory_free(tr);
	kvfree(tr->buf);
	kfree(tr);
}

/* All but the channel; NULL if there is no memory */
static struct tr *alloc(const char *name, const struct tr_options *options)
{
	struct tr *tr = kzalloc(sizeof(*tr), GFP_KERNEL);
	unsigned int i;

	if (!tr)
		return NULL;
	strscpy(tr->name, name, sizeof(tr->name));
	tr->max_packet = options->max_packet;
	tr->pipe = options->pipe;
	tr->give_back = options->give_back;
	tr->no_closed = options->no_closed;
	tr->managed = options->managed;
	mutex_init(&tr->send_mutex);
	spin_lock_init(&tr->lock);
	for (i = 1; i < KMCL_TRAFFIC_SENDERS; i++) {
		tr->other_seq[i - 1] = (u64)i << KMCL_TRAFFIC_SENDER_SHIFT;
		tr->next_rx[i] = tr->other_seq[i - 1];
	}
	xa_init_flags(&tr->sent, XA_FLAGS_LOCK_BH);
	init_waitqueue_head(&tr->wait);
	INIT_DELAYED_WORK(&tr->reopen_work, tr_reopen);
	INIT_LIST_HEAD(&tr->held);
	tr->buf = kvmalloc(tr->max_packet, GFP_KERNEL);
	if (tr->buf)
		return tr;
	free_all(tr);
	return NULL;
}

/* No callback runs any more */
static void check_end(const struct tr *tr)
{
	int left = atomic_read(&tr->open_sends);

	if (left)
		pr_err("%s: %d packets never completed\n", tr->name, left);
	if (tr->started || (tr->opened && !tr->no_closed))
		pr_err("%s: was not closed at its end\n", tr->name);
}

static void free_managed(void *data)
{
	struct tr *tr = data;

	check_end(tr);
	free_all(tr);
}

/*
 * A channel that the library disables and frees when the driver is detached from
 * @parent, before it frees @tr, which the channel's callbacks use. May sleep
 */
static struct tr *create_managed(struct tr *tr, struct device *parent)
{
	const struct kmcl_client client = {
		.name = tr->name,
		.packet_bytes = tr->max_packet,
		.context_bytes = sizeof(struct tr_held),
		.opened = tr_opened,
		.closed = tr_closed,
		.suspend = tr_suspend,
		.started = tr_started,
		.post_started = tr_post_started,
		.process = tr_process,
		.processed = tr_processed,
		.failure = tr_pnp_failure,
	};
	int ret = devm_add_action_or_reset(parent, free_managed, tr);

	if (ret)
		return ERR_PTR(ret);
	tr->ch = devm_kmcl_client_create(parent, &client, tr);
	return IS_ERR(tr->ch) ? ERR_CAST(tr->ch) : tr;
}

/**
 * tr_create() - create a channel, disabled
 * @name: its name, shorter than TR_NAME_MAX
 * @options: its properties
 *
 * Context: may sleep.
 * Return: the channel, or an ERR_PTR().
 */
struct tr *tr_create(const char *name, const struct tr_options *options)
{
	struct tr *tr = alloc(name, options);
	int ret;

	if (!tr)
		return ERR_PTR(-ENOMEM);
	if (options->managed)
		return create_managed(tr, options->parent);
	ret = kmcl_channel_alloc(options->parent, false, &tr->ch);
	if (ret)
		goto free;
	ret = setup(tr, options);
	if (!ret)
		return tr;
	kmcl_channel_free(tr->ch);
free:
	free_all(tr);
	return ERR_PTR(ret);
}

/* Check that the library cancels the queue, in order. May sleep */
static void free_channel(struct tr *tr)
{
	const struct tr_counts *counts = &tr->counts;
	int left = atomic_read(&tr->open_sends);
	u64 cancelled, order;

	spin_lock_irq(&tr->lock);
	cancelled = counts->done_cancelled;
	order = counts->done_order;
	/* Check only the packets that end now: earlier ones may be out of order */
	memset(tr->last_done, 0, sizeof(tr->last_done));
	tr->ending = true;
	spin_unlock_irq(&tr->lock);
	kmcl_channel_free(tr->ch);

	check_end(tr);
	if (counts->done_cancelled - cancelled != left)
		pr_err("%s: of %d packets at its end %llu were cancelled\n",
		       tr->name, left, counts->done_cancelled - cancelled);
	if (counts->done_order != order)
		pr_err("%s: packets were out of order at its end\n", tr->name);
}

/*
 * Free a channel that nobody else uses. Without @disable, freeing it has to
 * disable it. A managed one is left to the library, which does both next. May
 * sleep
 */
void tr_destroy(struct tr *tr, bool disable)
{
	unsigned int event;

	for (event = 0; event < TR_EVENTS; event++)
		tr_set_hook(tr, event, TR_NONE, 0);
	tr_release(tr);
	tr_run_stop(tr);
	tr_set_reopen(tr, false);
	tr_set_hold(tr, false);
	if (tr->managed) {
		spin_lock_irq(&tr->lock);
		tr->ending = true;
		spin_unlock_irq(&tr->lock);
		return;
	}
	if (disable)
		kmcl_channel_disable(tr->ch);
	free_channel(tr);
	free_all(tr);
}
