// SPDX-License-Identifier: GPL-2.0
/*
 * Outgoing packet objects and their cache.
 *
 * A packet has room for the largest payload, since sending must not fail for lack of
 * memory. It is allocated in any context, so if that is more than a page it consists
 * of parts of a page at most: the packet itself, with its first ranges, the payload's
 * first page, and a chain of fragments for the rest of either. A driver's memory is
 * one part.
 *
 * ch->tx.lock protects everything except for the fields of an idle packet,
 * which belong to its owner, and ch->tx.spare, a free packet that allocation
 * tries first and takes with xchg(), without the lock. So a packet that is
 * allocated, sent and freed takes the lock once, not twice. What callbacks of a
 * delivery free is delivery's until it gives that to the cache: they take no lock.
 * Nothing sleeps but kmcl_packet_new(), if @gfp says so, and kmcl_packet_read().
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/preempt.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "channel.h"
#include "ext_wire.h"

static void packet_setup(struct kmcl_channel *ch, struct kmcl_packet *pkt,
			 u32 ext_room, bool own_memory)
{
	memset(pkt, 0, sizeof(*pkt));
	INIT_LIST_HEAD(&pkt->item.node);
	pkt->item.kind = KMCL_ITEM_PACKET;
	pkt->ch = ch;
	pkt->own_memory = own_memory;
	pkt->ext_room = ext_room;
	pkt->buf = pkt->area + ext_room;
	pkt->serial = KMCL_NO_SERIAL;
	if (own_memory)
		pkt->serial = (atomic_inc_return(&ch->tx.serial) &
			       (KMCL_NO_SERIAL - 1)) ?: 1;
}

/* Bytes of the payload in one place */
static u32 first_room(const struct kmcl_channel *ch)
{
	return min_t(u32, ch->cfg.max_packet, PAGE_SIZE);
}

/* Add fragments of @bytes bytes to a chain; false: no memory for all of them. */
static bool add_frags(struct kmcl_frag **chain, u32 bytes, gfp_t gfp)
{
	struct kmcl_frag *frag;
	u32 n;

	/* The last one first, which may be shorter */
	for (; bytes; bytes -= n) {
		n = bytes % KMCL_FRAG_ROOM ?: KMCL_FRAG_ROOM;
		frag = kmcl_item_alloc(struct_size(frag, bytes, n), gfp);
		if (!frag)
			return false;
		frag->next = *chain;
		*chain = frag;
	}
	return true;
}

static void free_frags(struct kmcl_frag *frag)
{
	struct kmcl_frag *next;

	for (; frag; frag = next) {
		next = frag->next;
		kfree(frag);
	}
}

struct kmcl_packet *kmcl_packet_new(struct kmcl_channel *ch, gfp_t gfp)
{
	u32 ext = kmcl_ext_tx_room(ch);
	u32 ext_room = min_t(u32, ext, PAGE_SIZE - sizeof(struct kmcl_packet));
	u32 bytes = kmcl_packet_size(ch);
	u32 room = first_room(ch);
	u32 apart = bytes <= PAGE_SIZE ? 0 : room;
	struct kmcl_packet *pkt;

	/* Do not use up the kernel's reserves for much */
	if (!gfpflags_allow_blocking(gfp) &&
	    bytes > PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)
		gfp = GFP_NOWAIT;
	pkt = kmcl_item_alloc(struct_size(pkt, area, ext_room + room - apart),
			      gfp);
	if (!pkt)
		return NULL;
	packet_setup(ch, pkt, ext_room, true);
	pkt->room = room;
	if (apart) {
		pkt->data = kmcl_item_alloc(apart, gfp);
		if (!pkt->data)
			goto free;
		pkt->buf = (u8 *)pkt->data;
	}
	if (!add_frags(&pkt->ext_frags, ext - ext_room, gfp) ||
	    !add_frags(&pkt->frags, ch->cfg.max_packet - room, gfp))
		goto free;
	/* The same for all, since the packet size is fixed */
	WRITE_ONCE(ch->tx.packet_bytes, bytes);
	return pkt;
free:
	kmcl_packet_destroy(pkt);
	return NULL;
}

void kmcl_packet_destroy(struct kmcl_packet *pkt)
{
	free_frags(pkt->frags);
	free_frags(pkt->ext_frags);
	kfree(pkt->data);
	kfree(pkt);
}

/* Copy a payload into a packet. @buf may be in the first part. */
void kmcl_packet_store(struct kmcl_packet *pkt, const void *buf, u32 len)
{
	struct kmcl_frag *frag = pkt->frags;
	u32 n = min(len, pkt->room);

	if (n)
		memmove(pkt->buf, buf, n);
	for (; len -= n; frag = frag->next) {
		buf += n;
		n = min(len, KMCL_FRAG_ROOM);
		memcpy(frag->bytes, buf, n);
	}
}

