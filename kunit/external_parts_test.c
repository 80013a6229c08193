// SPDX-License-Identifier: GPL-2.0
/*
 * Ranges for which a packet has no room in one page: the header that they make is
 * the same wherever it is divided, what is sent is the same as from a packet in the
 * driver's memory, which has one part, and no allocation in atomic context is larger
 * than a page.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "ext_wire.h"
#include "faults.h"
#include "harness.h"

#define FRAME		4096U
#define ORDER		3		/* pages that are described, again and again */
#define WAIT		KMCL_SEND_WAIT
#define FRAMES		1200U		/* of a packet: they take three pages */
#define PIECES		60U		/* of a chain, at most */
#define WORDS		(1 + FRAMES + PIECES)	/* of a header, at most */
#define LONG		8000U		/* a payload of two pages */

static_assert(PAGE_SIZE == FRAME);

static struct parts_fixture {
	struct page *block;
	unsigned long *pfns;		/* FRAMES */
	struct kmcl_mdl *mdls;		/* PIECES, a chain */
	struct scatterlist *sg;		/* FRAMES */
	u64 *want;			/* words of the header */
	u32 words;			/* of these */
	u64 bytes;			/* that they describe */
	u64 *got;
	struct fault_attr *slab;
	struct fault_attr *page;
	u32 done;
	int status;
	u32 arrived;			/* at the server */
	u32 wrong;			/* of these */
} fx;

static unsigned long frame(u32 i)
{
	return page_to_pfn(fx.block) + i * 5 % (1 << ORDER);
}

/* What a header consists of, as the wire has it */

static void begin(void)
{
	fx.words = 1;
	fx.bytes = 0;
	fx.want[0] = 0;
}

static void add_lead(u32 offset, u32 bytes)
{
	fx.want[0] += 1ULL << 32;
	fx.want[fx.words++] = (u64)offset << 32 | bytes;
	fx.bytes += bytes;
}

/* The next @n frames, from @first on */
static void add_frames(u32 first, u32 n)
{
	u32 i;

	for (i = first; i < first + n; i++) {
		fx.pfns[i] = frame(i);
		fx.want[fx.words++] = fx.pfns[i];
	}
}

/* Kinds of description, and what each is on the wire, with @frames frames */

static int send_pfns(struct kmcl_packet *pkt, const void *buf, u32 len, u32 frames,
		     u32 flags)
{
	return kmcl_send_pfns(pkt, buf, len, fx.pfns, frames, flags);
}

static void want_pfns(u32 frames)
{
	begin();
	add_lead(0, frames * FRAME);
	add_frames(0, frames);
}

static int send_mdl(struct kmcl_packet *pkt, const void *buf, u32 len, u32 frames,
		    u32 flags)
{
	return kmcl_send_mdl(pkt, buf, len, fx.mdls, flags);
}

/* Pieces of 1, 2, 3 ... frames, of which the first and the last are in part */
static void want_mdl(u32 frames)
{
	struct kmcl_mdl *mdl = fx.mdls;
	u32 n, done;

	begin();
	for (done = 0, n = 0; done < frames; done += n, mdl++) {
		n = min(n + 1, frames - done);
		*mdl = (struct kmcl_mdl) {
			.offset = 8 * n,
			.bytes = n * FRAME - 16 * n,
			.pfns = fx.pfns + done,
			.npfns = n,
			.next = done + n < frames ? mdl + 1 : NULL,
		};
		add_lead(mdl->offset, mdl->bytes);
		add_frames(done, n);
	}
}

static int send_sg(struct kmcl_packet *pkt, const void *buf, u32 len, u32 frames,
		   u32 flags)
{
	return kmcl_send_sg(pkt, buf, len, fx.sg, frames, flags);
}

/* Single pages, of which each 40th is in part */
static void want_sg(u32 frames)
{
	bool part, open = false;
	u32 i, lead = 0;

	begin();
	sg_init_table(fx.sg, frames);
	for (i = 0; i < frames; i++) {
		part = i % 40 == 39;
		sg_set_page(&fx.sg[i], pfn_to_page(frame(i)),
			    part ? 100 : FRAME, part ? 8 : 0);
		if (part || !open) {
			lead = fx.words;
			add_lead(fx.sg[i].offset, 0);
		}
		open = !part;
		fx.want[lead] += fx.sg[i].length;
		fx.bytes += fx.sg[i].length;
		fx.want[fx.words++] = frame(i);
	}
}

