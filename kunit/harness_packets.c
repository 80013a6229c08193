// SPDX-License-Identifier: GPL-2.0
/*
 * What the suites send, complete and describe, see harness.h. The record of what
 * was sent is under the end's lock: completion routines write it wherever they
 * run.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "harness.h"

static void on_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct sent *s = kmcl_packet_get_pointer(pkt);
	struct end *e = s->end;
	unsigned long flags;

	spin_lock_irqsave(&e->lock, flags);
	if (s->done++)
		loop_wrong(e, "a packet completed twice");
	if (!buf != !len)
		loop_wrong(e, "completion data without a length, or the reverse");
	if (status && len)
		loop_wrong(e, "completion data with a failure");
	s->status = status;
	s->len = len;
	s->buf = buf;
	s->task = in_task();
	if (len >= 8)
		s->reply = *(u64 *)buf;
	s->order = ++e->ndone;
	spin_unlock_irqrestore(&e->lock, flags);
	kmcl_packet_free(pkt);
	wake_up_all(&e->wait);
}

struct kmcl_packet *loop_prepare(struct end *e, u64 value, struct sent **sent)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(e->ch);
	struct sent *s = NULL;
	unsigned long irq;

	if (!pkt)
		return NULL;
	spin_lock_irqsave(&e->lock, irq);
	if (e->nsent < LOOP_SENDS)
		s = &e->sent[e->nsent++];
	spin_unlock_irqrestore(&e->lock, irq);
	if (!s) {
		kmcl_packet_free(pkt);
		return NULL;
	}
	s->end = e;
	s->value = value;
	s->status = 1;
	kmcl_packet_set_pointer(pkt, s);
	kmcl_packet_set_done(pkt, on_done);
	*sent = s;
	return pkt;
}

void loop_messages(struct end *e, struct kmcl_message *msg, u64 *value, u32 n)
{
	struct sent *sent;
	u32 i;

	for (i = 0; i < n; i++) {
		value[i] = i;
		msg[i] = (struct kmcl_message){
			.pkt = loop_prepare(e, i, &sent),
			.buf = &value[i],
			.len = sizeof(value[i]),
		};
		KUNIT_ASSERT_NOT_NULL(e->loop->test, msg[i].pkt);
	}
}

static struct sent *send_bytes(struct end *e, u64 value, u32 len, u32 flags)
{
	struct sent *s = NULL;
	struct kmcl_packet *pkt;
	u64 *buf = &value;
	int ret;
	u32 i;

	if (len > 8) {
		buf = kvmalloc(len, GFP_KERNEL);
		if (!buf)
			return NULL;
		for (i = 0; i < len / 8; i++)
			buf[i] = value;
	}
	pkt = loop_prepare(e, value, &s);
	if (!pkt)
		goto free;
	ret = kmcl_send(pkt, buf, len, flags);
	if (ret) {
		loop_wrong(e, "a send was refused");
		kmcl_packet_free(pkt);
	}
free:
	if (buf != &value)
		kvfree(buf);
	return s;
}

struct sent *loop_try_send(struct end *e, u64 value, u32 flags)
{
	return send_bytes(e, value, 8, flags);
}

struct sent *loop_send_long(struct end *e, u64 value, u32 len, u32 flags)
{
	struct sent *s = send_bytes(e, value, len, flags);

	KUNIT_ASSERT_NOT_NULL(e->loop->test, s);
	return s;
}

struct sent *loop_send(struct end *e, u64 value, u32 flags)
{
	return loop_send_long(e, value, 8, flags);
}

struct kmcl_packet *loop_packet(struct end *e, kmcl_done_fn done)
{
	struct kmcl_packet *pkt = kmcl_packet_alloc(e->ch);

	KUNIT_ASSERT_NOT_NULL(e->loop->test, pkt);
	kmcl_packet_set_done(pkt, done);
	return pkt;
}

int loop_request(struct end *e, u32 flags, s64 timeout)
{
	u64 value = 1;

	return kmcl_send_sync(e->ch, &value, sizeof(value), flags, NULL, NULL,
			      timeout);
}

static void inject(struct end *e, u16 type, u16 flags, const void *header,
		   u32 header_len, const void *payload, u32 len, u16 len8)
{
	struct kmcl_channel *ch = e->ch;
	struct kmcl_wire_desc *desc;
	int ret;

	spin_lock_irq(&ch->tx.lock);
	desc = (struct kmcl_wire_desc *)(ch->tx.ring.data + ch->tx.ring.index);
	ret = kmcl_ring_put(&ch->tx.ring, type, flags, 0x123456789, header,
			    header_len, payload, len);
	if (!ret && len8)
		desc->len8 = cpu_to_le16(len8);
	kmcl_ring_commit(&ch->tx.ring);
	spin_unlock_irq(&ch->tx.lock);
	kmcl_signal(ch);
	KUNIT_ASSERT_EQ(e->loop->test, ret, 0);
}

void loop_inject(struct end *e, u16 type, u16 flags, const void *header,
		 u32 header_len, const void *payload, u32 len)
{
	inject(e, type, flags, header, header_len, payload, len, 0);
}

void loop_inject_len8(struct end *e, u16 len8)
{
	inject(e, KMCL_WIRE_DATA_INBAND, 0, NULL, 0, "eight..", 8, len8);
}

void loop_complete_kept(struct end *e, unsigned int index, u64 reply)
{
	struct kmcl_context *ctx;

	spin_lock_bh(&e->lock);
	ctx = e->kept[index];
	e->kept[index] = NULL;
	spin_unlock_bh(&e->lock);
	if (ctx)
		kmcl_complete(ctx, &reply, sizeof(reply));
}

void loop_complete_all(struct end *e)
{
	unsigned int i;

	for (i = 0; i < loop_kept(e); i++)
		loop_complete_kept(e, i, i);
	spin_lock_bh(&e->lock);
	e->nkept = 0;
	spin_unlock_bh(&e->lock);
}

u32 loop_done(struct end *e)
{
	return READ_ONCE(e->ndone);
}

u32 loop_got(struct end *e)
{
	return READ_ONCE(e->ngot);
}

u32 loop_kept(struct end *e)
{
	return READ_ONCE(e->nkept);
}

static void free_memory(void *mem)
{
	vfree(mem);
}

u8 *loop_memory(struct kunit *test, u32 pages)
{
	u8 *mem = vmalloc(pages * PAGE_SIZE);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, mem);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_memory, mem));
	for (i = 0; i < pages * PAGE_SIZE; i++)
		mem[i] = i * 7 + (i >> 8);
	return mem;
}

static void free_mdl(void *mdl)
{
	kmcl_mdl_free(mdl);
}

void loop_page(struct kunit *test, struct loop_page *page)
{
	void *mem = loop_memory(test, 1);

	page->mdl = kmcl_mdl_from_buffer(mem, PAGE_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, page->mdl);
	KUNIT_ASSERT_EQ(test, 0,
			kunit_add_action_or_reset(test, free_mdl, page->mdl));
	page->pfn = page->mdl->pfns[0];
	sg_init_table(&page->sg, 1);
	sg_set_page(&page->sg, pfn_to_page(page->pfn), PAGE_SIZE, 0);
}

void loop_expect_bytes(struct kunit *test, struct kmcl_mdl *mdl, u32 at,
		       const u8 *want, u32 bytes)
{
	u8 *got = kunit_kzalloc(test, bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, got);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_read(mdl, at, got, bytes), 0);
	KUNIT_EXPECT_MEMEQ(test, got, want, bytes);
}

static atomic_t absent;

static int not_present(void *held)
{
	return atomic_dec_if_positive(&absent) < 0 ? 0 : -EINPROGRESS;
}

bool loop_is_absent(void)
{
	return atomic_read(&absent) > 0;
}

void loop_absent(struct loop *loop, int times)
{
	static struct kmcl_transport_ops ops;
	static struct kmcl_server_ops server;
	struct kmcl_offer *offer = loop->server.ch->link.offer;

	ops = *offer->ops;
	server = *ops.server;
	server.present = not_present;
	ops.server = &server;
	atomic_set(&absent, times);
	offer->ops = &ops;
}