/* Copy the payload out of a packet. */
void kmcl_packet_load(const struct kmcl_packet *pkt, void *to, u32 len)
{
	const struct kmcl_frag *frag = pkt->frags;
	u32 n = min(len, pkt->room);

	memcpy(to, pkt->buf, n);
	for (; len -= n; frag = frag->next) {
		to += n;
		n = min(len, KMCL_FRAG_ROOM);
		memcpy(to, frag->bytes, n);
	}
}

/*
 * Where user space and the kernel can have the same addresses, as with UML, an
 * address is the kernel's if it has memory there.
 */
static bool user_address(const void *buf)
{
	if (IS_ENABLED(CONFIG_ARCH_HAS_NON_OVERLAPPING_ADDRESS_SPACE))
		return untagged_addr((unsigned long)buf) < TASK_SIZE_MAX;
	return !virt_addr_valid(buf) && !is_vmalloc_addr(buf);
}

/*
 * Copy a payload that may fault into an idle packet. May sleep. Returns 0 or
 * -EFAULT.
 */
int kmcl_packet_read(struct kmcl_packet *pkt, const void *buf, u32 len)
{
	const void __user *user = (const void __force __user *)buf;
	struct kmcl_frag *frag = pkt->frags;
	u32 n;

	if (!len)
		return 0;
	if (!user_address(buf)) {
		kmcl_packet_store(pkt, buf, len);
		return 0;
	}
	/* A kernel thread has the addresses of whoever ran before it */
	if (!in_task() || !current->mm)
		return -EFAULT;
	n = min(len, pkt->room);
	if (copy_from_user(pkt->buf, user, n))
		return -EFAULT;
	for (; len -= n; frag = frag->next) {
		user += n;
		n = min(len, KMCL_FRAG_ROOM);
		if (copy_from_user(frag->bytes, user, n))
			return -EFAULT;
	}
	return 0;
}

/* Is there so much in the cache, with one packet that is outside, that it is full? */
static bool cache_is_full(const struct kmcl_tx *tx)
	__must_hold(&tx->lock)
{
	lockdep_assert_held(&tx->lock);
	return (tx->cached + 2ULL) * tx->packet_bytes > KMCL_PACKETS_BYTES;
}

static void put_cached(struct kmcl_tx *tx, struct kmcl_packet *pkt)
	__must_hold(&tx->lock)
{
	lockdep_assert_held(&tx->lock);
	pkt->item.next = tx->cache;
	tx->cache = pkt;
	tx->cached++;
}

/* Returns NULL if there is none. */
static struct kmcl_packet *take_cached(struct kmcl_tx *tx)
	__must_hold(&tx->lock)
{
	struct kmcl_packet *pkt = tx->cache;

	lockdep_assert_held(&tx->lock);
	if (pkt) {
		tx->cache = pkt->item.next;
		tx->cached--;
	}
	return pkt;
}

/* Keep a free packet for the next allocation; false: there are enough. */
bool kmcl_packet_recycle(struct kmcl_packet *pkt)
	__must_hold(&pkt->ch->tx.lock)
{
	struct kmcl_channel *ch = pkt->ch;

	lockdep_assert_held(&ch->tx.lock);
	pkt->state = KMCL_PKT_FREE;
	/* It is set only under the lock */
	if (!READ_ONCE(ch->tx.spare)) {
		/* Orders the packet's state before it; pairs with the xchg() */
		smp_store_release(&ch->tx.spare, pkt);
		return true;
	}
	if (cache_is_full(&ch->tx))
		return false;
	put_cached(&ch->tx, pkt);
	return true;
}

/* Destroy packets, which are linked by item.next. */
static void destroy_all(struct kmcl_packet *pkt)
{
	struct kmcl_packet *next;

	for (; pkt; pkt = next) {
		next = pkt->item.next;
		kmcl_packet_destroy(pkt);
	}
}

/*
 * Delivery: keep what its callbacks have freed for the next allocations of others.
 * Few at a time: see free_inside().
 */
