// SPDX-License-Identifier: GPL-2.0
/*
 * Init and exit of kmcl_dynmem, and its files, in /sys/devices/kmcl_dynmem:
 *   state     state of the channel, one word
 *   counters  counters of the channel and of this driver, a "name value" line
 *             each, then "<callback>_context <process|atomic> <task> <work>":
 *             where each callback ran the last time; <work> is the work
 *             function if it ran in a workqueue
 *   control   takes enable, disable, pause, start, or "send N" for N reports
 *
 * A locked-down kernel lets nobody write to debugfs, so they are not there. They are
 * read and written in process context, by several at a time. The channel is there
 * as long as the files: they are made after it, and removing them waits for each
 * read and write that has begun. Later ones, of files that are still open, get
 * ENODEV.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/device.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "kmcl_dynmem.h"

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

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	struct dynmem *dm = dev_get_drvdata(dev);

	return sysfs_emit(buf, "%s\n", kmcl_channel_state_name(dm->channel));
}
static DEVICE_ATTR_RO(state);

/*
 * Lines that fit into a page, whatever the numbers. Only root reads them: without
 * kallsyms, the name of a work function is its address.
 */
static ssize_t counters_show(struct device *dev, struct device_attribute *attr,
			     char *buf)
{
	struct dynmem *dm = dev_get_drvdata(dev);
	struct dm_trace trace[DM_CALLBACKS];
	u64 in_order, order_errors, unknown;
	struct kmcl_counters c;
	unsigned int i;
	ssize_t len;

	kmcl_get_counters(dm->channel, &c);
	len = sysfs_emit(buf, "accepted %llu\nsent %llu\ncompleted %llu\n",
			 c.accepted, c.sent, c.completed);
	len += sysfs_emit_at(buf, len,
			     "cancelled %llu\nremoved %llu\nqueued %llu\n",
			     c.cancelled, c.removed, c.queued);
	len += sysfs_emit_at(buf, len,
			     "in_flight %llu\ndelivered %llu\noutstanding %llu\n",
			     c.in_flight, c.delivered, c.outstanding);

	spin_lock_irq(&dm->lock);
	memcpy(trace, dm->trace, sizeof(trace));
	in_order = dm->in_order;
	order_errors = dm->order_errors;
	unknown = dm->unknown;
	spin_unlock_irq(&dm->lock);

	for (i = 0; i < DM_CALLBACKS; i++)
		len += sysfs_emit_at(buf, len, "%s %llu\n",
				     dm_callback_names[i], trace[i].count);
	len += sysfs_emit_at(buf, len,
			     "negotiated_version %#x\nreports_sent %lu\n",
			     READ_ONCE(dm->version), READ_ONCE(dm->seq));
	len += sysfs_emit_at(buf, len,
			     "completions_in_order %llu\norder_errors %llu\n",
			     in_order, order_errors);
	len += sysfs_emit_at(buf, len, "unknown_messages %llu\n", unknown);
	for (i = 0; i < DM_CALLBACKS; i++) {
		if (!trace[i].count)
			continue;
		len += sysfs_emit_at(buf, len, "%s_context %s %s ",
				     dm_callback_names[i],
				     trace[i].process ? "process" : "atomic",
				     trace[i].comm);
		if (trace[i].work)
			len += sysfs_emit_at(buf, len, "%ps\n", trace[i].work);
		else
			len += sysfs_emit_at(buf, len, "-\n");
	}
	return len;
}
static DEVICE_ATTR_ADMIN_RO(counters);

/* sysfs ends @cmd with a NUL; a newline before it is no part of the command. */
static int dm_command(struct dynmem *dm, const char *cmd)
{
	size_t prefix = str_has_prefix(cmd, "send ");
	unsigned int count;

	if (prefix) {
		if (kstrtouint(cmd + prefix, 10, &count) ||
		    !count || count > DM_SEND_MAX)
			return -EINVAL;
		return dm_errno(dm_send_reports(dm, count));
	}

	if (sysfs_streq(cmd, "enable"))
		return dm_errno(VmbChannelEnable(dm->channel));

	if (sysfs_streq(cmd, "disable"))
		dm_disable(dm);
	else if (sysfs_streq(cmd, "pause"))
		VmbChannelPause(dm->channel);
	else if (sysfs_streq(cmd, "start"))
		VmbChannelStart(dm->channel);
	else
		return -EINVAL;
	return 0;
}

static ssize_t control_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t len)
{
	int ret = dm_command(dev_get_drvdata(dev), buf);

	if (ret == -EINVAL)
		pr_warn_ratelimited("control takes enable, disable, pause, start or \"send N\", N from 1 to %u\n",
				    DM_SEND_MAX);
	else if (ret)
		pr_warn_ratelimited("%.*s failed: error %d\n",
				    (int)strcspn(buf, "\n"), buf, ret);
	return ret ?: len;
}
static DEVICE_ATTR_WO(control);

static struct attribute *dm_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_counters.attr,
	&dev_attr_control.attr,
	NULL
};

static const struct attribute_group dm_group = {
	.attrs = dm_attrs,
};

static int dm_start(void)
{
	int ret = dynmem_create(&dynmem);

	if (ret)
		return ret;
	dev_set_drvdata(dynmem.parent, &dynmem);
	ret = sysfs_create_group(&dynmem.parent->kobj, &dm_group);
	if (ret) {
		pr_err("no files in sysfs: error %d\n", ret);
		dynmem_destroy(&dynmem);
	}
	return ret;
}
module_init(dm_start);

static void dm_stop(void)
{
	/* Waits for commands that are in progress */
	sysfs_remove_group(&dynmem.parent->kobj, &dm_group);
	dynmem_destroy(&dynmem);
}
module_exit(dm_stop);

MODULE_DESCRIPTION("KMCL client of Hyper-V's Dynamic Memory service");
MODULE_VERSION(KMCL_VERSION);
MODULE_LICENSE("GPL");
/* No MODULE_DEVICE_TABLE(): in each guest, udev would load it beside hv_balloon */
MODULE_SOFTDEP("pre: vmbkmcl_hv");
