// SPDX-License-Identifier: GPL-2.0
/*
 * Frames of 4 KiB in the kernel's pages: which orders of them one mapping can have,
 * and the pieces into which the others are taken apart. These kernels have pages of
 * 4 KiB themselves, so the tests say how many frames a page is to have.
 */
#include <kunit/test.h>
#include <linux/limits.h>

#include "mdl.h"

#define FRAME	KMCL_PFN_SIZE

static const u32 per_pages[] = { 1, 2, 4, 16 };

/*
 * What a mapping is, in other words: the page at position p of it has the frames p * per
 * to p * per + per - 1, the first one described is where it is in its page, and each
 * page is a page of memory.
 */
static bool is_mapping(const unsigned long *pfns, u32 n, u32 per)
{
	unsigned long page_at[8];
	u32 i, place;

	for (i = 0; i < ARRAY_SIZE(page_at); i++)
		page_at[i] = ULONG_MAX;
	for (i = 0; i < n; i++) {
		place = pfns[0] % per + i;
		if (pfns[i] % per != place % per)
			return false;
		if (page_at[place / per] == ULONG_MAX)
			page_at[place / per] = pfns[i] / per;
		else if (page_at[place / per] != pfns[i] / per)
			return false;
	}
	return true;
}

/* The longest beginning that is a mapping */
static u32 longest(const unsigned long *pfns, u32 n, u32 per)
{
	while (!is_mapping(pfns, n, per))
		n--;
	return n;
}

/* All orders of four of nine frames, with repetitions */
static void each_order_of_four_frames(struct kunit *test)
{
	unsigned long pfns[4];
	u32 i, k, p, order, mapped = 0;

	for (p = 0; p < 3; p++) {
		for (order = 0; order < 9 * 9 * 9 * 9; order++) {
			for (i = 0, k = order; i < 4; i++, k /= 9)
				pfns[i] = k % 9;
			k = kmcl_frames_run(pfns, 4, per_pages[p]);
			mapped += k == 4;
			if (k == longest(pfns, 4, per_pages[p]))
				continue;
			KUNIT_FAIL(test, "%lu %lu %lu %lu, %u frames per page: %u",
				   pfns[0], pfns[1], pfns[2], pfns[3],
				   per_pages[p], k);
			return;
		}
	}
	/* With one frame all; with two: see the cases below */
	KUNIT_EXPECT_GT(test, mapped, 9 * 9 * 9 * 9);
}

static const struct frames_case {
	const char *name;
	u32 per_page;
	u32 n;
	unsigned long pfns[8];
	u32 run;
} frames_cases[] = {
	{ "in order, within a page", 4, 2, { 5, 6 }, 2 },
	{ "in order, into the next page", 4, 4, { 6, 7, 8, 9 }, 4 },
	{ "into another page", 4, 4, { 6, 7, 0, 1 }, 4 },
	{ "whole pages in reverse order", 4, 8, { 8, 9, 10, 11, 4, 5, 6, 7 }, 8 },
	{ "the same page twice", 4, 8, { 4, 5, 6, 7, 4, 5, 6, 7 }, 8 },
	{ "in reverse order", 4, 4, { 7, 6, 5, 4 }, 1 },
	{ "the same frame twice", 4, 2, { 7, 7 }, 1 },
	{ "a frame is left out", 4, 2, { 4, 6 }, 1 },
	{ "the end of a page is left out", 4, 4, { 4, 5, 8, 9 }, 2 },
	{ "the beginning of a page is left out", 4, 3, { 6, 7, 9 }, 2 },
	{ "from the end of a page to its beginning", 4, 2, { 7, 4 }, 2 },
	{ "pages of 64 KiB in order", 16, 3, { 14, 15, 16 }, 3 },
	{ "pages of 64 KiB, half of one", 16, 2, { 7, 16 }, 1 },
	{ "one frame", 16, 1, { 9 }, 1 },
	{ "no frame", 4, 0, { }, 0 },
	{ "the last frames that there are", 4, 2, { ULONG_MAX - 1, ULONG_MAX }, 2 },
};

KUNIT_ARRAY_PARAM_DESC(frames_case, frames_cases, name);

static void an_order_of_frames(struct kunit *test)
{
	const struct frames_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, kmcl_frames_run(c->pfns, c->n, c->per_page), c->run);
	/* Pages of 4 KiB can be mapped in any order */
	KUNIT_EXPECT_EQ(test, kmcl_frames_run(c->pfns, c->n, 1), c->n);
}

