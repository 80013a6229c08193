// SPDX-License-Identifier: GPL-2.0
/*
 * Requests with external data: 1 MiB in single pages.
 *
 * Process context; the completion routine runs with bottom halves off.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>

#include "bench.h"

#define PAGES	(SZ_1M / PAGE_SIZE)

static struct page *pages[PAGES];
static unsigned long pfns[PAGES];
static struct scatterlist sg[PAGES];
static struct kmcl_mdl *mdl;
static struct kmcl_packet *packets[BENCH_REQUESTS];
static u8 payload[64];

static struct {
	struct vmbus_packet_mpb_array desc;
	u64 pfns[PAGES];
} raw_desc;

static int raw_send(struct bench_link *link, const struct bench_case *c,
		    unsigned int i)
{
	unsigned int k;

	raw_desc.desc.rangecount = 1;
	raw_desc.desc.range.len = SZ_1M;
	raw_desc.desc.range.offset = 0;
	for (k = 0; k < PAGES; k++)
		raw_desc.pfns[k] = page_to_pfn(pages[k]);
	return vmbus_sendpacket_mpb_desc(link->channel, &raw_desc.desc,
					 sizeof(raw_desc), payload, c->size,
					 bench_raw_id(i));
}

/*
 * What hv_storvsc does with a scatter list that is mapped for DMA, which is not
 * counted, without allocating the array each time.
 */
static int raw_send_sg(struct bench_link *link, const struct bench_case *c,
		       unsigned int i)
{
	unsigned long hvpfn, hvpfns_to_add;
	struct scatterlist *entry;
	unsigned int k, n = 0;

	raw_desc.desc.rangecount = 1;
	raw_desc.desc.range.len = SZ_1M;
	raw_desc.desc.range.offset = offset_in_hvpage(sg->offset);
	for_each_sg(sg, entry, PAGES, k) {
		hvpfn = HVPFN_DOWN(sg_dma_address(entry));
		hvpfns_to_add = HVPFN_UP(sg_dma_address(entry) +
					 sg_dma_len(entry)) - hvpfn;
		while (hvpfns_to_add--)
			raw_desc.pfns[n++] = hvpfn++;
	}
	return vmbus_sendpacket_mpb_desc(link->channel, &raw_desc.desc,
					 sizeof(raw_desc), payload, c->size,
					 bench_raw_id(i));
}

static int send_pfns(struct bench_link *link, const struct bench_case *c,
		     unsigned int i)
{
	return kmcl_send_pfns(packets[i], payload, c->size, pfns, PAGES,
			      KMCL_SEND_WAIT);
}

static int send_mdl(struct bench_link *link, const struct bench_case *c,
		    unsigned int i)
{
	return kmcl_send_mdl(packets[i], payload, c->size, mdl, KMCL_SEND_WAIT);
}

static int send_sg(struct bench_link *link, const struct bench_case *c,
		   unsigned int i)
{
	return kmcl_send_sg(packets[i], payload, c->size, sg, PAGES,
			    KMCL_SEND_WAIT);
}

/* Room for a request: at most a range for each page */
static u32 ring_bytes(const struct bench_case *c)
{
	return ALIGN(c->burst * (PAGES * 16 + SZ_1K), SZ_64K) + SZ_64K;
}

/* Measure one kind of send, and print its functions if these are counted */
static int measure_one(struct bench_link *link, const struct bench_case *c,
		       bench_send_fn send, struct bench_value *value)
{
	int ret = bench_requests(link, c, 0, send, &value->value);
	char name[40];

	if (ret || bench_count != BENCH_FUNCTIONS)
		return ret;
	snprintf(name, sizeof(name), "%s/%s", c->name, value->key);
	bench_time_functions(name);
	return 0;
}

static int measure_raw(const struct bench_case *c, struct bench_value *values)
{
	struct bench_link *link = bench_raw_open(ring_bytes(c), 0,
						 BENCH_FOREACH);
	int ret;

	if (IS_ERR(link))
		return PTR_ERR(link);
	ret = measure_one(link, c, raw_send, &values[0]);
	if (!ret)
		ret = measure_one(link, c, raw_send_sg, &values[4]);
	bench_raw_close();
	return ret;
}

static int measure_kmcl(const struct bench_case *c, struct bench_value *values)
{
	struct bench_link *link = bench_kmcl_open(ring_bytes(c), 4096, SZ_1M);
	int ret;

	if (IS_ERR(link))
		return PTR_ERR(link);
	ret = bench_kmcl_packets(packets, c->burst);
	if (!ret)
		ret = measure_one(link, c, send_pfns, &values[1]);
	if (!ret)
		ret = measure_one(link, c, send_mdl, &values[2]);
	if (!ret)
		ret = measure_one(link, c, send_sg, &values[3]);
	bench_kmcl_free_packets(packets, c->burst);
	bench_kmcl_close();
	return ret;
}

int bench_external(const struct bench_case *c)
{
	struct bench_value values[] = {
		{ "raw" }, { "kmcl" }, { "mdl" }, { "sg" }, { "raw_sg" },
	};
	unsigned int i;
	int ret = 0;

	sg_init_table(sg, PAGES);
	for (i = 0; i < PAGES && !ret; i++) {
		pages[i] = alloc_page(GFP_KERNEL | __GFP_ZERO);
		if (!pages[i]) {
			ret = -ENOMEM;
			break;
		}
		pfns[i] = page_to_pfn(pages[i]);
		sg_set_page(&sg[i], pages[i], PAGE_SIZE, 0);
		sg_dma_address(&sg[i]) = sg_phys(&sg[i]);
		sg_dma_len(&sg[i]) = PAGE_SIZE;
	}
	if (!ret) {
		mdl = kmcl_mdl_from_pages(pages, 0, SZ_1M, GFP_KERNEL);
		if (!mdl)
			ret = -ENOMEM;
	}
	if (!ret)
		ret = measure_raw(c, values);
	if (!ret)
		ret = measure_kmcl(c, values);
	if (!ret && bench_count != BENCH_FUNCTIONS)
		bench_report(c, values, ARRAY_SIZE(values));
	kmcl_mdl_free(mdl);
	mdl = NULL;
	while (i--)
		__free_page(pages[i]);
	return ret;
}
