// SPDX-License-Identifier: GPL-2.0
/*
 * Scatter lists: the ranges that a packet gets from each kind of list, which are
 * looked at while the packet is queued. Needs loopback only.
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>

#include "ext_wire.h"
#include "harness.h"

#define FRAME		4096U
#define ORDER		3
#define MOST		24		/* entries */
#define WAIT		KMCL_SEND_WAIT

/* In the block of pages: where an entry begins, and its bytes */
struct part {
	u32 page;
	u32 offset;
	u32 bytes;
};

static struct page *block;

static int sg_init(struct kunit *test)
{
	block = alloc_pages(GFP_KERNEL | __GFP_COMP, ORDER);
	if (!block)
		return -ENOMEM;
	return loop_init(test);
}

static void sg_exit(struct kunit *test)
{
	loop_exit(test);
	if (block)
		__free_pages(block, ORDER);
	block = NULL;
}

/* A list of @n entries; after @first of them another table begins, if not 0. */
static struct scatterlist *list(struct kunit *test, const struct part *parts,
				u32 n, u32 first)
{
	struct scatterlist *sg, *table;
	u32 i;

	table = kunit_kcalloc(test, 2 * MOST, sizeof(*table), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, table);
	KUNIT_ASSERT_LE(test, n, MOST);
	if (first) {
		sg_init_table(table + MOST, n - first);
		sg_init_table(table, first + 1);
		sg_chain(table, first + 1, table + MOST);
	} else {
		sg_init_table(table, n);
	}
	for (i = 0, sg = table; i < n; i++, sg = sg_next(sg))
		sg_set_page(sg, block + parts[i].page, parts[i].bytes,
			    parts[i].offset);
	return table;
}

/* What sending it returns; *@pkt is queued then, or freed */
static int send_list(struct kunit *test, struct scatterlist *sg, u32 nents,
		     struct kmcl_packet **pkt)
{
	struct loop *loop = test->priv;
	int ret;

	*pkt = kmcl_packet_alloc(loop->client.ch);
	KUNIT_ASSERT_NOT_NULL(test, *pkt);
	ret = kmcl_send_sg(*pkt, NULL, 0, sg, nents, WAIT);
	if (ret)
		kmcl_packet_free(*pkt);
	return ret;
}

static void expect_header(struct kunit *test, struct scatterlist *sg, u32 nents,
			  const u64 *words, u32 count)
{
	struct kmcl_packet *pkt;
	const __le64 *header;
	u32 i;

	KUNIT_ASSERT_EQ(test, send_list(test, sg, nents, &pkt), 0);
	KUNIT_ASSERT_EQ(test, pkt->ext_len, 8 * count);
	header = (const __le64 *)kmcl_packet_header(pkt);
	for (i = 0; i < count; i++)
		KUNIT_EXPECT_EQ_MSG(test, le64_to_cpu(header[i]), words[i],
				    "word %u", i);
}

static u64 head(u32 ranges)
{
	return (u64)ranges << 32;
}

static u64 range(u32 offset, u32 bytes)
{
	return (u64)offset << 32 | bytes;
}

static u64 pfn(u32 page)
{
	return page_to_pfn(block + page);
}

#define EXPECT_HEADER(test, sg, nents, ...)				\
	do {								\
		const u64 _words[] = { __VA_ARGS__ };			\
									\
		expect_header(test, sg, nents, _words,			\
			      ARRAY_SIZE(_words));			\
	} while (0)

static void whole_frames_are_one_range(struct kunit *test)
{
	static const struct part parts[] = {
		{ 5, 0, FRAME }, { 3, 0, FRAME }, { 4, 0, FRAME },
		{ 0, 0, FRAME }, { 0, 0, FRAME }, { 7, 0, FRAME },
	};
	u32 first;

	/* In one table, and with a second one after each of the entries */
	for (first = 0; first < ARRAY_SIZE(parts); first++)
		EXPECT_HEADER(test, list(test, parts, 6, first), 6, head(1),
			      range(0, 6 * FRAME), pfn(5), pfn(3), pfn(4),
			      pfn(0), pfn(0), pfn(7));
}

