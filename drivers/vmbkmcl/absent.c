// SPDX-License-Identifier: GPL-2.0
/*
 * What KMCL has and Linux has not. A caller learns that nothing was done.
 *
 * sm.lock is taken. Everything here may sleep, and nothing allocates memory: the tests
 * that fail the library's allocations take this file for the library's end.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/once_lite.h>

#include "channel.h"

/**
 * kmcl_bus_handle() - convert a bus handle of user space
 *	(VmbConvertVmbusHandleToKernelHandle)
 * @user: handle of the calling process
 * @kernel: not written
 *
 * Always fails: Linux has no such handles.
 *
 * Context: may sleep.
 * Return: -EBADF: @user or @kernel is NULL; else -EOPNOTSUPP.
 */
int kmcl_bus_handle(void *user, void **kernel)
{
	if (!user || !kernel)
		return -EBADF;
	DO_ONCE_LITE(pr_debug, "handles of a virtual machine's bus are not supported\n");
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(kmcl_bus_handle);

/**
 * kmcl_set_latency() - set how long the host may delay an interrupt
 *	(VmbChannelSetInterruptLatency)
 * @ch: the client channel, from its opened callback to its closed callback
 * @latency: units of 100 ns
 * @original: not written
 *
 * Always fails: the table of latencies is in a page that is private to
 * hv_vmbus.
 *
 * Context: may sleep.
 * Return: -EINVAL: no channel; -ENOTCONN: a client that is not open; else
 * -EOPNOTSUPP.
 */
int kmcl_set_latency(struct kmcl_channel *ch, u16 latency, u16 *original)
{
	enum kmcl_state state;
	bool open;

	if (!ch)
		return -EINVAL;
	spin_lock_irq(&ch->sm.lock);
	state = ch->sm.state;
	/* The opened callback runs before that state is entered */
	open = state != KMCL_ST_DISABLED &&
	       ch->sm.callback != KMCL_DO_CB_FAILURE &&
	       (state != KMCL_ST_ENABLED || ch->sm.worker == current);
	spin_unlock_irq(&ch->sm.lock);
	if (!ch->server && !open)
		return -ENOTCONN;
	DO_ONCE_LITE(pr_debug, "%s: setting the latency of interrupts is not supported\n",
		     kmcl_name(ch));
	return -EOPNOTSUPP;
}
EXPORT_SYMBOL_GPL(kmcl_set_latency);
