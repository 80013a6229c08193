// SPDX-License-Identifier: GPL-2.0
/*
 * Control files of kmcl_traffic, in /sys/kernel/debug/kmcl_traffic, and the
 * module's init and exit, which create and remove them. kmcl_traffic_command.c has
 * what NAME/control does. Everything here runs in process context. Locks:
 * kmcl_traffic.h. K is a number of bytes of payload.
 *
 *   control   "open NAME CLASS [INSTANCE] [ring=BYTES] [packet=K] [external=BYTES]
 *             [pipe] [noclosed] [giveback]": create a channel, disabled, and its
 *             directory; external: most bytes with a packet; noclosed: without a
 *             closed callback; giveback: give the device back when the channel is
 *             disabled or freed. "close NAME [enabled]": free it; enabled: without
 *             disabling it first
 *             "fragment ORDER": leave no free block of 2^ORDER pages; 0: undo
 *
 *   NAME/state     one word
 *   NAME/counters  "name value" lines: the library's, then this driver's
 *             (struct tr_counts), then "blocked" with the blocked callbacks
 *   NAME/control
 *     enable, disable, pause, start
 *     set ops|name|flags|process|packet|context   set to its present value
 *     set ring BYTES
 *     set target CLASS INSTANCE
 *     send COUNT K [completion] [default] [more]   completion: ask for a
 *                                 completion; default: without a completion
 *                                 routine; more: with KMCL_SEND_MORE
 *     many COUNT K [completion] [more]   packets of up to K bytes, with one call
 *     flush                       show what was sent with KMCL_SEND_MORE
 *     race COUNT K [completion]   four senders of COUNT each, two of which send
 *                                 batches; the host counts for each
 *     chain COUNT WINDOW          send WINDOW requests, and COUNT more in completion
 *                                 routines; returns when all have ended
 *     sync K [MS]                 send a synchronous request
 *     until K MS                  the same, with a time of day as its limit
 *     fault K                     send a payload that is not there
 *     external BYTES PIECES       send one with external data
 *     share PAGES PIECES          make a GPADL of described memory; 0: a buffer.
 *                                 The ranges of transfer page packets are in it
 *     unshare                     delete it
 *     run K WINDOW [completion] [many] [more]   keep sending packets of up to K
 *                                 bytes; many: 16 with one call
 *     run off
 *     hold on|off                 keep incoming packets outstanding
 *     passive on|off              process callbacks in process context
 *     quota N                     of outstanding packets
 *     memory N                    bytes for incoming packets
 *     reopen on|off               enable again after each close
 *     expect N                    sequence number to expect from the peer next
 *     hook CALLBACK ACTION [N]    action for its next call, see tr_set_hook()
 *     release                     release blocked callbacks
 *   NAME/payload     what is read is the next packet's payload, as long as the
 *             read; what is written is sent, from the writer's memory
 *
 * A write returns when the call of the library has returned, with its error.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/device.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include "kmcl_traffic.h"

#define TR_DEFAULT_PACKET	4096U

static struct dentry *tr_root;
static DEFINE_MUTEX(tr_mutex);		/* tr_channels */
static struct tr *tr_channels[TR_CHANNELS];

/* Files for reading */