static const struct kind {
	const char *name;
	void (*want)(u32 frames);
	int (*send)(struct kmcl_packet *pkt, const void *buf, u32 len,
		    u32 frames, u32 flags);
} kinds[] = {
	{ "frame numbers", want_pfns, send_pfns },
	{ "a chain", want_mdl, send_mdl },
	{ "a scatter list", want_sg, send_sg },
};

KUNIT_ARRAY_PARAM_DESC(kinds, kinds, name);

static void client_done(struct kmcl_packet *pkt, int status, void *buf, u32 len)
{
	struct end *e = loop_end(kmcl_packet_channel(pkt));

	fx.status = fx.status ?: status;
	WRITE_ONCE(fx.done, fx.done + 1);
	wake_up_all(&e->wait);
}

static bool as_sent(struct kmcl_context *ctx, const u8 *buf, u32 len)
{
	u64 *want = fx.want + 1;
	struct kmcl_mdl *mdl;
	u32 i;

	/* The last word may have less than that, and zeroes */
	for (i = 0; i < len; i++)
		if (buf[i] != (u8)(fx.arrived + i) && (buf[i] || len - i >= 8))
			return false;
	if (kmcl_packet_external(ctx, 0, &mdl))
		return false;
	for (; mdl; want += 1 + mdl->npfns, mdl = mdl->next)
		if (*want != ((u64)mdl->offset << 32 | mdl->bytes) ||
		    memcmp(want + 1, mdl->pfns, 8 * mdl->npfns))
			return false;
	return want == fx.want + fx.words;
}

static void server_process(struct kmcl_channel *ch, struct kmcl_context *ctx,
			   void *buf, u32 len, u32 flags)
{
	fx.wrong += !as_sent(ctx, buf, len);
	kmcl_complete(ctx, NULL, 0);
	WRITE_ONCE(fx.arrived, fx.arrived + 1);
	wake_up_all(&loop_end(ch)->wait);
}

/* Bytes of a payload, of which the first is @first */
static u8 *payload(struct kunit *test, u32 len, u32 first)
{
	u8 *buf = kunit_kmalloc(test, len, GFP_KERNEL);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, buf);
	for (i = 0; i < len; i++)
		buf[i] = first + i;
	return buf;
}

/* Limits of both ends, in a packet of which ranges take ten pages */
static void set_sizes(struct loop *loop)
{
	struct kmcl_channel *ch[] = { loop->client.ch, loop->server.ch };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ch); i++) {
		KUNIT_ASSERT_EQ(loop->test, 0, kmcl_set_max_packet_size(ch[i], LONG));
		KUNIT_ASSERT_EQ(loop->test, 0,
				kmcl_set_max_external(ch[i], FRAMES * FRAME, FRAMES));
	}
}

static struct kmcl_packet *packet(struct loop *loop)
{
	struct kmcl_packet *pkt = loop_packet(&loop->client, client_done);

	KUNIT_ASSERT_NOT_NULL(loop->test, pkt->ext_frags);
	return pkt;
}

