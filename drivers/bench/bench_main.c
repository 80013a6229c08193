// SPDX-License-Identifier: GPL-2.0
/*
 * Measures what packets cost: the calls of hv_vmbus, and the library, on devices
 * of tools/vmbhost in the same run.
 *
 * Loading the module measures; it then does nothing any more. One line of the
 * kernel log for each case:
 *
 *	kmcl_bench: receive/64B/burst64 raw=170 recvpacket=325 kmcl=538
 *
 * The numbers are of the time stamp counter, per packet. With @stepped=1 they are
 * locked operations, then times that interrupts are switched off, of all packets;
 * with @stepped=2, the library's instructions in each function, a line for each.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/stringify.h>
#include <linux/utsname.h>

#include "bench.h"

/* Of this module */
#ifdef __clang__
#define COMPILER	"clang " __stringify(__clang_major__)
#else
#define COMPILER	"gcc " __stringify(__GNUC__) "." __stringify(__GNUC_MINOR__)
#endif

static char *cases = "";
module_param(cases, charp, 0444);
MODULE_PARM_DESC(cases, "beginnings of names, separated by commas; empty: all");

static unsigned int stepped;
module_param(stepped, uint, 0444);
MODULE_PARM_DESC(stepped, "1: count locked operations; 2: instructions by function");

static const struct bench_case bench_cases[] = {
	{ "send/16B/burst64", bench_send, 16, 64 },
	{ "send/64B/burst1", bench_send, 64, 1 },
	{ "send/64B/burst8", bench_send, 64, 8 },
	{ "send/64B/burst64", bench_send, 64, 64 },
	{ "send/1KiB/burst64", bench_send, SZ_1K, 64 },
	{ "send/4KiB/burst64", bench_send, SZ_4K, 64 },
	{ "send/16KiB/burst64", bench_send, SZ_16K, 64 },
	/* The least that tools/vmbhost sends is 24 bytes */
	{ "receive/24B/burst64", bench_receive, 24, 64 },
	{ "receive/64B/burst1", bench_receive, 64, 1 },
	{ "receive/64B/burst8", bench_receive, 64, 8 },
	{ "receive/64B/burst64", bench_receive, 64, 64 },
	{ "receive/1KiB/burst64", bench_receive, SZ_1K, 64 },
	{ "receive/4KiB/burst64", bench_receive, SZ_4K, 64 },
	{ "receive/16KiB/burst64", bench_receive, SZ_16K, 64 },
	{ "receive-complete/64B/burst1", bench_receive, 64, 1, true },
	{ "receive-complete/64B/burst8", bench_receive, 64, 8, true },
	{ "receive-complete/64B/burst64", bench_receive, 64, 64, true },
	{ "request/64B/burst1", bench_request, 64, 1 },
	{ "request/64B/burst8", bench_request, 64, 8 },
	{ "request/64B/burst128", bench_request, 64, 128 },
	{ "request-alloc/64B/burst8", bench_request_alloc, 64, 8, false, 24 * SZ_1K },
	{ "request-alloc/64B/burst128", bench_request_alloc, 64, 128, false, 24 * SZ_1K },
	{ "external/1MiB/burst1", bench_external, 64, 1 },
	{ "external/1MiB/burst8", bench_external, 64, 8 },
	{ "signals/64B/burst64", bench_signals, 64, 64 },
	{ "queue/64B", bench_queue, 64, 1280 },
	{ "open", bench_open },
	{ "close", bench_close },
	{ "driver-open", bench_open_driver },
	{ "driver-close", bench_close_driver },
	{ "memory", bench_memory },
	{ "loopback/64B/channels1", bench_loopback, 64, 1 },
	{ "loopback/64B/channels32", bench_loopback, 64, 32 },
	{ "loopback/64B/channels1024", bench_loopback, 64, 1024 },
	{ "floor/64B/burst64", bench_floor, 64, 64 },
	{ "floor/4KiB/burst64", bench_floor, SZ_4K, 64 },
};

static bool is_chosen(const struct bench_case *c)
{
	const char *p = cases;
	size_t length;

	if (!*p)
		return true;
	for (;;) {
		length = strcspn(p, ",");
		if (length && !strncmp(c->name, p, length))
			return true;
		if (!p[length])
			return false;
		p += length + 1;
	}
}

/* What can be single-stepped in seconds */
static bool is_quick(const struct bench_case *c)
{
	if (c->run == bench_queue)
		return stepped == 2;
	return c->size == 64 && (c->burst == 8 || (stepped == 2 && c->burst == 1));
}

/* Each case begins with the same host, whichever was before it. */
static int run_case(const struct bench_case *c)
{
	unsigned int i;
	int ret = 0;

	for (i = BENCH_RAW; i <= BENCH_KMCL && !ret; i++)
		ret = bench_host("behave %u sink", i);
	return ret ?: c->run(c);
}

static int run_cases(enum bench_count count)
{
	unsigned int i, run = 0;
	int ret = 0;

	bench_time_count(count);
	for (i = 0; i < ARRAY_SIZE(bench_cases) && !ret; i++) {
		if (!is_chosen(&bench_cases[i]) ||
		    (count != BENCH_INSTRUCTIONS && !is_quick(&bench_cases[i])))
			continue;
		run++;
		ret = run_case(&bench_cases[i]);
		if (ret)
			pr_err("%s failed (%d)\n", bench_cases[i].name, ret);
	}
	if (!ret && !run) {
		pr_err("no case begins with one of '%s'\n", cases);
		ret = -EINVAL;
	}
	return ret;
}

static int __init bench_init(void)
{
	int ret;

	/* Numbers are only comparable if these are the same */
	pr_info("with Linux %s %s, modules by %s\n", init_utsname()->release,
		init_utsname()->version, COMPILER);
	ret = bench_time_init();
	if (ret)
		return ret;
	ret = bench_raw_register();
	if (ret)
		goto exit;
	if (stepped == 2) {
		ret = run_cases(BENCH_FUNCTIONS);
	} else if (stepped) {
		ret = run_cases(BENCH_LOCKED);
		if (!ret)
			ret = run_cases(BENCH_IRQ_OFF);
	} else {
		ret = run_cases(BENCH_INSTRUCTIONS);
	}
	bench_raw_unregister();
exit:
	bench_time_exit();
	return ret;
}

static void __exit bench_exit(void)
{
	/* Nothing is left */
}

module_init(bench_init);
module_exit(bench_exit);

MODULE_DESCRIPTION("Cost of packets, raw VMBus API and KMCL");
MODULE_LICENSE("GPL");
