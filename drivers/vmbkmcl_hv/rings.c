// SPDX-License-Identifier: GPL-2.0
/*
 * The hv_vmbus transport of vmbkmcl: connecting the rings, and their memory.
 *
 * vmbus_open() allocates the rings as one block for each opening, and may find
 * none; vmbus_close() and vmbus_open() free them also if the host did not take the
 * message that tears their GPADL down, so that it can still write to them. This
 * file calls what these two are made of, with memory that the library keeps, and
 * looks at the GPADL in between.
 *
 * Everything here runs in process context and may sleep. The library connects
 * and disconnects an offer in one work item. No lock of ours is held while
 * connecting, and the binding's @request_mutex while disconnecting.
 */
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/topology.h>

#include "kmcl_compat_hv.h"
#include "hv.h"

/*
 * Unmap the rings. Their memory is the library's, which uses it again unless the
 * host may still do so.
 */
static void kmcl_hv_rings_free(struct kmcl_offer *offer,
			       struct vmbus_channel *channel, bool known)
{
	channel->ringbuffer_page = NULL;
	vmbus_free_ring(channel);
	if (known)
		kmcl_offer_rings_kept(offer);
}

/*
 * May the host still use rings whose GPADL was made? Not if it has confirmed
 * that it is torn down, which clears the handle, or has rescinded the device.
 */
static bool kmcl_hv_rings_known(const struct vmbus_channel *channel)
{
	const struct vmbus_gpadl *gpadl = &channel->ringbuffer_gpadlhandle;

	/* If encrypting failed, nobody knows whether the host can read it */
	return gpadl->decrypted ||
	       (gpadl->gpadl_handle && !READ_ONCE(channel->rescind));
}

/**
 * kmcl_hv_rings_connect() - open the channel with rings in the library's memory
 * @offer: the offer, not open
 * @onchannel: called when the host has signalled, with @offer
 *
 * Context: Process context, may sleep; waits for the host.
 * Return: 0; -ENOMEM if there is no memory, or the error of
 *	vmbus_connect_ring(). The callback may then still be set.
 */
int kmcl_hv_rings_connect(struct kmcl_offer *offer,
			  void (*onchannel)(void *context))
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);
	struct vmbus_channel *channel = binding->channel;
	struct vmbus_gpadl *gpadl = &channel->ringbuffer_gpadlhandle;
	u32 max_pkt_size = channel->max_pkt_size;
	const struct kmcl_ring_block *rings;
	bool known;
	int ret;

	rings = kmcl_offer_rings(offer, cpu_to_node(channel->target_cpu));
	if (!rings)
		return -ENOMEM;
	/* As vmbus_alloc_ring() does */
	channel->ringbuffer_page = rings->page;
	channel->ringbuffer_pagecount = rings->tx_pages + rings->rx_pages;
	channel->ringbuffer_send_offset = rings->tx_pages;
	/* To tell afterwards whether it was made: then the buffer is set */
	memset(gpadl, 0, sizeof(*gpadl));
	/* The size of hv_vmbus' buffer for a packet, which nobody uses; not 0 */
	channel->max_pkt_size = 1;
	ret = vmbus_connect_ring(channel, onchannel, offer);
	channel->max_pkt_size = max_pkt_size;
	if (!ret)
		return 0;
	if (gpadl->buffer)
		known = kmcl_hv_rings_known(channel);
	else
		known = kmcl_hv_host_knows(channel->ringbuffer_pagecount <<
					   PAGE_SHIFT, gpadl,
					   READ_ONCE(channel->rescind) ?
					   -ENODEV : ret);
	kmcl_hv_rings_free(offer, channel, known);
	return ret;
}

/**
 * kmcl_hv_rings_disconnect() - close the channel and unmap the rings
 * @offer: the offer, from kmcl_hv_rings_connect()
 *
 * Context: Process context, may sleep; waits for the host, unless the device is
 *	rescinded. The binding's @request_mutex is held.
 */
void kmcl_hv_rings_disconnect(struct kmcl_offer *offer)
{
	struct kmcl_hv_binding *binding = kmcl_offer_priv(offer);
	struct vmbus_channel *channel = binding->channel;

	lockdep_assert_held(&binding->request_mutex);
	/* Whatever it returns, the GPADL tells whether the host has the rings */
	vmbus_disconnect_ring(channel);
	kmcl_hv_rings_free(offer, channel, kmcl_hv_rings_known(channel));
}