/* The same in the driver's memory, in one part */
static struct kmcl_packet *whole_packet(struct loop *loop)
{
	struct kmcl_channel *ch = loop->client.ch;
	u32 bytes = kmcl_packet_size(ch);
	struct kmcl_packet *pkt = kunit_kzalloc(loop->test, bytes, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(loop->test, pkt);
	KUNIT_ASSERT_EQ(loop->test, 0, kmcl_packet_init(ch, pkt, bytes));
	kmcl_packet_set_done(pkt, client_done);
	return pkt;
}

/* Each part is full before the next one is used */
static void expect_parts(struct kunit *test, struct kmcl_packet *pkt)
{
	const u8 *want = (const u8 *)fx.want, *end = want + 8 * fx.words;
	const struct kmcl_frag *frag = pkt->ext_frags;
	size_t n = min_t(size_t, end - want, pkt->ext_room);

	KUNIT_EXPECT_EQ(test, 0, memcmp(pkt->area, want, n));
	for (want += n; want < end; want += n, frag = frag->next) {
		KUNIT_ASSERT_NOT_NULL(test, frag);
		n = min_t(size_t, end - want, PAGE_SIZE - sizeof(frag->next));
		KUNIT_EXPECT_EQ(test, 0, memcmp(frag->bytes, want, n));
	}
}

static void expect_header(struct kunit *test, struct kmcl_packet *pkt)
{
	KUNIT_ASSERT_EQ(test, pkt->ext_len, 8 * fx.words);
	expect_parts(test, pkt);
	memset(fx.got, 0xa5, 8 * (WORDS + 1));
	kmcl_ext_load(pkt, fx.got);
	KUNIT_ASSERT_EQ(test, 0, memcmp(fx.got, fx.want, 8 * fx.words));
	KUNIT_EXPECT_EQ(test, fx.got[fx.words], 0xa5a5a5a5a5a5a5a5);
	KUNIT_EXPECT_EQ(test, kmcl_ext_bytes(pkt), fx.bytes);
}

/* After each word that the first part can end with; the second one is as long */
static void divided_anywhere(struct kunit *test)
{
	const struct kind *kind = test->param_value;
	struct loop *loop = test->priv;
	u32 at, room, frames = 700;
	struct kmcl_packet *pkt;

	set_sizes(loop);
	pkt = packet(loop);
	room = pkt->ext_room;
	KUNIT_ASSERT_GT(test, room, 3000);
	kind->want(frames);
	for (at = 1; at <= room / 8; at++) {
		pkt->ext_room = 8 * at;
		KUNIT_ASSERT_EQ(test, 0, kind->send(pkt, NULL, 0, frames, WAIT));
		expect_header(test, pkt);
		kmcl_tx_take_back(pkt, -ECANCELED);
		KUNIT_ASSERT_EQ(test, fx.done, at);
	}
	pkt->ext_room = room;
	kmcl_packet_free(pkt);
}

/* From the last word of the first part to behind the first one of the third */
static void of_any_length(struct kunit *test)
{
	const struct kind *kind = test->param_value;
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;
	u32 frames;

	set_sizes(loop);
	pkt = packet(loop);
	for (frames = 400; frames <= 1100; frames++) {
		kind->want(frames);
		KUNIT_ASSERT_EQ(test, 0, kind->send(pkt, NULL, 0, frames, WAIT));
		expect_header(test, pkt);
		kmcl_tx_take_back(pkt, -ECANCELED);
	}
	KUNIT_EXPECT_EQ(test, fx.done, 701);
	kmcl_packet_free(pkt);
}

/* In the ring, from @at on, is a packet with such a header and payload */
static void expect_ring(struct loop *loop, u32 at, const u8 *buf, u32 len)
{
	const u8 *p = loop->client.ch->tx.ring.data + at;
	u64 desc = 9 | (2 + fx.words) << 16 |
		   (2ULL + fx.words + DIV_ROUND_UP(len, 8)) << 32 | 1ULL << 48;

	KUNIT_EXPECT_EQ(loop->test, 0, memcmp(p, &desc, 8));
	KUNIT_EXPECT_EQ(loop->test, 0, memcmp(p + 16, fx.want, 8 * fx.words));
	p += 16 + 8 * fx.words;
	KUNIT_EXPECT_EQ(loop->test, 0, memcmp(p, buf, len));
	KUNIT_EXPECT_NULL(loop->test, memchr_inv(p + len, 0, -len & 7));
}

static void expect_arrived(struct loop *loop, u32 n)
{
	loop_wait(&loop->client, READ_ONCE(fx.done) == n);
	KUNIT_EXPECT_EQ(loop->test, fx.arrived, n);
	KUNIT_EXPECT_EQ(loop->test, fx.wrong, 0);
	KUNIT_EXPECT_EQ(loop->test, fx.status, 0);
	loop_expect_balance(&loop->client);
}

/* Not all of them is in parts: ranges, the payload, both, and nothing */
static const struct {
	u32 frames;
	u32 len;
	u32 flags;
} shapes[] = {
	{ FRAMES, 0, WAIT },
	{ FRAMES, 13, WAIT },
	{ FRAMES, 100, WAIT | KMCL_SEND_PAGED },
	{ FRAMES, LONG - 3, WAIT },
	{ FRAMES, LONG - 3, WAIT | KMCL_SEND_PAGED },
	{ 20, LONG, WAIT | KMCL_SEND_PAGED },
	{ 20, 16, WAIT },
};

static void as_from_one_part(struct kunit *test)
{
	const struct kind *kind = test->param_value;
	struct loop *loop = test->priv;
	u32 i, k, at, n = 0;
	u8 *buf;

	set_sizes(loop);
	loop_up(loop);
	for (i = 0; i < ARRAY_SIZE(shapes); i++) {
		kind->want(shapes[i].frames);
		for (k = 0; k < 2; k++) {
			struct kmcl_packet *pkt = k ? packet(loop) : whole_packet(loop);

			at = loop->client.ch->tx.ring.index;
			buf = payload(test, max(shapes[i].len, 1U), n);
			KUNIT_ASSERT_EQ(test, 0,
					kind->send(pkt, buf, shapes[i].len,
						   shapes[i].frames, shapes[i].flags));
			expect_ring(loop, at, buf, shapes[i].len);
			expect_arrived(loop, ++n);
			if (k)
				kmcl_packet_free(pkt);
		}
	}
}

/* They are queued in their parts, and written when the channel opens */
static void queued_while_closed(struct kunit *test)
{
	const struct kind *kind = test->param_value;
	struct kmcl_packet *pkt[4 * ARRAY_SIZE(shapes)];
	struct loop *loop = test->priv;
	u32 i;

	set_sizes(loop);
	kind->want(FRAMES);
	for (i = 0; i < ARRAY_SIZE(pkt); i++) {
		u32 len = shapes[i % ARRAY_SIZE(shapes)].len;
		u8 *buf = payload(test, max(len, 1U), i);

		pkt[i] = packet(loop);
		KUNIT_ASSERT_EQ(test, 0,
				kind->send(pkt[i], buf, len, FRAMES,
					   shapes[i % ARRAY_SIZE(shapes)].flags));
		memset(buf, 0xee, len);
	}
	KUNIT_EXPECT_EQ(test, loop_counters(&loop->client).queued, ARRAY_SIZE(pkt));
	loop_up(loop);
	expect_arrived(loop, ARRAY_SIZE(pkt));
	for (i = 0; i < ARRAY_SIZE(pkt); i++)
		kmcl_packet_free(pkt[i]);
}

static void waiting_for_room(struct kunit *test)
{
	const struct kind *kind = test->param_value;
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt[40];
	u32 i;

	set_sizes(loop);
	loop_up_paused(loop);
	kind->want(FRAMES);
	for (i = 0; i < ARRAY_SIZE(pkt); i++) {
		pkt[i] = packet(loop);
		KUNIT_ASSERT_EQ(test, 0,
				kind->send(pkt[i], payload(test, 16, i), 16,
					   FRAMES, WAIT));
	}
	KUNIT_EXPECT_GT(test, loop_counters(&loop->client).queued, 5);
	kmcl_channel_start(loop->server.ch);
	expect_arrived(loop, ARRAY_SIZE(pkt));
	for (i = 0; i < ARRAY_SIZE(pkt); i++)
		kmcl_packet_free(pkt[i]);
}

/* With limits beyond what one packet can have on the wire */
static void to_the_last_word(struct kunit *test)
{
	u32 i, most = KMCL_MAX_PACKET_SIZE / 8 - 2;
	struct loop *loop = test->priv;
	struct scatterlist *sg;
	struct kmcl_packet *pkt;
	unsigned long *pfns;

	sg = kunit_kcalloc(test, most + 1, sizeof(*sg), GFP_KERNEL);
	pfns = kunit_kcalloc(test, most + 1, sizeof(*pfns), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, sg);
	KUNIT_ASSERT_NOT_NULL(test, pfns);
	sg_init_table(sg, most + 1);
	for (i = 0; i <= most; i++) {
		pfns[i] = frame(i);
		sg_set_page(&sg[i], pfn_to_page(frame(i)), FRAME, 0);
	}
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_external(loop->client.ch, SZ_1G, SZ_1M));
	pkt = packet(loop);
	KUNIT_EXPECT_EQ(test, -E2BIG, kmcl_send_sg(pkt, NULL, 0, sg, most + 1, WAIT));
	KUNIT_EXPECT_EQ(test, -E2BIG, kmcl_send_pfns(pkt, NULL, 0, pfns, most + 1, WAIT));
	KUNIT_EXPECT_EQ(test, -E2BIG, kmcl_send_sg(pkt, "x", 1, sg, most, WAIT));
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_sg(pkt, NULL, 0, sg, most, WAIT));
	KUNIT_EXPECT_EQ(test, pkt->ext_len, KMCL_MAX_PACKET_SIZE & ~7U);
	KUNIT_EXPECT_EQ(test, kmcl_ext_bytes(pkt), (u64)most * FRAME);
	kmcl_tx_take_back(pkt, -ECANCELED);
	KUNIT_ASSERT_EQ(test, 0, kmcl_send_pfns(pkt, NULL, 0, pfns, most, WAIT));
	KUNIT_EXPECT_EQ(test, kmcl_ext_bytes(pkt), (u64)most * FRAME);
	kmcl_tx_take_back(pkt, -ECANCELED);
	KUNIT_EXPECT_EQ(test, fx.done, 2);
	kmcl_packet_free(pkt);
}

