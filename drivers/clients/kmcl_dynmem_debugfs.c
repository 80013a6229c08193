// SPDX-License-Identifier: GPL-2.0
/*
 * Init and exit of kmcl_dynmem, and its control files, in
 * /sys/kernel/debug/kmcl_dynmem:
 *   state     state of the channel, one word
 *   counters  counters of the channel and of this driver, a "name value" line
 *             each, then "<callback>_context <process|atomic> <task> <work>":
 *             where each callback ran the last time; <work> is the work
 *             function if it ran in a workqueue
 *   control   takes enable, disable, pause, start, or "send N" for N reports
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "kmcl_dynmem.h"

#define DM_COMMAND_MAX	64
#define DM_SEND_MAX	100000

static struct dynmem dynmem;

static const char * const dm_callback_names[] = {
	[DM_OPENED]		= "opened",
	[DM_CLOSED]		= "closed",
	[DM_SUSPEND]		= "suspend",
	[DM_STARTED]		= "started",
	[DM_POST_STARTED]	= "post_started",
	[DM_PROCESS_PACKET]	= "process_packet",
	[DM_COMPLETION]		= "completion",
};

static int dm_state_show(struct seq_file *m, void *unused)
{
	struct dynmem *dm = m->private;

	seq_printf(m, "%s\n", kmcl_channel_state_name(dm->channel));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(dm_state);

static int dm_counters_show(struct seq_file *m, void *unused)
{
	struct dm_trace trace[DM_CALLBACKS];
	u64 in_order, order_errors, unknown;
	struct dynmem *dm = m->private;
	struct kmcl_counters c;
	unsigned int i;

	kmcl_get_counters(dm->channel, &c);
	seq_printf(m, "accepted %llu\nsent %llu\ncompleted %llu\n",
		   c.accepted, c.sent, c.completed);
	seq_printf(m, "cancelled %llu\nremoved %llu\nqueued %llu\n",
		   c.cancelled, c.removed, c.queued);
	seq_printf(m, "in_flight %llu\ndelivered %llu\noutstanding %llu\n",
		   c.in_flight, c.delivered, c.outstanding);

	spin_lock_irq(&dm->lock);
	memcpy(trace, dm->trace, sizeof(trace));
	in_order = dm->in_order;
	order_errors = dm->order_errors;
	unknown = dm->unknown;
	spin_unlock_irq(&dm->lock);

	for (i = 0; i < DM_CALLBACKS; i++)
		seq_printf(m, "%s %llu\n", dm_callback_names[i],
			   trace[i].count);
	seq_printf(m, "negotiated_version %#x\n", READ_ONCE(dm->version));
	seq_printf(m, "reports_sent %lu\n", READ_ONCE(dm->seq));
	seq_printf(m, "completions_in_order %llu\norder_errors %llu\n",
		   in_order, order_errors);
	seq_printf(m, "unknown_messages %llu\n", unknown);
	for (i = 0; i < DM_CALLBACKS; i++) {
		if (!trace[i].count)
			continue;
		seq_printf(m, "%s_context %s %s ", dm_callback_names[i],
			   trace[i].process ? "process" : "atomic",
			   trace[i].comm);
		if (trace[i].work)
			seq_printf(m, "%ps\n", trace[i].work);
		else
			seq_puts(m, "-\n");
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(dm_counters);

static int dm_command(struct dynmem *dm, const char *cmd)
{
	unsigned int count;

	if (!strcmp(cmd, "enable"))
		return dm_errno(VmbChannelEnable(dm->channel));

	if (str_has_prefix(cmd, "send ")) {
		if (kstrtouint(skip_spaces(cmd + 5), 10, &count) ||
		    !count || count > DM_SEND_MAX)
			return -EINVAL;
		return dm_errno(dm_send_reports(dm, count));
	}

	if (!strcmp(cmd, "disable"))
		dm_disable(dm);
	else if (!strcmp(cmd, "pause"))
		VmbChannelPause(dm->channel);
	else if (!strcmp(cmd, "start"))
		VmbChannelStart(dm->channel);
	else
		return -EINVAL;
	return 0;
}

static ssize_t dm_control_write(struct file *file, const char __user *user,
				size_t len, loff_t *pos)
{
	struct dynmem *dm = file->private_data;
	char buf[DM_COMMAND_MAX] = "";
	char *cmd;
	int ret;

	if (copy_from_user(buf, user, min(len, sizeof(buf) - 1)))
		return -EFAULT;

	cmd = strim(buf);
	ret = len < sizeof(buf) ? dm_command(dm, cmd) : -EINVAL;
	if (ret == -EINVAL)
		pr_warn_ratelimited("control takes enable, disable, pause, start or \"send N\", N from 1 to %u\n",
				    DM_SEND_MAX);
	else if (ret)
		pr_warn_ratelimited("%s failed: error %d\n", cmd, ret);
	return ret ?: len;
}

static const struct file_operations dm_control_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = dm_control_write,
	.llseek = noop_llseek,
};

static void dm_debugfs_create(struct dynmem *dm)
{
	struct dentry *dir = debugfs_create_dir(KBUILD_MODNAME, NULL);

	debugfs_create_file("state", 0444, dir, dm, &dm_state_fops);
	debugfs_create_file("counters", 0444, dir, dm, &dm_counters_fops);
	debugfs_create_file("control", 0200, dir, dm, &dm_control_fops);
	dm->debugfs = dir;
}

static int dm_start(void)
{
	int ret = dynmem_create(&dynmem);

	if (!ret)
		dm_debugfs_create(&dynmem);
	return ret;
}
module_init(dm_start);

static void dm_stop(void)
{
	/* Waits for commands that are in progress */
	debugfs_remove_recursive(dynmem.debugfs);
	dynmem_destroy(&dynmem);
}
module_exit(dm_stop);

MODULE_DESCRIPTION("KMCL client of Hyper-V's Dynamic Memory service");
MODULE_VERSION(KMCL_VERSION);
MODULE_LICENSE("GPL");
/* No MODULE_DEVICE_TABLE(): in each guest, udev would load it beside hv_balloon */
MODULE_SOFTDEP("pre: vmbkmcl_hv");