void kmcl_packets_return(struct kmcl_channel *ch)
{
	struct kmcl_packet *pkt, *next, *rest = NULL;
	unsigned long flags;

	pkt = ch->tx.freed;
	ch->tx.freed = NULL;
	ch->tx.nfreed = 0;
	spin_lock_irqsave(&ch->tx.lock, flags);
	for (; pkt; pkt = next) {
		next = pkt->item.next;
		if (likely(READ_ONCE(ch->tx.spare) && !cache_is_full(&ch->tx))) {
			put_cached(&ch->tx, pkt);
		} else if (!kmcl_packet_recycle(pkt)) {
			pkt->item.next = rest;
			rest = pkt;
		}
	}
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	destroy_all(rest);
}

/*
 * The channel is closed, and packets that were in flight together are not needed
 * soon: keep a few of those that are free. Atomic.
 */
void kmcl_packets_trim(struct kmcl_channel *ch)
{
	unsigned long flags;
	u32 most;

	spin_lock_irqsave(&ch->tx.lock, flags);
	most = ch->tx.packet_bytes ? kmcl_cached_most(ch->tx.packet_bytes) : 0;
	while (ch->tx.cached && ch->tx.cached + 1 > most) {
		struct kmcl_packet *pkt = take_cached(&ch->tx);

		spin_unlock_irqrestore(&ch->tx.lock, flags);
		kmcl_packet_destroy(pkt);
		spin_lock_irqsave(&ch->tx.lock, flags);
	}
	spin_unlock_irqrestore(&ch->tx.lock, flags);
}

/* The channel is freed: free the cache. */
void kmcl_packets_free(struct kmcl_channel *ch)
{
	destroy_all(ch->tx.cache);
	ch->tx.cache = NULL;
	ch->tx.cached = 0;
	if (ch->tx.spare)
		kmcl_packet_destroy(ch->tx.spare);
	ch->tx.spare = NULL;
	kmcl_trans_free(ch);
}

/**
 * kmcl_packet_size() - get the size of a packet (VmbChannelSizeofPacket)
 * @ch: the channel; its packet size is fixed from here on
 *
 * Context: atomic.
 * Return: bytes.
 */
u32 kmcl_packet_size(struct kmcl_channel *ch)
{
	WRITE_ONCE(ch->cfg.sized, true);
	WRITE_ONCE(ch->tx.room, first_room(ch));
	return sizeof(struct kmcl_packet) + ch->cfg.max_packet +
	       kmcl_ext_tx_room(ch);
}
EXPORT_SYMBOL_GPL(kmcl_packet_size);

static struct kmcl_packet *packet_from_cache(struct kmcl_channel *ch)
{
	struct kmcl_packet *pkt;
	unsigned long flags;

	if (unlikely(kmcl_rx_delivers(&ch->rx, &ch->tx.made) && ch->tx.freed)) {
		pkt = ch->tx.freed;
		ch->tx.freed = pkt->item.next;
		ch->tx.nfreed--;
		return pkt;
	}
	spin_lock_irqsave(&ch->tx.lock, flags);
	pkt = take_cached(&ch->tx);
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	return pkt;
}

/**
 * kmcl_packet_alloc() - allocate a packet (VmbPacketAllocate)
 * @ch: the channel
 *
 * Without a completion routine the library frees it when it has ended.
 *
 * Context: atomic.
 * Return: the packet, which the caller owns until it is sent; NULL: no memory.
 */
struct kmcl_packet *kmcl_packet_alloc(struct kmcl_channel *ch)
{
	struct kmcl_packet *pkt;

	pkt = READ_ONCE(ch->tx.spare) ? xchg(&ch->tx.spare, NULL) : NULL;
	if (unlikely(!pkt))
		pkt = packet_from_cache(ch);
	if (unlikely(!pkt))
		return kmcl_packet_new(ch, GFP_ATOMIC);
	pkt->state = KMCL_PKT_IDLE;
	pkt->done = NULL;
	pkt->pointer = NULL;
	return pkt;
}
EXPORT_SYMBOL_GPL(kmcl_packet_alloc);

/*
 * A callback of delivery frees a packet. False: others do, or the packet is not idle,
 * or not the library's.
 */
static bool free_inside(struct kmcl_channel *ch, struct kmcl_packet *pkt)
{
	if (!kmcl_rx_delivers(&ch->rx, &ch->tx.made) || !pkt->own_memory ||
	    READ_ONCE(pkt->state) != KMCL_PKT_IDLE)
		return false;
	if (unlikely(ch->tx.nfreed == KMCL_FREED))
		kmcl_packets_return(ch);
	WRITE_ONCE(pkt->state, KMCL_PKT_FREE);
	pkt->item.next = ch->tx.freed;
	ch->tx.freed = pkt;
	ch->tx.nfreed++;
	return true;
}

/**
 * kmcl_packet_free() - free a packet (VmbPacketFree)
 * @pkt: from kmcl_packet_alloc(), idle; NULL is ignored, and another one is
 *	with a warning
 *
 * Context: atomic.
 */