static struct kmcl_packet *alloc_atomic(struct loop *loop)
{
	struct kmcl_packet *pkt;

	preempt_disable();
	pkt = kmcl_packet_alloc(loop->client.ch);
	preempt_enable();
	return pkt;
}

/* As where memory is fragmented */
static void there_are_no_blocks_of_two_pages(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt[20];
	u32 i;

	set_sizes(loop);
	faults_set_min_order(test, 1);
	faults_arm_shortage(fx.page, 0);
	for (i = 0; i < ARRAY_SIZE(pkt); i++)
		pkt[i] = alloc_atomic(loop);
	faults_disarm(fx.page);
	faults_set_any_page(test);
	for (i = 0; i < ARRAY_SIZE(pkt); i++) {
		KUNIT_EXPECT_NOT_NULL(test, pkt[i]);
		kmcl_packet_free(pkt[i]);
	}
}

/* There is no packet then, and nothing is left of it */
static void each_part_cannot_be_allocated(struct kunit *test)
{
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt = NULL;
	struct kmcl_frag *frag;
	u32 nth, parts = 2;

	set_sizes(loop);
	for (nth = 1; !pkt && nth < 100; nth++) {
		faults_count();
		faults_arm(fx.slab, nth);
		pkt = alloc_atomic(loop);
		KUNIT_EXPECT_EQ(test, faults_disarm(fx.slab), !pkt);
		if (!pkt)
			faults_expect_no_more(test);
	}
	KUNIT_ASSERT_NOT_NULL(test, pkt);
	for (frag = pkt->ext_frags; frag; frag = frag->next)
		parts++;
	for (frag = pkt->frags; frag; frag = frag->next)
		parts++;
	KUNIT_EXPECT_EQ(test, nth - 2, parts);
	kmcl_packet_destroy(pkt);
	faults_expect_no_more(test);
}