/* Where in memory byte @at of a chain is, in bytes from its begin */
static u64 place(const struct kmcl_mdl *mdl, u64 at)
{
	for (; mdl; mdl = mdl->next) {
		if (at < mdl->bytes) {
			at += mdl->offset;
			return (u64)mdl->pfns[at / FRAME] * FRAME + at % FRAME;
		}
		at -= mdl->bytes;
	}
	return U64_MAX;
}

/* A part of a chain: the same bytes, in pieces that can be mapped, none too small */
static void expect_part(struct kunit *test, const struct kmcl_mdl *mdl, u32 offset,
			u32 bytes, u32 per, u32 count)
{
	struct kmcl_mdl *part = kmcl_mdl_part(mdl, offset, bytes, per), *piece;
	u32 at, n = 0;

	KUNIT_ASSERT_NOT_NULL(test, part);
	KUNIT_EXPECT_EQ(test, kmcl_mdl_total(part), bytes);
	for (at = 0; at < bytes; at++)
		if (place(part, at) != place(mdl, offset + at))
			break;
	KUNIT_EXPECT_EQ(test, at, bytes);
	for (piece = part; piece; piece = piece->next, n++) {
		KUNIT_EXPECT_EQ(test, kmcl_mdl_check(piece), 0);
		KUNIT_EXPECT_EQ(test, piece->npfns,
				kmcl_mdl_frames(piece->offset, piece->bytes));
		KUNIT_EXPECT_TRUE(test, is_mapping(piece->pfns, piece->npfns, per));
	}
	KUNIT_EXPECT_EQ(test, n, count);
	kmcl_mdl_free_chain(part);
}

static void a_piece_is_taken_apart(struct kunit *test)
{
	unsigned long pfns[] = { 6, 7, 8, 13, 12, 4 };
	struct kmcl_mdl mdl = {
		.pfns = pfns,
		.npfns = ARRAY_SIZE(pfns),
		.offset = 100,
		.bytes = 6 * FRAME - 150,
	};

	expect_part(test, &mdl, 0, mdl.bytes, 1, 1);
	/* 6 to 8; 13; 12; 4 */
	expect_part(test, &mdl, 0, mdl.bytes, 4, 4);
	expect_part(test, &mdl, 0, mdl.bytes, 16, 4);
	/* 6 to 8; 13 and 12; 4 */
	expect_part(test, &mdl, 0, mdl.bytes, 2, 3);
	/* Up to the last byte of a frame, one more, and parts of single frames */
	expect_part(test, &mdl, 0, 3 * FRAME - 100, 4, 1);
	expect_part(test, &mdl, 0, 3 * FRAME - 99, 4, 2);
	expect_part(test, &mdl, 3 * FRAME - 101, 1, 4, 1);
	expect_part(test, &mdl, 3 * FRAME - 101, 2, 4, 2);
	expect_part(test, &mdl, 3 * FRAME - 100, FRAME, 4, 1);
	expect_part(test, &mdl, mdl.bytes - 1, 1, 4, 1);
}

static void pieces_stay_pieces(struct kunit *test)
{
	unsigned long front[] = { 6, 7 }, back[] = { 8, 10 };
	struct kmcl_mdl last = {
		.pfns = back, .npfns = 2, .bytes = 2 * FRAME,
	};
	struct kmcl_mdl none = { .next = &last };
	struct kmcl_mdl mdl = {
		.next = &none, .pfns = front, .npfns = 2, .bytes = 2 * FRAME,
	};

	expect_part(test, &mdl, 0, 4 * FRAME, 1, 2);
	expect_part(test, &mdl, 0, 4 * FRAME, 4, 3);
	expect_part(test, &mdl, FRAME, 2 * FRAME, 4, 2);
	expect_part(test, &mdl, 2 * FRAME, 2 * FRAME, 4, 2);
	expect_part(test, &mdl, 3 * FRAME, FRAME, 4, 1);
}

static struct kunit_case frames_test_cases[] = {
	KUNIT_CASE(each_order_of_four_frames),
	KUNIT_CASE_PARAM(an_order_of_frames, frames_case_gen_params),
	KUNIT_CASE(a_piece_is_taken_apart),
	KUNIT_CASE(pieces_stay_pieces),
	{}
};

static struct kunit_suite frames_test_suite = {
	.name = "kmcl_frames",
	.test_cases = frames_test_cases,
};

kunit_test_suite(frames_test_suite);