void kmcl_packet_free(struct kmcl_packet *pkt)
{
	struct kmcl_channel *ch;
	unsigned long flags;
	bool busy, kept = true;

	if (!pkt)
		return;
	ch = pkt->ch;
	if (free_inside(ch, pkt))
		return;
	spin_lock_irqsave(&ch->tx.lock, flags);
	busy = pkt->state != KMCL_PKT_IDLE || !pkt->own_memory;
	if (!busy)
		kept = kmcl_packet_recycle(pkt);
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	if (busy)
		pr_warn_ratelimited("%s: a packet was freed while it was sent or already free, or is not the library's to free; it was left alone\n",
				    kmcl_name(ch));
	else if (!kept)
		kmcl_packet_destroy(pkt);
}
EXPORT_SYMBOL_GPL(kmcl_packet_free);

/**
 * kmcl_packet_init() - make a packet in the driver's memory
 *	(VmbPacketInitialize)
 * @ch: the channel
 * @mem: aligned to 8 bytes; the driver may free it whenever the packet is idle,
 *	without a call of the library
 * @bytes: its size, at least kmcl_packet_size()
 *
 * It needs a completion routine before it is sent. Memory that holds an idle
 * packet of this channel may be initialised again. Nothing is allocated.
 *
 * Context: atomic.
 * Return: 0; -EINVAL: no channel, no memory, or not aligned; -ENOSPC: @bytes is
 * too small; -EBUSY: it is a packet in flight.
 */
int kmcl_packet_init(struct kmcl_channel *ch, void *mem, u32 bytes)
{
	struct kmcl_packet *pkt = mem;
	unsigned long flags;
	bool in_flight;

	if (!ch || !mem || !IS_ALIGNED((unsigned long)mem, 8))
		return -EINVAL;
	if (bytes < kmcl_packet_size(ch))
		return -ENOSPC;

	spin_lock_irqsave(&ch->tx.lock, flags);
	/* This reads memory that may be uninitialised */
	in_flight = kmcl_trans_find(&ch->tx, READ_ONCE(pkt->trans_id)) == pkt;
	spin_unlock_irqrestore(&ch->tx.lock, flags);
	if (in_flight)
		return -EBUSY;
	packet_setup(ch, pkt, kmcl_ext_tx_room(ch), false);
	pkt->room = ch->cfg.max_packet;
	return 0;
}
EXPORT_SYMBOL_GPL(kmcl_packet_init);

/**
 * kmcl_packet_channel() - get a packet's channel (VmbPacketGetChannel)
 * @pkt: the packet
 *
 * Context: atomic.
 * Return: the channel.
 */
struct kmcl_channel *kmcl_packet_channel(const struct kmcl_packet *pkt)
{
	return pkt->ch;
}
EXPORT_SYMBOL_GPL(kmcl_packet_channel);

/**
 * kmcl_packet_set_pointer() - set the driver's pointer (VmbPacketSetPointer)
 * @pkt: the packet
 * @ptr: not used by the library; kept when the packet is completed and reused
 *
 * Context: atomic.
 */
void kmcl_packet_set_pointer(struct kmcl_packet *pkt, void *ptr)
{
	pkt->pointer = ptr;
}
EXPORT_SYMBOL_GPL(kmcl_packet_set_pointer);

/**
 * kmcl_packet_get_pointer() - get the driver's pointer (VmbPacketGetPointer)
 * @pkt: the packet
 *
 * Context: atomic.
 * Return: what kmcl_packet_set_pointer() was given last, or NULL.
 */
void *kmcl_packet_get_pointer(const struct kmcl_packet *pkt)
{
	return pkt->pointer;
}
EXPORT_SYMBOL_GPL(kmcl_packet_get_pointer);

/**
 * kmcl_packet_set_done() - set the completion routine
 *	(VmbPacketSetCompletionRoutine)
 * @pkt: the packet, neither queued nor in flight
 * @done: called exactly once per accepted send; NULL: free the packet
 *
 * Context: atomic.
 */
void kmcl_packet_set_done(struct kmcl_packet *pkt, kmcl_done_fn done)
{
	/* No lock: it would not keep a driver from racing with itself */
	if (READ_ONCE(pkt->state) != KMCL_PKT_IDLE) {
		pr_warn_ratelimited("%s: the completion routine of a packet that is being sent was not changed\n",
				    kmcl_name(pkt->ch));
		return;
	}
	pkt->done = done;
}
EXPORT_SYMBOL_GPL(kmcl_packet_set_done);