static void *zeroes(struct kunit *test, u32 n, size_t size)
{
	void *p = kunit_kcalloc(test, n, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	return p;
}

static int parts_init(struct kunit *test)
{
	struct loop *loop;
	int ret = loop_init(test);

	if (ret)
		return ret;
	loop = test->priv;
	memset(&fx, 0, sizeof(fx));
	fx.slab = faults_of(test, "failslab");
	fx.page = faults_of(test, "fail_page_alloc");
	faults_set_any_page(test);
	fx.pfns = zeroes(test, FRAMES, sizeof(*fx.pfns));
	fx.mdls = zeroes(test, PIECES, sizeof(*fx.mdls));
	fx.sg = zeroes(test, FRAMES, sizeof(*fx.sg));
	fx.want = zeroes(test, WORDS, sizeof(*fx.want));
	fx.got = zeroes(test, WORDS + 1, sizeof(*fx.got));
	fx.block = alloc_pages(GFP_KERNEL | __GFP_COMP, ORDER);
	KUNIT_ASSERT_NOT_NULL(test, fx.block);
	KUNIT_ASSERT_EQ(test, 0, kmcl_set_process(loop->server.ch, server_process, NULL));
	return faults_watch_sizes();
}

static void parts_exit(struct kunit *test)
{
	faults_disarm(fx.slab);
	faults_disarm(fx.page);
	KUNIT_EXPECT_EQ(test, faults_unwatch_sizes(), 0);
	loop_exit(test);
	if (fx.block)
		__free_pages(fx.block, ORDER);
	fx.block = NULL;
}

static struct kunit_case parts_cases[] = {
	/* KMCL: VmbPacketAllocate VmbPacketInitialize */
	KUNIT_CASE_PARAM(divided_anywhere, kinds_gen_params),
	KUNIT_CASE_PARAM(of_any_length, kinds_gen_params),
	/* KMCL: VmbPacketSend VmbPacketSendWithExternalPfns */
	KUNIT_CASE_PARAM(as_from_one_part, kinds_gen_params),
	KUNIT_CASE_PARAM(queued_while_closed, kinds_gen_params),
	KUNIT_CASE_PARAM(waiting_for_room, kinds_gen_params),
	/* KMCL: VmbChannelInitSetMaximumExternalData */
	KUNIT_CASE(to_the_last_word),
	KUNIT_CASE(there_are_no_blocks_of_two_pages),
	KUNIT_CASE(each_part_cannot_be_allocated),
	{}
};

static struct kunit_suite parts_suite = {
	.name = "kmcl_external_parts",
	.init = parts_init,
	.exit = parts_exit,
	.test_cases = parts_cases,
};

kunit_test_suite(parts_suite);

MODULE_DESCRIPTION("KUnit tests of external data whose ranges take several pages");
MODULE_LICENSE("GPL");
