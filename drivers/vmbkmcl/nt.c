// SPDX-License-Identifier: GPL-2.0
/*
 * Callbacks of drivers that use Windows' names: they get an NTSTATUS instead of
 * an errno.
 *
 * The library calls the callbacks here, which call the driver's. The pointer to
 * that one is in the packet, which belongs to the driver while it is idle, or
 * in the channel's settings. No locks; setting a target may sleep.
 */
#include <linux/export.h>
#include <kmcl/vmb_status.h>

#include "channel.h"

/* A completion routine. Atomic */
static void nt_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	if (status)
		status = kmcl_ntstatus(status);
	pkt->nt_done(pkt, status, buf, len);
}

/**
 * kmcl_nt_packet_set_done() - set a completion routine that gets an NTSTATUS
 *	(VmbPacketSetCompletionRoutine)
 * @pkt: the packet, neither queued nor in flight
 * @done: called exactly once per accepted send; NULL: free the packet
 *
 * Context: atomic.
 */
void kmcl_nt_packet_set_done(struct kmcl_packet *pkt, kmcl_done_fn done)
{
	/* kmcl_packet_set_done() warns if it is not idle */
	if (READ_ONCE(pkt->state) == KMCL_PKT_IDLE)
		pkt->nt_done = done;
	kmcl_packet_set_done(pkt, done ? nt_done : NULL);
}
EXPORT_SYMBOL_GPL(kmcl_nt_packet_set_done);

/* A PnP failure callback. May sleep */
static void nt_failure(struct kmcl_channel *ch, int status)
{
	ch->cfg.nt_failure(ch, kmcl_ntstatus(status));
}

/**
 * kmcl_nt_set_target() - set the device to bind to, with a failure callback
 *	that gets an NTSTATUS (VmbClientChannelInitSetTargetPnp)
 * @ch: the client channel, disabled
 * @type: class GUID, copied
 * @instance: instance GUID, copied; NULL for any of the class
 * @failure: called when the device is offered and cannot be opened, or NULL
 *
 * Context: may sleep.
 * Return: as kmcl_set_target().
 */
int kmcl_nt_set_target(struct kmcl_channel *ch, const guid_t *type,
		       const guid_t *instance, kmcl_pnp_failure_fn failure)
{
	int ret = kmcl_set_target(ch, type, instance,
				  failure ? nt_failure : NULL);

	if (!ret)
		ch->cfg.nt_failure = failure;
	return ret;
}
EXPORT_SYMBOL_GPL(kmcl_nt_set_target);
