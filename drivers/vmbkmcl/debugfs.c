// SPDX-License-Identifier: GPL-2.0
/*
 * A file in debugfs that says of each channel what is not in sysfs, in the order in
 * which they were made. One file for all, since debugfs keeps a dentry and an inode
 * for each.
 *
 * It is read in process context, under the lock of the list of channels, and so no
 * channel is freed meanwhile; sysfs.c puts them on it. Settings are read without a
 * lock.
 */
#include <linux/debugfs.h>
#include <linux/kobject.h>
#include <linux/seq_file.h>

#include "channel.h"
#include "face.h"

static struct dentry *kmcl_debugfs_root;

/* The settings and the state of a channel that are not in sysfs. */
static void show_channel(struct seq_file *m, struct kmcl_channel *ch)
{
	u64 start, size;

	kmcl_get_mmio(ch, &start, &size);
	seq_printf(m, "channel %s\n", kobject_name(&ch->kobj));
	seq_printf(m, "endpoint %s\n", ch->server ? "server" : "client");
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

static void *channels_start(struct seq_file *m, loff_t *pos)
	__acquires(&kmcl_kset->list_lock)
{
	spin_lock(&kmcl_kset->list_lock);
	return seq_list_start(&kmcl_kset->list, *pos);
}

static void *channels_next(struct seq_file *m, void *v, loff_t *pos)
{
	return seq_list_next(v, &kmcl_kset->list, pos);
}

static void channels_stop(struct seq_file *m, void *v)
	__releases(&kmcl_kset->list_lock)
{
	spin_unlock(&kmcl_kset->list_lock);
}

static int channels_show(struct seq_file *m, void *v)
{
	show_channel(m, list_entry(v, struct kmcl_channel, kobj.entry));
	return 0;
}

static const struct seq_operations channels_sops = {
	.start = channels_start,
	.next = channels_next,
	.stop = channels_stop,
	.show = channels_show,
};
DEFINE_SEQ_ATTRIBUTE(channels);

/* Errors are ignored: debugfs functions accept the results of failed ones. */
void kmcl_debugfs_init(void)
{
	kmcl_debugfs_root = debugfs_create_dir("vmbkmcl", NULL);
	if (kmcl_kset)
		debugfs_create_file("channels", 0400, kmcl_debugfs_root, NULL,
				    &channels_fops);
}

void kmcl_debugfs_exit(void)
{
	debugfs_remove(kmcl_debugfs_root);
}
