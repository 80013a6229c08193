// SPDX-License-Identifier: GPL-2.0
/*
 * A target for libFuzzer: what the library does with a ring that the peer has written,
 * and changes while it is read. The sources are those of the module.
 *
 * An input is struct setup, what is in the ring, and a script: each time that shared
 * memory is about to be read, the script says whether the peer changes it first. Checked
 * are, besides what the sanitizers find: nothing is read outside of what the peer has
 * published, or twice for one packet, and what is delivered is within the limits.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "channel.h"
#include "ext_wire.h"
#include "mdl.h"

#undef memcpy

#define RING		4096U
#define MOST_PACKETS	512

struct setup {
	u8 mode;
	u8 limits;
	u16 write;		/* in units of 8 bytes */
	u16 index;		/* where the ring begins, the same */
	u16 filled;		/* bytes of the ring that follow */
};

enum mode { CLIENT, SERVER, PIPE, PRODUCER, MODES };

static struct {
	u8 *map;		/* a guard page, the ring twice, another one */
	u8 *data;
	struct kmcl_ring_ctl *ctl;
	const u8 *script;
	size_t left;
	bool taking;		/* a packet: note what is read */
	u64 packet;		/* its number, of all inputs */
	u64 read[2 * RING];	/* the packet for which a byte was read last */
} fuzz;

static struct kmcl_channel ch;
static struct kmcl_offer offer;
struct task_struct *current;
struct workqueue_struct *kmcl_wq, *kmcl_rx_wq, *kmcl_server_wq;