static void the_rest_of_a_list_is_not_used(struct kunit *test)
{
	static const struct part parts[] = {
		{ 5, 0, FRAME }, { 3, 0, FRAME }, { 4, 0, FRAME },
	};

	EXPECT_HEADER(test, list(test, parts, 3, 0), 1, head(1),
		      range(0, FRAME), pfn(5));
	EXPECT_HEADER(test, list(test, parts, 3, 2), 2, head(1),
		      range(0, 2 * FRAME), pfn(5), pfn(3));
}

static void a_part_of_a_frame_is_a_range(struct kunit *test)
{
	static const struct part parts[] = {
		{ 1, 3996, 100 }, { 2, 0, FRAME }, { 4, 0, FRAME },
		{ 6, 0, 50 }, { 7, 0, FRAME }, { 0, 8, FRAME - 8 },
	};
	u32 first;

	for (first = 0; first < ARRAY_SIZE(parts); first++)
		EXPECT_HEADER(test, list(test, parts, 6, first), 6, head(5),
			      range(3996, 100), pfn(1),
			      range(0, 2 * FRAME), pfn(2), pfn(4),
			      range(0, 50), pfn(6),
			      range(0, FRAME), pfn(7),
			      range(8, FRAME - 8), pfn(0));
}

static void an_entry_of_several_pages(struct kunit *test)
{
	static const struct part parts[] = {
		{ 1, FRAME + 20, 5000 },	/* in pages 2 and 3 */
		{ 0, 0, FRAME },
		{ 2, 2 * FRAME, 2 * FRAME },	/* pages 4 and 5 */
		{ 7, 0, FRAME },
		{ 6, 4095, 4098 },		/* into page 7 */
	};

	EXPECT_HEADER(test, list(test, parts, 5, 3), 5, head(3),
		      range(20, 5000), pfn(2), pfn(3),
		      range(0, 4 * FRAME), pfn(0), pfn(4), pfn(5), pfn(7),
		      range(4095, 4098), pfn(6), pfn(7), pfn(8));
}

/* Frames are taken several at a time, up to one that is something else. */
static void lists_of_any_length(struct kunit *test)
{
	struct part parts[MOST];
	u64 words[MOST + 2];
	u32 i, n, first;

	for (i = 0; i < MOST; i++) {
		parts[i] = (struct part){ i * 5 % 8, 0, FRAME };
		words[i + 2] = pfn(i * 5 % 8);
	}
	words[0] = head(1);
	for (n = 1; n <= MOST; n++) {
		words[1] = range(0, n * FRAME);
		for (first = 0; first < n; first++)
			expect_header(test, list(test, parts, n, first), n,
				      words, n + 2);
		/* More follow */
		expect_header(test, list(test, parts, MOST, 0), n, words, n + 2);
	}
}

/* The same, with one of them that is longer than a frame or begins in it */
static void something_else_in_a_list(struct kunit *test)
{
	static const struct part others[] = {
		{ 6, 0, 2 * FRAME }, { 5, FRAME, FRAME }, { 6, 16, FRAME - 16 },
		{ 6, 0, FRAME - 16 },
	};
	struct part parts[MOST];
	struct kmcl_packet *pkt;
	u32 i, at, frames;

	for (i = 0; i < MOST * ARRAY_SIZE(others); i++) {
		const struct part *other = &others[i / MOST];
		const __le64 *header;
		u64 ranges = 1;

		for (at = 0; at < MOST; at++)
			parts[at] = (struct part){ 1, 0, FRAME };
		at = i % MOST;
		parts[at] = *other;
		frames = MOST;
		if (other->bytes > FRAME)
			frames++;
		else if (other->bytes < FRAME)
			ranges += (at > 0) + (at + 1 < MOST);
		KUNIT_ASSERT_EQ(test, 0, send_list(test, list(test, parts, MOST, 7),
						   MOST, &pkt));
		header = (const __le64 *)kmcl_packet_header(pkt);
		KUNIT_EXPECT_EQ(test, le64_to_cpu(header[0]), head(ranges));
		KUNIT_EXPECT_EQ(test, pkt->ext_len, 8 * (1 + ranges + frames));
		/* Behind the head, and what leads each range */
		header += at + ranges - (at + 1 < MOST && ranges > 1) + 1;
		KUNIT_EXPECT_EQ_MSG(test, le64_to_cpu(*header), pfn(6),
				    "entry %u of %u bytes", at, other->bytes);
	}
}