static int tr_state_show(struct seq_file *m, void *unused)
{
	struct tr *tr = m->private;

	seq_printf(m, "%s\n", kmcl_channel_state_name(tr->ch));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(tr_state);

static void show_library(struct seq_file *m, const struct kmcl_counters *c)
{
	seq_printf(m, "accepted %llu\nsent %llu\ncompleted %llu\n",
		   c->accepted, c->sent, c->completed);
	seq_printf(m, "cancelled %llu\nremoved %llu\nqueued %llu\n",
		   c->cancelled, c->removed, c->queued);
	seq_printf(m, "in_flight %llu\ndelivered %llu\noutstanding %llu\n",
		   c->in_flight, c->delivered, c->outstanding);
	seq_printf(m, "comps_sent %llu\ncomps_dropped %llu\ncomps_stale %llu\n",
		   c->comps_sent, c->comps_dropped, c->comps_stale);
	seq_printf(m, "bad_packets %llu\nfull %llu\nquota_stops %llu\n",
		   c->bad_packets, c->full, c->quota_stops);
	seq_printf(m, "limit_stops %llu\nmemory %llu\nmemory_peak %llu\n",
		   c->limit_stops, c->memory, c->memory_peak);
	seq_printf(m, "budget_stops %llu\ndeferred %llu\nfailed %llu\n",
		   c->budget_stops, c->deferred, c->failed);
	seq_printf(m, "opens %llu\ncloses %llu\nrescinds %llu\n",
		   c->opens, c->closes, c->rescinds);
	seq_printf(m, "open_failures %llu\ngpadls %llu\ngpadls_left %llu\n",
		   c->open_failures, c->gpadls, c->gpadls_left);
	seq_printf(m, "gpadls_kept %llu\nkept_bytes %llu\nbroken %llu\n",
		   c->gpadls_kept, c->kept_bytes, c->broken);
	seq_printf(m, "comps_too_long %llu\nunanswered %llu\nrings_kept %llu\n",
		   c->comps_too_long, c->unanswered, c->rings_kept);
	seq_printf(m, "ring_in %llu\nring_out %llu\nring_memory %llu\n",
		   c->ring_in, c->ring_out, c->ring_memory);
	seq_printf(m, "small_rings %llu\n", c->small_rings);
	seq_printf(m, "packets_kept %llu\n", c->packets_kept);
}

static void show_own(struct seq_file *m, const struct tr_counts *c)
{
	u64 bad = 0;
	unsigned int i;

	for (i = 0; i < TR_EVENTS; i++) {
		seq_printf(m, "%s %llu\n", tr_event_names[i], c->calls[i]);
		bad += c->bad_context[i];
	}
	seq_printf(m, "bad_context %llu\nbad_order %llu\n", bad, c->bad_order);
	seq_printf(m, "open_at_closed %llu\nhooked %llu\nhook_result %lld\n",
		   c->open_at_closed, c->hooked, c->hook_result);
	seq_printf(m, "block_timeouts %llu\n", c->block_timeouts);
	seq_printf(m, "done_ok %llu\ndone_cancelled %llu\n", c->done_ok,
		   c->done_cancelled);
	seq_printf(m, "done_removed %llu\ndone_other %llu\n", c->done_removed,
		   c->done_other);
	seq_printf(m, "done_bad %llu\ndone_order %llu\n", c->done_bad,
		   c->done_order);
	seq_printf(m, "replies %llu\nreplies_bad %llu\n", c->replies,
		   c->replies_bad);
	seq_printf(m, "received %llu\ngaps %llu\norder_errors %llu\n",
		   c->received, c->gaps, c->order_errors);
	seq_printf(m, "ranges %llu\nrange_errors %llu\n", c->ranges,
		   c->range_errors);
	seq_printf(m, "malformed %llu\nchecksum_errors %llu\n", c->malformed,
		   c->checksum_errors);
	seq_printf(m, "pnp_status %lld\nopened_mmio %llu\n", c->pnp_status,
		   c->opened_mmio);
}

static int tr_counters_show(struct seq_file *m, void *unused)
{
	struct tr *tr = m->private;
	unsigned long blocked;
	struct kmcl_counters c;
	struct tr_counts own;
	unsigned int i;
	u64 next_rx, mmio, mmio_size;

	kmcl_get_counters(tr->ch, &c);
	kmcl_get_mmio(tr->ch, &mmio, &mmio_size);
	spin_lock_irq(&tr->lock);
	own = tr->counts;
	blocked = tr->blocked;
	next_rx = tr->next_rx[0];
	spin_unlock_irq(&tr->lock);

	show_library(m, &c);
	show_own(m, &own);
	seq_printf(m, "open_sends %d\nnext_sequence %llu\nexpected %llu\n",
		   atomic_read(&tr->open_sends), READ_ONCE(tr->seq), next_rx);
	seq_printf(m, "mmio %llu\nmmio_size %llu\n", mmio, mmio_size);
	seq_printf(m, "given_up %u\npages_held %u\n", READ_ONCE(tr->given_up),
		   tr_pages_held(tr));
	seq_puts(m, "blocked");
	for (i = 0; i < TR_EVENTS; i++)
		if (blocked & BIT(i))
			seq_printf(m, " %s", tr_event_names[i]);
	seq_putc(m, '\n');
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(tr_counters);

/* Channels */

static int find(const char *name)
	__must_hold(&tr_mutex)
{
	int i;

	lockdep_assert_held(&tr_mutex);
	for (i = 0; i < TR_CHANNELS; i++)
		if (name ? tr_channels[i] && !strcmp(tr_channels[i]->name, name) :
			   !tr_channels[i])
			return i;
	return -ENOENT;
}

static int add(struct tr *tr)
	__must_hold(&tr_mutex)
{
	struct dentry *dir;
	int i;

	lockdep_assert_held(&tr_mutex);
	if (find(tr->name) >= 0)
		return -EEXIST;
	i = find(NULL);
	if (i < 0)
		return -ENOSPC;
	dir = debugfs_create_dir(tr->name, tr_root);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	debugfs_create_file("state", 0444, dir, tr, &tr_state_fops);
	debugfs_create_file("counters", 0444, dir, tr, &tr_counters_fops);
	debugfs_create_file("control", 0200, dir, tr, &tr_control_fops);
	debugfs_create_file("payload", 0600, dir, tr, &tr_payload_fops);
	tr->dir = dir;
	tr_channels[i] = tr;
	return 0;
}

static int parse_option(const char *word, struct tr_options *options)
{
	u32 *packet = &options->max_packet, *ring = &options->ring_bytes;

	if (str_has_prefix(word, "ring="))
		return kstrtou32(word + 5, 0, ring) || *ring > SZ_1G ?
			-EINVAL : 0;
	if (str_has_prefix(word, "packet="))
		return kstrtou32(word + 7, 0, packet) || *packet < TR_HEADER ||
			*packet > KMCL_PACKET_SIZE_MAX ? -EINVAL : 0;
	if (str_has_prefix(word, "external="))
		return kstrtou32(word + 9, 0, &options->external) ||
			options->external > TR_EXTERNAL_MAX ? -EINVAL : 0;
	if (!strcmp(word, "pipe")) {
		options->pipe = true;
		return 0;
	}
	if (!strcmp(word, "giveback")) {
		options->give_back = true;
		return 0;
	}
	if (!strcmp(word, "noclosed")) {
		options->no_closed = true;
		return 0;
	}
	if (!options->any || tr_parse_guid(word, &options->instance))
		return -EINVAL;
	options->any = false;
	return 0;
}

/*
 * Commands may be waiting for a blocked callback or for held packets. Release
 * both first, since removing the files waits for commands.
 */
static void end(struct tr *tr, bool disable)
{
	tr_release(tr);
	tr_set_hold(tr, false);
	debugfs_remove_recursive(tr->dir);
	tr_destroy(tr, disable);
}

/* The driver is detached: called before the library ends the channel */
static void end_managed(void *data)
{
	struct tr *tr = data;

	mutex_lock(&tr_mutex);
	tr_channels[find(tr->name)] = NULL;
	mutex_unlock(&tr_mutex);
	end(tr, true);
}

static int make(const char *name, const struct tr_options *options)
{
	struct tr *tr = tr_create(name, options);
	int ret;

	if (IS_ERR(tr))
		return PTR_ERR(tr);
	mutex_lock(&tr_mutex);
	ret = add(tr);
	mutex_unlock(&tr_mutex);
	if (options->managed)
		return ret ?: devm_add_action_or_reset(options->parent,
						       end_managed, tr);
	if (ret)
		tr_destroy(tr, true);
	return ret;
}

static int command_open(int argc, char *argv[])
{
	struct tr_options options = {
		.any = true,
		.max_packet = TR_DEFAULT_PACKET,
	};
	int i;

	if (argc < 3 || strlen(argv[1]) >= TR_NAME_MAX ||
	    strchr(argv[1], '/') || tr_parse_guid(argv[2], &options.class))
		return -EINVAL;
	for (i = 3; i < argc; i++)
		if (parse_option(argv[i], &options))
			return -EINVAL;
	return make(argv[1], &options);
}

static int command_close(const char *name, bool disable)
{
	struct tr *tr = NULL;
	int i;

	mutex_lock(&tr_mutex);
	i = find(name);
	if (i >= 0 && !tr_channels[i]->managed) {
		tr = tr_channels[i];
		tr_channels[i] = NULL;
	}
	mutex_unlock(&tr_mutex);
	if (!tr)
		return -ENOENT;
	end(tr, disable);
	return 0;
}

/**
 * tr_attach() - create a channel whose device is its parent
 * @name: its name, shorter than TR_NAME_MAX
 * @parent: the device
 * @managed: it ends when the driver is detached, and neither tr_detach() nor
 *	debugfs can close it
 *
 * For the probe function of the device's driver.
 *
 * Context: may sleep.
 * Return: 0, or a negative errno.
 */
int tr_attach(const char *name, struct device *parent, bool managed)
{
	struct tr_options options = {
		.parent = parent,
		.managed = managed,
		.max_packet = TR_DEFAULT_PACKET,
	};

	return make(name, &options);
}
EXPORT_SYMBOL_GPL(tr_attach);

/**
 * tr_detach() - free a channel of tr_attach()
 * @name: its name; nothing happens if it was closed through debugfs already
 *
 * For the remove function of the device's driver.
 *
 * Context: may sleep.
 */
void tr_detach(const char *name)
{
	command_close(name, true);
}
EXPORT_SYMBOL_GPL(tr_detach);

static ssize_t tr_root_write(struct file *file, const char __user *user,
			     size_t len, loff_t *pos)
{
	char line[TR_COMMAND_MAX], *argv[TR_WORDS];
	ssize_t ret = tr_read_command(user, len, line, argv);
	unsigned int order;

	if (ret > 0 && !strcmp(argv[0], "open"))
		ret = command_open(ret, argv);
	else if (ret == 2 && !strcmp(argv[0], "close"))
		ret = command_close(argv[1], true);
	else if (ret == 3 && !strcmp(argv[0], "close") &&
		 !strcmp(argv[2], "enabled"))
		ret = command_close(argv[1], false);
	else if (ret == 2 && !strcmp(argv[0], "fragment"))
		ret = kstrtouint(argv[1], 0, &order) ?: tr_fragment(order);
	else if (ret > 0)
		ret = -EINVAL;
	return ret ?: len;
}

static const struct file_operations tr_root_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = tr_root_write,
	.llseek = noop_llseek,
};

static int __init tr_init(void)
{
	tr_root = debugfs_create_dir(KBUILD_MODNAME, NULL);
	if (IS_ERR(tr_root))
		return PTR_ERR(tr_root);
	debugfs_create_file("control", 0200, tr_root, NULL, &tr_root_fops);
	return 0;
}
module_init(tr_init);

/* No file is open, since an open file keeps the module loaded */
static void __exit tr_exit(void)
{
	int i;

	for (i = 0; i < TR_CHANNELS; i++)
		if (tr_channels[i])
			end(tr_channels[i], true);
	debugfs_remove_recursive(tr_root);
	tr_fragment(0);
}
module_exit(tr_exit);

MODULE_DESCRIPTION("KMCL client for tests: channels of any class");
MODULE_LICENSE("GPL");
MODULE_SOFTDEP("pre: vmbkmcl_hv");
