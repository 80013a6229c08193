// SPDX-License-Identifier: GPL-2.0
/*
 * What is measured between bench_begin() and bench_end(): instructions, by the
 * time stamp counter; or, single-stepped, locked operations, the times that
 * interrupts are switched off, and how many instructions each function has.
 *
 * The processor raises a debug exception after each instruction. Handlers of
 * other interrupts run without that, so they are not counted.
 *
 * One caller at a time, on one processor; the notifier runs in NMI context.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bits.h>
#include <linux/kallsyms.h>
#include <linux/kdebug.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/notifier.h>
#include <linux/sizes.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/timex.h>
#include <linux/vmalloc.h>

#include <asm/processor-flags.h>

#include "bench.h"

#define LONGEST		15	/* bytes of an instruction */
#define ADDRESSES	SZ_256K

enum bench_count bench_count;

static u64 started;
static u64 overhead;	/* of measuring nothing */
static bool stepping;
static u64 stepped;
/* Of what was executed, without the highest bit, and whether it is locked */
static u64 *addresses;

static bool is_prefix(u8 byte)
{
	switch (byte) {
	case 0x26: case 0x2e: case 0x36: case 0x3e:	/* segments */
	case 0x40 ... 0x4f:				/* REX */
	case 0x64 ... 0x67:				/* segments, sizes */
	case 0xf2: case 0xf3:				/* repeat */
		return true;
	}
	return false;
}

/* LOCK, or XCHG with memory, which is locked without it */
static bool is_locked(const u8 *p)
{
	unsigned int i;

	for (i = 0; i < LONGEST && is_prefix(p[i]); i++)
		;
	return p[i] == 0xf0 ||
	       ((p[i] == 0x86 || p[i] == 0x87) && p[i + 1] < 0xc0);
}

static int on_step(struct notifier_block *nb, unsigned long event, void *data)
{
	struct die_args *args = data;
	const u8 *next;

	if (event != DIE_DEBUG || !stepping)
		return NOTIFY_DONE;
	/* The instruction that is executed next */
	next = (const u8 *)instruction_pointer(args->regs);
	if (bench_count == BENCH_LOCKED) {
		stepped += is_locked(next);
	} else if (bench_count == BENCH_IRQ_OFF) {
		stepped += *next == 0xfa;	/* CLI */
	} else {
		if (stepped < ADDRESSES)
			addresses[stepped] = (u64)(unsigned long)next << 1 |
					     is_locked(next);
		stepped++;
	}
	return NOTIFY_STOP;
}

static struct notifier_block step_notifier = {
	.notifier_call = on_step,
	/* Before others, to whom it would be a surprise */
	.priority = INT_MAX,
};

static __always_inline void set_trap(bool on)
{
	unsigned long flags = native_save_fl();

	if (on)
		flags |= X86_EFLAGS_TF;
	else
		flags &= ~X86_EFLAGS_TF;
	asm volatile("push %0; popf" : : "g" (flags) : "memory", "cc");
}

/**
 * bench_time_forget() - forget which instructions were executed
 *
 * A round begins: those between each bench_begin() and bench_end() of it are
 * bench_time_functions()'.
 */
void bench_time_forget(void)
{
	stepped = 0;
}

/**
 * bench_begin() - begin to count
 */
void bench_begin(void)
{
	started = stepped;
	if (bench_count == BENCH_INSTRUCTIONS) {
		started = get_cycles();
		return;
	}
	stepping = true;
	set_trap(true);
}

/**
 * bench_end() - stop counting
 *
 * Return: what was counted since bench_begin().
 */
u64 bench_end(void)
{
	u64 counted;

	if (bench_count == BENCH_INSTRUCTIONS) {
		counted = get_cycles();
	} else {
		set_trap(false);
		stepping = false;
		counted = stepped;
	}
	counted -= started;
	return counted > overhead ? counted - overhead : 0;
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/**
 * bench_result() - make one number of all rounds
 * @samples: what each has counted, the first ones not being used
 * @count: of them, bench_rounds()
 * @packets: of each
 *
 * The median leaves out rounds in which the processor did something else.
 *
 * Return: instructions per packet; of the others, those of all packets.
 */
u64 bench_result(u64 *samples, unsigned int count, u32 packets)
{
	u64 median;

	samples += BENCH_WARMUP;
	count -= BENCH_WARMUP;
	sort(samples, count, sizeof(*samples), compare, NULL);
	median = samples[count / 2];
	if (bench_count != BENCH_INSTRUCTIONS)
		return median;
	return DIV_ROUND_CLOSEST_ULL(median, packets);
}

/**
 * bench_time_count() - choose what is counted
 * @count: this
 */
void bench_time_count(enum bench_count count)
{
	u64 samples[BENCH_ROUNDS];
	unsigned int i;

	bench_count = count;
	overhead = 0;
	for (i = 0; i < bench_rounds(); i++) {
		bench_begin();
		samples[i] = bench_end();
	}
	overhead = bench_result(samples, i, 1);
}

/**
 * bench_time_functions() - print the instructions of each function
 * @name: of the case, whose last round is printed
 *
 * The locked ones of them, too, where there are any.
 */
void bench_time_functions(const char *name)
{
	char symbol[KSYM_SYMBOL_LEN], last[KSYM_SYMBOL_LEN] = "";
	u32 i, n = 0, locked = 0, count = min_t(u64, stepped, ADDRESSES);

	if (stepped > count)
		pr_warn("%s: %llu instructions, only %u were looked at\n", name,
			stepped, count);
	sort(addresses, count, sizeof(*addresses), compare, NULL);
	for (i = 0; i <= count; i++) {
		if (i < count && (!i || addresses[i] != addresses[i - 1])) {
			sprint_symbol_no_offset(symbol, addresses[i] >> 1 |
						BIT_ULL(63));
			/* Without the module's name, which is in brackets */
			symbol[strcspn(symbol, " ")] = '\0';
		}
		if (n && (i == count || strcmp(symbol, last))) {
			if (locked)
				pr_info("functions/%s/%s kmcl=%u locked=%u\n",
					name, last, n, locked);
			else
				pr_info("functions/%s/%s kmcl=%u\n", name,
					last, n);
			n = 0;
			locked = 0;
		}
		if (i == count)
			break;
		strscpy(last, symbol, sizeof(last));
		n++;
		locked += addresses[i] & 1;
	}
}

int bench_time_init(void)
{
	int ret;

	addresses = vmalloc_array(ADDRESSES, sizeof(*addresses));
	if (!addresses)
		return -ENOMEM;
	ret = register_die_notifier(&step_notifier);
	if (ret)
		vfree(addresses);
	return ret;
}

void bench_time_exit(void)
{
	unregister_die_notifier(&step_notifier);
	vfree(addresses);
}