static void what_is_no_list(struct kunit *test)
{
	static const struct part parts[] = {
		{ 0, 0, FRAME }, { 1, 0, FRAME }, { 2, 0, FRAME },
		{ 3, 0, FRAME }, { 4, 0, FRAME }, { 5, 0, FRAME },
		{ 6, 0, FRAME }, { 7, 0, FRAME }, { 0, 0, FRAME },
	};
	struct scatterlist *sg;
	struct kmcl_packet *pkt;
	u32 i;

	/* Shorter than the caller says; the rest of the table is frames, too */
	for (i = 0; i < 9; i++) {
		sg = list(test, parts, 9, 0);
		sg_mark_end(&sg[i]);
		KUNIT_EXPECT_EQ(test, send_list(test, sg, i + 1, &pkt), 0);
		KUNIT_EXPECT_EQ(test, send_list(test, sg, i + 2, &pkt), -EFAULT);
		KUNIT_EXPECT_EQ(test, send_list(test, sg, MOST, &pkt), -EFAULT);
	}
	for (i = 0; i < 4; i++) {
		sg = list(test, parts, 4, i);
		KUNIT_EXPECT_EQ(test, send_list(test, sg, 5, &pkt), -EFAULT);
	}
	/* An entry without bytes */
	for (i = 0; i < 4; i++) {
		sg = list(test, parts, 4, 2);
		sg[i < 2 ? i : i + MOST - 2].length = 0;
		KUNIT_EXPECT_EQ(test, send_list(test, sg, 4, &pkt), -EFAULT);
	}
	KUNIT_EXPECT_EQ(test, send_list(test, NULL, 4, &pkt), -EFAULT);
	KUNIT_EXPECT_EQ(test, send_list(test, sg, 0, &pkt), -ERANGE);
}

static void limits_of_bytes_and_pieces(struct kunit *test)
{
	static const struct part frames[] = {
		{ 0, 0, FRAME }, { 1, 0, FRAME }, { 2, 0, FRAME },
		{ 3, 0, FRAME }, { 4, 0, FRAME },
	};
	static const struct part long_one[] = {
		{ 0, 0, FRAME }, { 1, 0, 4 * FRAME },
	};
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_external(loop->client.ch,
						       4 * FRAME, 8));
	KUNIT_EXPECT_EQ(test, send_list(test, list(test, frames, 5, 0), 4, &pkt),
			0);
	KUNIT_EXPECT_EQ(test, send_list(test, list(test, frames, 5, 0), 5, &pkt),
			-E2BIG);
	KUNIT_EXPECT_EQ(test, send_list(test, list(test, long_one, 2, 0), 2, &pkt),
			-E2BIG);
}

/* Frames of one range, too */
static void each_entry_counts_as_a_piece(struct kunit *test)
{
	static const struct part frames[] = {
		{ 0, 0, FRAME }, { 1, 0, FRAME }, { 2, 0, FRAME },
		{ 3, 0, FRAME },
	};
	struct loop *loop = test->priv;
	struct kmcl_packet *pkt;
	u32 first;

	KUNIT_ASSERT_EQ(test, 0, kmcl_set_max_external(loop->client.ch,
						       32 * FRAME, 3));
	for (first = 0; first < 4; first++) {
		struct scatterlist *sg = list(test, frames, 4, first);

		KUNIT_EXPECT_EQ(test, send_list(test, sg, 3, &pkt), 0);
		KUNIT_EXPECT_EQ(test, send_list(test, sg, 4, &pkt), -E2BIG);
	}
}

static struct kunit_case sg_cases[] = {
	KUNIT_CASE(whole_frames_are_one_range),
	KUNIT_CASE(the_rest_of_a_list_is_not_used),
	KUNIT_CASE(a_part_of_a_frame_is_a_range),
	KUNIT_CASE(an_entry_of_several_pages),
	KUNIT_CASE(lists_of_any_length),
	KUNIT_CASE(something_else_in_a_list),
	KUNIT_CASE(what_is_no_list),
	KUNIT_CASE(limits_of_bytes_and_pieces),
	KUNIT_CASE(each_entry_counts_as_a_piece),
	{}
};

static struct kunit_suite sg_suite = {
	.name = "kmcl_external_sg",
	.init = sg_init,
	.exit = sg_exit,
	.test_cases = sg_cases,
};

kunit_test_suite(sg_suite);

MODULE_DESCRIPTION("KUnit tests of scatter lists");
MODULE_LICENSE("GPL");
