// SPDX-License-Identifier: GPL-2.0
/*
 * The ranges of a packet with external data that a scatter list describes.
 *
 * The packet is idle, and belongs to the caller: there are no locks. Everything is
 * atomic.
 */
#include <linux/scatterlist.h>

#include "ext_wire.h"
#include "mdl.h"

/* Add an entry, to *@range if both are whole frames. Returns 0 or -E2BIG */
static int add_entry(struct ext_writer *w, struct scatterlist *sg,
		     struct ext_range **range)
{
	phys_addr_t at = sg_phys(sg);
	u32 offset = at & (KMCL_PFN_SIZE - 1);
	u32 i, n = kmcl_mdl_frames(offset, sg->length);
	bool whole = !((offset | sg->length) & (KMCL_PFN_SIZE - 1));
	__le64 *pfn;

	if (whole && *range) {
		if (!kmcl_ext_more(w, *range, n))
			return -E2BIG;
	} else {
		*range = kmcl_ext_range(w, offset, sg->length);
		if (!*range)
			return -E2BIG;
	}
	for (i = 0; i < n; i++) {
		pfn = kmcl_ext_word(&w->at);
		*pfn = cpu_to_le64((at >> KMCL_PFN_SHIFT) + i);
	}
	if (!whole)
		*range = NULL;
	return 0;
}

/* An entry's offset and length, to compare both at once */
static __always_inline u64 extent(const struct scatterlist *sg)
{
	u64 word;

	static_assert(offsetof(struct scatterlist, length) ==
		      offsetof(struct scatterlist, offset) + sizeof(u32));
	memcpy(&word, (const u8 *)sg + offsetof(struct scatterlist, offset),
	       sizeof(word));
	return word;
}

/* Is the entry one whole frame? A link to another table has no length. */
static __always_inline bool is_frame(const struct scatterlist *sg)
{
	static const struct scatterlist frame = { .length = KMCL_PFN_SIZE };

	return extent(sg) == extent(&frame);
}

static __always_inline __le64 frame_of(const struct page *page)
{
	return cpu_to_le64((u64)page_to_pfn(page) * FRAMES_PER_PAGE);
}

/* Store the frame of an entry; false: it is something else, or ends its table. */
static __always_inline bool store_frame(const struct scatterlist *sg, __le64 *pfn)
{
	unsigned long link = sg->page_link;

	if (link & (SG_CHAIN | SG_END) || !is_frame(sg))
		return false;
	/* Without these bits it is the page's address */
	*pfn = frame_of((const struct page *)link);
	return true;
}

static __always_inline bool store_4(const struct scatterlist *sg, __le64 *pfns)
{
	return store_frame(sg, pfns) && store_frame(sg + 1, pfns + 1) &&
	       store_frame(sg + 2, pfns + 2) && store_frame(sg + 3, pfns + 3);
}

/*
 * Store the frames of entries of one whole frame each, up to one that is something
 * else, or the last of a list. At most @most; returns how many. A function of its
 * own, of few instructions per entry, since large buffers have many.
 */
static noinline u32 store_frames(struct scatterlist *sg, __le64 *pfns, u32 most)
{
	const struct scatterlist *first = sg, *end = sg + most;
	const struct scatterlist *eights = sg + (most & ~7U);

	for (; sg != eights; sg += 8, pfns += 8)
		if (!store_4(sg, pfns) || !store_4(sg + 4, pfns + 4))
			break;
	/* The rest, or these again, up to the one that is something else */
	while (sg != end && store_frame(sg, pfns)) {
		sg++;
		pfns++;
	}
	if (sg != end && sg_is_last(sg) && is_frame(sg)) {
		*pfns = frame_of(sg_page(sg));
		sg++;
	}
	return sg - first;
}

/*
 * What add_entry() does, for entries as of store_frames(). Returns how many, 0 also
 * if there is no room for one.
 */
static u32 add_frames(struct ext_writer *w, struct scatterlist *sg,
		      struct ext_range **range, u32 most)
{
	u64 left = (w->ch->cfg.ext_data - w->bytes) / KMCL_PFN_SIZE;
	u32 n, room;

	if (!*range)
		*range = kmcl_ext_range(w, 0, 0);
	if (!*range)
		return 0;
	kmcl_ext_go_on(&w->at);
	room = min(w->at.left, (u32)((w->room - w->len) / sizeof(__le64)));
	n = store_frames(sg, w->at.words, min3(most, room, (u32)left));
	kmcl_ext_more(w, *range, n);
	kmcl_ext_words(&w->at, &n);
	return n;
}

/*
 * Add the first @nents entries of a scatter list. Each counts as a piece, but
 * entries of whole frames that follow each other are one range. Returns 0;
 * -E2BIG: beyond the limits; -EFAULT: the list is shorter, or an entry is empty.
 */
int kmcl_ext_sg(struct ext_writer *w, struct scatterlist *sg, u32 nents)
{
	struct ext_range *range = NULL;	/* the last one, if of whole frames */
	u32 n, pieces = w->ch->cfg.ext_chain;
	int ret;

	for (;; sg = sg_next(sg + n - 1)) {
		if (!sg || !sg->length)
			return -EFAULT;
		if (!pieces)
			return -E2BIG;
		n = is_frame(sg) ? add_frames(w, sg, &range, min(nents, pieces)) : 0;
		if (!n) {
			n = 1;
			ret = add_entry(w, sg, &range);
			if (ret)
				return ret;
		}
		nents -= n;
		pieces -= n;
		if (!nents)
			return 0;
	}
}
