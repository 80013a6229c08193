// SPDX-License-Identifier: GPL-2.0
/*
 * The debugfs files of a channel: a directory per channel below vmbkmcl/, whose
 * name is a number that is not used twice.
 *
 * Files are read in process context. A channel is not freed while one of its
 * files is read, since removing the directory waits for readers. Counters are
 * copied under the locks that protect them; settings are read without a lock.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/seq_file.h>

#include "channel.h"
#include "face.h"

static struct dentry *kmcl_debugfs_root;
static atomic_t kmcl_debugfs_last = ATOMIC_INIT(0);

#define COUNTER(name)	{ #name, offsetof(struct kmcl_counters, name) }
#define BAD(name, kind)	\
	{ "bad_" name, offsetof(struct kmcl_counters, bad[KMCL_BAD_##kind]) }

static const struct {
	const char *name;
	unsigned int offset;
} counters[] = {
	COUNTER(accepted),
	COUNTER(completed),
	COUNTER(cancelled),
	COUNTER(removed),
	COUNTER(in_ring),
	COUNTER(sent),
	COUNTER(queued),
	COUNTER(queued_peak),
	COUNTER(in_flight),
	COUNTER(in_flight_peak),
	COUNTER(full),
	COUNTER(broken),
	COUNTER(delivered),
	COUNTER(outstanding),
	COUNTER(outstanding_peak),
	COUNTER(external),
	COUNTER(deferred),
	COUNTER(failed),
	COUNTER(batches),
	COUNTER(quota_stops),
	COUNTER(limit_stops),
	COUNTER(memory),
	COUNTER(memory_peak),
	COUNTER(budget_stops),
	COUNTER(comps_sent),
	COUNTER(comps_dropped),
	COUNTER(comps_stale),
	COUNTER(comps_too_long),
	COUNTER(unanswered),
	COUNTER(bad_packets),
	BAD("write_index", WRITE_INDEX),
	BAD("short", SHORT),
	BAD("offset8", OFFSET),
	BAD("len8", LENGTH),
	BAD("type", TYPE),
	BAD("size", SIZE),
	BAD("pipe", PIPE),
	BAD("external", EXTERNAL),
	BAD("driver", DRIVER),
	COUNTER(gpadls),
	COUNTER(gpadls_left),
	COUNTER(gpadls_kept),
	COUNTER(rings_kept),
	COUNTER(packets_kept),
	COUNTER(kept_bytes),
	COUNTER(ring_in),
	COUNTER(ring_out),
	COUNTER(ring_memory),
	COUNTER(small_rings),
	COUNTER(opens),
	COUNTER(closes),
	COUNTER(rescinds),
	COUNTER(open_failures),
};

/* One line per counter: name and value. */
void kmcl_show_counters(struct seq_file *m, struct kmcl_channel *ch)
{
	struct kmcl_counters c;
	int i;

	kmcl_get_counters(ch, &c);
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		seq_printf(m, "%s %llu\n", counters[i].name,
			   *(u64 *)((u8 *)&c + counters[i].offset));
}

/* The settings and the state of the channel. */
void kmcl_show_channel(struct seq_file *m, struct kmcl_channel *ch)
{
	guid_t instance;
	u64 start, size;

	kmcl_get_instance(ch, &instance);
	kmcl_get_mmio(ch, &start, &size);
	seq_printf(m, "endpoint %s\n", ch->server ? "server" : "client");
	seq_printf(m, "state %s\n", kmcl_channel_state_name(ch));
	seq_printf(m, "type %pUl\n", &ch->cfg.type);
	seq_printf(m, "instance %pUl\n", &instance);
	seq_printf(m, "pipe %d\n", ch->cfg.pipe);
	seq_printf(m, "packet_size %u\n", ch->cfg.max_payload);
	seq_printf(m, "context_size %u\n", ch->cfg.context_size);
	seq_printf(m, "ring_pages_in %u\n", ch->cfg.rx_pages);
	seq_printf(m, "ring_pages_out %u\n", ch->cfg.tx_pages);
	seq_printf(m, "tx_broken %d\n",
		   READ_ONCE(ch->tx.linked) && READ_ONCE(ch->tx.ring.broken));
	seq_printf(m, "rx_failed %d\n",
		   READ_ONCE(ch->tx.linked) && READ_ONCE(ch->tx.no_answers));
	seq_printf(m, "quota %u\n", READ_ONCE(ch->rx.quota));
	seq_printf(m, "memory_limit %u\n", READ_ONCE(ch->rx.memory_limit));
	seq_printf(m, "at_passive %d\n", kmcl_rx_is(&ch->rx, KMCL_RX_PASSIVE));
	seq_printf(m, "mmio_start %#llx\n", start);
	seq_printf(m, "mmio_size %#llx\n", size);
	if (!ch->server)
		return;
	seq_printf(m, "offer_flags %#x\n", kmcl_offer_flags(ch));
	seq_printf(m, "offer_mmio_megabytes %u\n", ch->cfg.mmio_mb);
	seq_printf(m, "offer_mmio_megabytes_optional %u\n",
		   ch->cfg.mmio_mb_optional);
}

static int counters_show(struct seq_file *m, void *unused)
{
	kmcl_show_counters(m, m->private);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(counters);

static int channel_show(struct seq_file *m, void *unused)
{
	kmcl_show_channel(m, m->private);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(channel);

/* Errors are ignored: debugfs functions accept the results of failed ones. */
void kmcl_debugfs_add(struct kmcl_channel *ch)
{
	char name[12];

	snprintf(name, sizeof(name), "%u",
		 (u32)atomic_inc_return(&kmcl_debugfs_last));
	ch->debugfs = debugfs_create_dir(name, kmcl_debugfs_root);
	debugfs_create_file("channel", 0400, ch->debugfs, ch, &channel_fops);
	debugfs_create_file("counters", 0400, ch->debugfs, ch, &counters_fops);
}

/* Sleeps until no reader is left. */
void kmcl_debugfs_del(struct kmcl_channel *ch)
{
	debugfs_remove(ch->debugfs);
	ch->debugfs = NULL;
}

void kmcl_debugfs_init(void)
{
	kmcl_debugfs_root = debugfs_create_dir("vmbkmcl", NULL);
}

void kmcl_debugfs_exit(void)
{
	debugfs_remove(kmcl_debugfs_root);
}
