// SPDX-License-Identifier: GPL-2.0
/*
 * Commands of kmcl_traffic: reading a line that was written to a control file, and
 * doing what a channel's says. kmcl_traffic_debugfs.c lists them, and makes and
 * frees channels. Words are separated by blanks; argv[0] is the command.
 *
 * Everything here runs in process context. Locks: kmcl_traffic.h.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/fs.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "kmcl_traffic.h"

#define TR_COUNT_MAX	1000000U
#define TR_MANY_MAX	10000U
#define TR_SYNC_MS	10000U
#define TR_SHARED_MAX	10000U	/* pages: more than fit in a GPADL */

static int split(char *line, char *argv[TR_WORDS])
{
	int argc = 0;
	char *word;

	while ((word = strsep(&line, " \t\n"))) {
		if (!*word)
			continue;
		if (argc == TR_WORDS)
			return -EINVAL;
		argv[argc++] = word;
	}
	return argc ?: -EINVAL;
}

static int parse_switch(const char *word, bool *on)
{
	*on = !strcmp(word, "on");
	return *on || !strcmp(word, "off") ? 0 : -EINVAL;
}

static int parse_size(struct tr *tr, const char *word, u32 *size)
{
	if (kstrtou32(word, 0, size) || *size < TR_HEADER ||
	    *size > tr->max_packet)
		return -EINVAL;
	return 0;
}

/* 0, or -EINVAL with a message that has the form that is wanted */
int tr_parse_guid(const char *word, guid_t *guid)
{
	if (!kmcl_guid_parse(word, guid))
		return 0;
	pr_err("\"%s\" is not a GUID: " KMCL_GUID_FORM "\n", word);
	return -EINVAL;
}

/* COUNT K and words, or K WINDOW and words */
static int parse_flags(int argc, char *argv[], u32 *flags)
{
	int i;

	*flags = 0;
	if (argc < 3)
		return -EINVAL;
	for (i = 3; i < argc; i++) {
		if (!strcmp(argv[i], "completion"))
			*flags |= KMCL_SEND_WAIT;
		else if (!strcmp(argv[i], "default"))
			*flags |= TR_SEND_DEFAULT;
		else if (!strcmp(argv[i], "more"))
			*flags |= KMCL_SEND_MORE;
		else if (!strcmp(argv[i], "many"))
			*flags |= TR_SEND_MANY;
		else
			return -EINVAL;
	}
	return 0;
}

static int command_send(struct tr *tr, int argc, char *argv[])
{
	u32 count, size, flags;

	if (parse_flags(argc, argv, &flags) || kstrtou32(argv[1], 0, &count) ||
	    count > TR_COUNT_MAX || parse_size(tr, argv[2], &size) ||
	    flags & TR_SEND_MANY)
		return -EINVAL;
	if (!strcmp(argv[0], "send"))
		return tr_send(tr, count, size, flags);
	if (!count || count > TR_MANY_MAX || flags & TR_SEND_DEFAULT)
		return -EINVAL;
	if (!strcmp(argv[0], "many"))
		return tr_send_many(tr, count, size, flags);
	return flags & KMCL_SEND_MORE ? -EINVAL :
		tr_race(tr, count, size, flags);
}

static int command_chain(struct tr *tr, int argc, char *argv[])
{
	u32 count, window;

	if (argc != 3 || kstrtou32(argv[1], 0, &count) ||
	    count > TR_COUNT_MAX || kstrtou32(argv[2], 0, &window) || !window ||
	    window > TR_RUN_BATCH)
		return -EINVAL;
	return tr_chain(tr, count, window);
}

static int command_sync(struct tr *tr, int argc, char *argv[])
{
	u32 size, ms = TR_SYNC_MS;

	if (argc < 2 || argc > 3 || parse_size(tr, argv[1], &size) ||
	    (argc == 3 && kstrtou32(argv[2], 0, &ms)))
		return -EINVAL;
	if (!strcmp(argv[0], "until"))
		return tr_sync_until(tr, size, ktime_add_ms(ktime_get_real(), ms));
	return tr_sync(tr, size, (s64)ms * NSEC_PER_MSEC);
}

/* Nothing is mapped at so low an address */
static int command_fault(struct tr *tr, const char *word)
{
	u32 size;

	if (parse_size(tr, word, &size))
		return -EINVAL;
	return tr_send_user(tr, (const void __user *)PAGE_SIZE, size);
}

static int command_run(struct tr *tr, int argc, char *argv[])
{
	u32 size, window, flags;

	if (argc == 2 && !strcmp(argv[1], "off")) {
		tr_run_stop(tr);
		return 0;
	}
	if (parse_flags(argc, argv, &flags) || parse_size(tr, argv[1], &size) ||
	    flags & TR_SEND_DEFAULT || kstrtou32(argv[2], 0, &window) ||
	    !window || window > TR_COUNT_MAX)
		return -EINVAL;
	return tr_run(tr, size, window, flags);
}

static int command_hook(struct tr *tr, int argc, char *argv[])
{
	unsigned int arg = 0;
	int event, action;

	if (argc < 3 || argc > 4 || (argc == 4 && kstrtouint(argv[3], 0, &arg)))
		return -EINVAL;
	event = match_string(tr_event_names, TR_EVENTS, argv[1]);
	action = match_string(tr_action_names, TR_ACTIONS, argv[2]);
	if (event < 0 || action < 0)
		return -EINVAL;
	return tr_set_hook(tr, event, action, arg);
}

