// SPDX-License-Identifier: GPL-2.0
/*
 * Payloads that kmcl_traffic sends from user space, as a driver may that passes
 * on what a system call was given.
 *
 * Everything here runs in process context and takes tr->send_mutex.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/uaccess.h>

#include "kmcl_traffic.h"

/* Copy out what the next packet has to have as its payload. May sleep */
static int read_payload(struct tr *tr, void __user *user, u32 size)
{
	int ret = 0;

	mutex_lock(&tr->send_mutex);
	tr_fill(tr->buf, tr->seq, size);
	if (copy_to_user(user, tr->buf, size))
		ret = -EFAULT;
	mutex_unlock(&tr->send_mutex);
	return ret;
}

/* Send what is in user space, without a completion routine. May sleep */
int tr_send_user(struct tr *tr, const void __user *user, u32 size)
{
	struct kmcl_packet *pkt;
	int ret;

	mutex_lock(&tr->send_mutex);
	pkt = kmcl_packet_alloc(tr->ch);
	if (!pkt) {
		ret = -ENOMEM;
		goto unlock;
	}
	atomic64_inc(&tr->no_routine);
	ret = kmcl_send(pkt, (__force const void *)user, size, KMCL_SEND_PAGED);
	if (!ret) {
		tr->seq++;
		goto unlock;
	}
	atomic64_dec(&tr->no_routine);
	kmcl_packet_free(pkt);
unlock:
	mutex_unlock(&tr->send_mutex);
	return ret;
}

static ssize_t tr_payload_read(struct file *file, char __user *user,
			       size_t len, loff_t *pos)
{
	struct tr *tr = file->private_data;

	if (len < TR_HEADER || len > tr->max_packet)
		return -EINVAL;
	return read_payload(tr, user, len) ?: len;
}

static ssize_t tr_payload_write(struct file *file, const char __user *user,
				size_t len, loff_t *pos)
{
	struct tr *tr = file->private_data;

	if (len < TR_HEADER || len > tr->max_packet)
		return -EINVAL;
	return tr_send_user(tr, user, len) ?: len;
}

const struct file_operations tr_payload_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = tr_payload_read,
	.write = tr_payload_write,
	.llseek = noop_llseek,
};