#define CHECK(x)							\
	do {								\
		if (!(x)) {						\
			fprintf(stderr, "fuzz: not so: %s\n", #x);	\
			abort();					\
		}							\
	} while (0)

static u8 next(void)
{
	if (!fuzz.left)
		return 0;
	fuzz.left--;
	return *fuzz.script++;
}

/* The peer writes up to 8 bytes of the script to @p. */
static void change(u8 *p, size_t len)
{
	u8 how = next();
	size_t i;

	if (how < 0x80)
		return;
	for (i = 0; i < len && i < (how & 7U) + 1; i++)
		p[i] = next();
}

void fuzz_touch(const volatile void *p, size_t len)
{
	const struct kmcl_ring *ring = &ch.rx.ring;
	const u8 *at = (const u8 *)p;
	size_t i, from;

	if (at >= (u8 *)fuzz.ctl && at < (u8 *)(fuzz.ctl + 1)) {
		change((u8 *)at, len);
		return;
	}
	if (at < fuzz.map || at >= fuzz.map + 4 * RING || !len)
		return;
	from = at - fuzz.data;
	CHECK(at >= fuzz.data && from + len <= 2 * RING);
	CHECK(from >= ring->index && from + len <= ring->index + ring->known);
	for (i = from; fuzz.taking && i < from + len; i++) {
		CHECK(fuzz.read[i] != fuzz.packet);
		fuzz.read[i] = fuzz.packet;
	}
	change((u8 *)at, len);
}

void *fuzz_memcpy(void *to, const void *from, size_t len)
{
	fuzz_touch(from, len);
	return memcpy(to, from, len);
}

/* What the sources need of others */

void *kmcl_item_alloc(u32 bytes, gfp_t gfp)
{
	(void)gfp;
	return malloc(bytes);
}

void kmcl_item_free(struct kmcl_item *item)
{
	free(item);
}

bool kmcl_pfn_ok(u64 pfn)
{
	return pfn < 1ULL << 40;
}

static void *hold(struct kmcl_offer *of)
{
	return of;
}

static void unhold(void *held)
{
	CHECK(held == &offer);
}

static const struct kmcl_server_ops server_ops = {
	.hold = hold,
	.unhold = unhold,
};

static const struct kmcl_transport_ops ops = {
	.server = &server_ops,
};

/* Not reached: for packets that are sent */

int kmcl_mdl_check(const struct kmcl_mdl *mdl)
{
	abort();
}

bool kmcl_frame_hold(unsigned long pfn)
{
	abort();
}

void kmcl_frame_release(unsigned long pfn)
{
	abort();
}

static void check_server(const struct kmcl_context *ctx)
{
	const struct kmcl_mdl *mdl = kmcl_ext_mdls(ctx);
	u64 bytes = 0, sum = 0;
	u32 i, n = 0;

	for (; mdl && n < ctx->ranges; mdl = mdl->next, n++) {
		CHECK(mdl->bytes && mdl->offset < KMCL_PFN_SIZE);
		CHECK(mdl->npfns == kmcl_mdl_frames(mdl->offset, mdl->bytes));
		for (i = 0; i < mdl->npfns; i++)
			sum += mdl->pfns[i];
		bytes += mdl->bytes;
	}
	CHECK(n == ctx->ranges && n <= ch.cfg.ext_chain);
	CHECK(bytes <= ch.cfg.ext_data && sum < n * (1ULL << 60));
}

static void check_client(const struct kmcl_context *ctx)
{
	const struct kmcl_range *range = kmcl_ext_ranges(ctx);
	u64 bytes = 0;
	u32 i;

	CHECK(ctx->ranges <= ch.cfg.ext_chain);
	for (i = 0; i < ctx->ranges; i++, range++) {
		CHECK(range->bytes && range->bytes <= U32_MAX - range->offset);
		bytes += range->bytes;
	}
	CHECK(bytes <= ch.cfg.ext_data);
}

/* The driver's callback, which completes the packet */
static void delivered(void)
{
	struct kmcl_context *ctx = ch.rx.own;
	volatile u8 byte;
	u32 i;

	CHECK(ctx && ctx->len <= ch.cfg.max_packet);
	for (i = 0; i < ctx->len; i++)
		byte = ctx->buf[i];
	if (ctx->ranges && ch.server)
		check_server(ctx);
	else if (ctx->ranges)
		check_client(ctx);
	(void)byte;
	kmcl_ext_release(ctx);
	ch.rx.given_external = 0;
	ch.rx.inside = 0;
	if (next() & 1) {
		ch.rx.own = NULL;
		ch.rx.quick = NULL;
		kmcl_ctx_free(ctx);
	}
}

/* A completion, whose data delivery copies */
static void completion(const struct kmcl_ring_packet *pkt)
{
	static u8 data[RING];

	CHECK(pkt->payload_len <= sizeof(data));
	kmcl_ring_copy((u64 *)data, pkt->payload, pkt->payload_len & ~7U);
	kmcl_ring_consume(&ch.rx.ring, pkt);
}

static void consume(void)
{
	struct kmcl_ring_packet pkt;
	int n, ret;

	for (n = 0; n < MOST_PACKETS; n++) {
		if (kmcl_ring_peek(&ch.rx.ring, &pkt) != KMCL_RING_OK)
			return;
		if (!pkt.total) {
			kmcl_ring_release(&ch.rx.ring);
			if (!fuzz.left)
				return;
			kmcl_ring_unmask(&ch.rx.ring);
			continue;
		}
		if (pkt.type == KMCL_WIRE_COMP) {
			completion(&pkt);
			continue;
		}
		fuzz.packet++;
		fuzz.taking = true;
		ret = kmcl_rx_take(&ch);
		fuzz.taking = false;
		CHECK(kmcl_ring_index_valid(&ch.rx.ring, ch.rx.ring.index));
		if (ret == KMCL_RX_TAKEN)
			delivered();
		else if (ret != KMCL_RX_DROPPED)
			return;
	}
}

static void produce(void)
{
	static u8 bytes[2 * RING];
	struct kmcl_ring *ring = &ch.tx.ring;
	u32 len;
	int n;

	for (n = 0; n < MOST_PACKETS && fuzz.left; n++) {
		len = next() | (next() & 0x1f) << 8;
		switch (next() % 6) {
		case 0:
			kmcl_ring_put(ring, KMCL_WIRE_COMP, 0, n, NULL, 0, bytes,
				      len);
			break;
		case 1:
			kmcl_ring_put(ring, KMCL_WIRE_DATA_GPA_DIRECT, 0, n, bytes,
				      8 * (len % 64), bytes, len / 64);
			break;
		case 2:
			kmcl_ring_put_prefixed(ring, n, bytes, 8, bytes, len);
			break;
		case 3:
			kmcl_ring_want_space(ring, kmcl_ring_bytes(0, len));
			break;
		case 4:
			kmcl_ring_reserve(ring, kmcl_ring_bytes(0, len));
			break;
		default:
			kmcl_ring_commit(ring);
			break;
		}
		CHECK(kmcl_ring_index_valid(ring, ring->index));
		CHECK(ring->known <= ring->size);
		CHECK(kmcl_ring_space(ring) <= ring->size);
	}
}

/* The ring twice in a row, as the library maps it, and nothing around it */
static void map_ring(void)
{
	int fd = memfd_create("ring", 0);

	if (fd < 0 || ftruncate(fd, RING))
		abort();
	fuzz.map = mmap(NULL, 4 * RING, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			0);
	if (fuzz.map == MAP_FAILED)
		abort();
	fuzz.data = fuzz.map + RING;
	if (mmap(fuzz.data, RING, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
		 0) == MAP_FAILED ||
	    mmap(fuzz.data + RING, RING, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		abort();
	fuzz.ctl = aligned_alloc(64, 128);
}

static void set_up(const struct setup *setup)
{
	enum mode mode = setup->mode % MODES;

	memset(&ch, 0, sizeof(ch));
	ch.server = mode == SERVER;
	ch.cfg.pipe = mode == PIPE;
	ch.cfg.max_payload = 8U << (setup->limits & 7);
	ch.cfg.max_packet = ch.cfg.max_payload;
	ch.cfg.ext_data = 1U << (4 + (setup->limits >> 3 & 15));
	ch.cfg.ext_chain = 1 + (setup->limits >> 5);
	offer.ops = &ops;
	ch.link.offer = &offer;
	ch.rx.memory_limit = 1 << 20;
	INIT_LIST_HEAD(&ch.rx.small.cache);
	INIT_LIST_HEAD(&ch.rx.large.cache);
	memset(fuzz.ctl, 0, sizeof(*fuzz.ctl));
	kmcl_ring_init(&ch.rx.ring, fuzz.ctl, fuzz.data, RING);
	kmcl_ring_init(&ch.tx.ring, fuzz.ctl, fuzz.data, RING);
	ch.rx.ring.index = 8 * (setup->index % (RING / 8));
	ch.rx.ring.shared = ch.rx.ring.index;
	kmcl_ctx_prepare(&ch);
}

static void free_all(struct list_head *cache)
{
	struct kmcl_context *ctx;

	while ((ctx = list_first_entry_or_null(cache, struct kmcl_context,
					       item.node))) {
		list_del(&ctx->item.node);
		kmcl_ctx_destroy(ctx);
	}
}

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t len);

int LLVMFuzzerTestOneInput(const u8 *bytes, size_t len)
{
	struct setup setup;
	u32 filled, i;

	if (len < sizeof(setup))
		return 0;
	if (!fuzz.map)
		map_ring();
	memcpy(&setup, bytes, sizeof(setup));
	fuzz.script = bytes + sizeof(setup);
	fuzz.left = 0;
	set_up(&setup);
	fuzz.left = len - sizeof(setup);
	filled = min((size_t)(setup.filled % RING), fuzz.left);
	memset(fuzz.data, 0, RING);
	for (i = 0; i < filled; i++)
		fuzz.data[ch.rx.ring.index + i] = next();
	if (setup.mode % MODES == PRODUCER) {
		produce();
		return 0;
	}
	fuzz.ctl->write_index = 8 * setup.write;
	consume();
	if (ch.rx.own)
		kmcl_ctx_destroy(ch.rx.own);
	if (ch.rx.reply)
		kmcl_ctx_destroy(ch.rx.reply);
	free_all(&ch.rx.small.cache);
	free_all(&ch.rx.large.cache);
	free(ch.tx.made.ids);
	return 0;
}