static int command_switch(struct tr *tr, const char *what, const char *word)
{
	bool on;

	if (parse_switch(word, &on))
		return -EINVAL;
	if (!strcmp(what, "hold"))
		tr_set_hold(tr, on);
	else if (!strcmp(what, "passive"))
		kmcl_set_process_context(tr->ch, on);
	else if (!strcmp(what, "reopen"))
		tr_set_reopen(tr, on);
	else
		return -EINVAL;
	return 0;
}

static int command_number(struct tr *tr, const char *what, const char *word)
{
	u64 number;

	if (kstrtou64(word, 0, &number))
		return -EINVAL;
	if (!strcmp(what, "quota") && number <= U32_MAX) {
		kmcl_set_quota(tr->ch, number);
		return 0;
	}
	if (!strcmp(what, "memory") && number <= U32_MAX) {
		kmcl_set_memory_limit(tr->ch, number);
		return 0;
	}
	if (strcmp(what, "expect"))
		return -EINVAL;
	spin_lock_irq(&tr->lock);
	tr->next_rx[tr_sender_of(number)] = number;
	spin_unlock_irq(&tr->lock);
	return 0;
}

/* Settings, which the library allows only while the channel is disabled */
static int command_set(struct tr *tr, int argc, char *argv[])
{
	guid_t class, instance;
	u32 bytes;

	if (argc == 2)
		return tr_set(tr, argv[1]);
	if (argc == 3 && !strcmp(argv[1], "ring"))
		return kstrtou32(argv[2], 0, &bytes) || bytes > SZ_1G ?
			-EINVAL : tr_set_ring(tr, bytes);
	if (argc != 4 || strcmp(argv[1], "target") ||
	    tr_parse_guid(argv[2], &class) || tr_parse_guid(argv[3], &instance))
		return -EINVAL;
	return tr_set_target(tr, &class, &instance);
}

static int command_memory(struct tr *tr, const char *what, char *argv[])
{
	u32 size, pieces;

	if (kstrtou32(argv[1], 0, &size) || kstrtou32(argv[2], 0, &pieces) ||
	    pieces > TR_PIECES_MAX)
		return -EINVAL;
	if (!strcmp(what, "share"))
		return size && size <= TR_SHARED_MAX ?
			tr_share(tr, size, pieces) : -EINVAL;
	if (size < TR_HEADER || size > TR_EXTERNAL_MAX || !pieces)
		return -EINVAL;
	return tr_external(tr, size, pieces, (s64)TR_SYNC_MS * NSEC_PER_MSEC);
}

static int tr_command(struct tr *tr, int argc, char *argv[])
{
	const char *what = argv[0];

	if (!strcmp(what, "send") || !strcmp(what, "many") ||
	    !strcmp(what, "race"))
		return command_send(tr, argc, argv);
	if (!strcmp(what, "chain"))
		return command_chain(tr, argc, argv);
	if (!strcmp(what, "sync") || (!strcmp(what, "until") && argc == 3))
		return command_sync(tr, argc, argv);
	if (!strcmp(what, "run"))
		return command_run(tr, argc, argv);
	if (!strcmp(what, "hook"))
		return command_hook(tr, argc, argv);
	if (!strcmp(what, "set"))
		return command_set(tr, argc, argv);
	if (argc == 3 && (!strcmp(what, "external") || !strcmp(what, "share")))
		return command_memory(tr, what, argv);
	if (argc == 2 && !strcmp(what, "fault"))
		return command_fault(tr, argv[1]);
	if (argc == 2 && (!strcmp(what, "quota") || !strcmp(what, "expect") ||
			  !strcmp(what, "memory")))
		return command_number(tr, what, argv[1]);
	if (argc == 2)
		return command_switch(tr, what, argv[1]);
	if (argc != 1)
		return -EINVAL;

	if (!strcmp(what, "enable"))
		return kmcl_channel_enable(tr->ch);
	if (!strcmp(what, "disable"))
		return kmcl_channel_disable(tr->ch);
	if (!strcmp(what, "pause"))
		return kmcl_channel_pause(tr->ch);
	if (!strcmp(what, "start"))
		return kmcl_channel_start(tr->ch);
	if (!strcmp(what, "unshare"))
		return tr_unshare(tr);
	if (!strcmp(what, "flush"))
		kmcl_flush(tr->ch);
	else if (!strcmp(what, "release"))
		tr_release(tr);
	else
		return -EINVAL;
	return 0;
}

/* Read a line and split it. Returns the number of words, or a negative errno */
ssize_t tr_read_command(const char __user *user, size_t len, char *line,
			char *argv[TR_WORDS])
{
	if (len >= TR_COMMAND_MAX)
		return -EINVAL;
	if (copy_from_user(line, user, len))
		return -EFAULT;
	line[len] = '\0';
	return split(line, argv);
}

static ssize_t tr_control_write(struct file *file, const char __user *user,
				size_t len, loff_t *pos)
{
	char line[TR_COMMAND_MAX], *argv[TR_WORDS];
	struct tr *tr = file->private_data;
	ssize_t ret = tr_read_command(user, len, line, argv);

	if (ret > 0)
		ret = tr_command(tr, ret, argv);
	return ret ?: len;
}

const struct file_operations tr_control_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = tr_control_write,
	.llseek = noop_llseek,
};
