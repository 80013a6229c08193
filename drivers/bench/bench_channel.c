// SPDX-License-Identifier: GPL-2.0
/*
 * Opening and closing a channel, and the memory that it has while it is open.
 *
 * Opening and closing wait for the host. What elapses is the time stamp counter's
 * difference; what the processor was busy with is the part of it that was not
 * idle time, including what the host did at once.
 *
 * A channel of hv_vmbus is there as long as its device. What making the library's
 * takes is a number of its own; freeing it is part of closing.
 *
 * Both drivers are registered with hv_vmbus before that: the library's is for as
 * long as a channel watches the class, so there is one that waits for a device
 * which does not come. In the cases with "driver" in their name the driver is
 * registered for each opening, and unregistered after it.
 *
 * Process context. The tracepoints' probes run in any context, on one processor;
 * @memory_lock serialises them.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/slab.h>
#include <linux/delay.h>
#include <linux/spinlock.h>
#include <linux/tick.h>

#include <trace/events/kmem.h>

#include "bench.h"

#define RING		SZ_64K
#define OBJECTS		2048

struct span {
	u64 elapsed[BENCH_ROUNDS];
	u64 busy[BENCH_ROUNDS];
};

struct spans {
	struct span create, open, close;
	u64 opened[BENCH_ROUNDS];	/* the driver was told */
};

static u64 idle;

static u64 idle_now(void)
{
	u64 now = get_cpu_idle_time_us(get_cpu(), NULL);

	put_cpu();
	return now * NSEC_PER_USEC;
}

static void begin(void)
{
	idle = idle_now();
	bench_begin();
}

static void end(struct span *span, unsigned int i)
{
	u64 elapsed = bench_end();

	idle = idle_now() - idle;
	span->elapsed[i] = elapsed;
	span->busy[i] = elapsed > idle ? elapsed - idle : 0;
}

static int raw_once(struct spans *s, unsigned int i)
{
	struct bench_link *link;

	begin();
	link = bench_raw_open(RING, 0, BENCH_FOREACH);
	end(&s->open, i);
	if (IS_ERR(link))
		return PTR_ERR(link);
	begin();
	bench_raw_close();
	end(&s->close, i);
	return 0;
}

static int raw_driver_once(struct spans *s, unsigned int i)
{
	struct bench_link *link = ERR_PTR(-ENODEV);
	int ret;

	bench_raw_unregister();
	begin();
	ret = bench_raw_register();
	if (!ret)
		link = bench_raw_open(RING, 0, BENCH_FOREACH);
	end(&s->open, i);
	if (ret)
		return ret;
	if (IS_ERR(link))
		return PTR_ERR(link);
	begin();
	bench_raw_close();
	bench_raw_unregister();
	end(&s->close, i);
	return bench_raw_register();
}

static int kmcl_once(struct spans *s, unsigned int i)
{
	struct bench_link *link;
	int ret;

	/* Of hv_vmbus' driver there is nothing to make */
	begin();
	ret = bench_kmcl_create(RING, 0, 0);
	end(&s->create, i);
	if (ret)
		return ret;
	begin();
	link = bench_kmcl_enable();
	end(&s->open, i);
	s->opened[i] = bench_kmcl_opened;
	if (IS_ERR(link))
		return PTR_ERR(link);
	begin();
	bench_kmcl_close();
	end(&s->close, i);
	return 0;
}

/* The driver is registered when a channel is enabled, and not before */
static int kmcl_driver_once(struct spans *s, unsigned int i)
{
	struct bench_link *link;

	begin();
	link = bench_kmcl_open(RING, 0, 0);
	end(&s->open, i);
	if (IS_ERR(link))
		return PTR_ERR(link);
	begin();
	bench_kmcl_close();
	end(&s->close, i);
	return 0;
}

static int measure(int (*once)(struct spans *s, unsigned int i), bool open,
		   u64 *busy, u64 *elapsed, u64 *create, u64 *opened)
{
	struct spans *s = kzalloc(sizeof(*s), GFP_KERNEL);
	struct span *span;
	unsigned int i;
	int ret = 0;

	if (!s)
		return -ENOMEM;
	for (i = 0; i < bench_rounds() && !ret; i++)
		ret = once(s, i);
	if (!ret) {
		span = open ? &s->open : &s->close;
		*busy = bench_result(span->busy, i, 1);
		*elapsed = bench_result(span->elapsed, i, 1);
		*create = bench_result(s->create.busy, i, 1);
		*opened = bench_result(s->opened, i, 1);
	}
	kfree(s);
	return ret;
}

static int open_or_close(const struct bench_case *c, bool open, bool driver)
{
	struct bench_value values[] = {
		{ "raw" }, { "kmcl" }, { "raw_elapsed" }, { "kmcl_elapsed" },
		{ "create" }, { "opened" },
	};
	int ret = driver ? 0 : bench_kmcl_watch();

	if (!ret)
		ret = measure(driver ? raw_driver_once : raw_once, open,
			      &values[0].value, &values[2].value,
			      &values[4].value, &values[5].value);
	if (!ret)
		ret = measure(driver ? kmcl_driver_once : kmcl_once, open,
			      &values[1].value, &values[3].value,
			      &values[4].value, &values[5].value);
	if (!driver)
		bench_kmcl_unwatch();
	/* What making a channel takes is part of the driver's cases */
	if (!ret)
		bench_report(c, values,
			     driver || !open ? 4 : ARRAY_SIZE(values));
	return ret;
}

int bench_open(const struct bench_case *c)
{
	return open_or_close(c, true, false);
}

int bench_close(const struct bench_case *c)
{
	return open_or_close(c, false, false);
}

int bench_open_driver(const struct bench_case *c)
{
	return open_or_close(c, true, true);
}

int bench_close_driver(const struct bench_case *c)
{
	return open_or_close(c, false, true);
}

/* Objects that were allocated since, and not freed */
static DEFINE_SPINLOCK(memory_lock);
static struct object {
	const void *ptr;
	size_t bytes;
} objects[OBJECTS];
static unsigned int lost;

static void allocated(const void *ptr, size_t bytes)
{
	unsigned long flags;
	unsigned int i;

	if (!ptr)
		return;
	spin_lock_irqsave(&memory_lock, flags);
	for (i = 0; i < OBJECTS && objects[i].ptr; i++)
		;
	if (i < OBJECTS)
		objects[i] = (struct object){ ptr, bytes };
	else
		lost++;
	spin_unlock_irqrestore(&memory_lock, flags);
}

static void freed(const void *ptr)
{
	unsigned long flags;
	unsigned int i;

	spin_lock_irqsave(&memory_lock, flags);
	for (i = 0; i < OBJECTS && objects[i].ptr != ptr; i++)
		;
	if (i < OBJECTS)
		objects[i].ptr = NULL;
	spin_unlock_irqrestore(&memory_lock, flags);
}

static void on_kmalloc(void *data, unsigned long call_site, const void *ptr,
		       size_t bytes_req, size_t bytes_alloc, gfp_t gfp, int node)
{
	allocated(ptr, bytes_alloc);
}

static void on_cache_alloc(void *data, unsigned long call_site, const void *ptr,
			   struct kmem_cache *s, gfp_t gfp, int node)
{
	allocated(ptr, kmem_cache_size(s));
}

static void on_kfree(void *data, unsigned long call_site, const void *ptr)
{
	freed(ptr);
}

static void on_cache_free(void *data, unsigned long call_site, const void *ptr,
			  const struct kmem_cache *s)
{
	freed(ptr);
}

static void unwatch(void)
{
	unregister_trace_kmem_cache_free(on_cache_free, NULL);
	unregister_trace_kfree(on_kfree, NULL);
	unregister_trace_kmem_cache_alloc(on_cache_alloc, NULL);
	unregister_trace_kmalloc(on_kmalloc, NULL);
	tracepoint_synchronize_unregister();
}

static int watch(void)
{
	unsigned long flags;
	int ret;

	ret = register_trace_kmalloc(on_kmalloc, NULL);
	ret = ret ?: register_trace_kmem_cache_alloc(on_cache_alloc, NULL);
	ret = ret ?: register_trace_kfree(on_kfree, NULL);
	ret = ret ?: register_trace_kmem_cache_free(on_cache_free, NULL);
	if (ret)
		unwatch();
	/* What tracing has allocated is not the channel's */
	spin_lock_irqsave(&memory_lock, flags);
	memset(objects, 0, sizeof(objects));
	lost = 0;
	spin_unlock_irqrestore(&memory_lock, flags);
	return ret;
}

/*
 * The kernel numbers the files in sysfs, and has one node for 64 numbers, which would
 * count as the channel's. Most times it is there if another channel has just come.
 */
static int neighbour(void)
{
	int ret;

	bench_kmcl_unwatch();
	ret = bench_kmcl_watch();
	msleep(100);
	return ret;
}

/* The rings themselves are pages, which are not objects */
static int memory_once(struct bench_link *(*open)(void), void (*close)(void),
		       u64 *bytes)
{
	struct bench_link *link;
	unsigned int i;
	int ret;

	ret = neighbour() ?: watch();
	if (ret)
		return ret;
	link = open();
	msleep(100);
	unwatch();
	if (IS_ERR(link))
		return PTR_ERR(link);
	for (i = 0, *bytes = 0; i < OBJECTS; i++)
		if (objects[i].ptr)
			*bytes += objects[i].bytes;
	close();
	/* Until the device is given back, see bench_kmcl_watch() */
	msleep(100);
	return lost ? -ENOSPC : 0;
}

static struct bench_link *raw_open(void)
{
	return bench_raw_open(RING, 0, BENCH_FOREACH);
}

static struct bench_link *kmcl_open(void)
{
	return bench_kmcl_open(RING, 0, 0);
}

static int memory_rounds(struct bench_link *(*open)(void), void (*close)(void),
			 u64 *value)
{
	u64 samples[BENCH_ROUNDS];
	unsigned int i;
	int ret = 0;

	for (i = 0; i < bench_rounds() && !ret; i++)
		ret = memory_once(open, close, &samples[i]);
	if (!ret)
		*value = bench_result(samples, i, 1);
	return ret;
}

int bench_memory(const struct bench_case *c)
{
	struct bench_value values[] = { { "raw" }, { "kmcl" } };
	int ret = bench_kmcl_watch();

	bench_kmcl_give_back = true;
	if (!ret)
		ret = memory_rounds(raw_open, bench_raw_close,
				    &values[0].value);
	if (!ret)
		ret = memory_rounds(kmcl_open, bench_kmcl_close,
				    &values[1].value);
	bench_kmcl_give_back = false;
	bench_kmcl_unwatch();
	if (!ret)
		bench_report(c, values, ARRAY_SIZE(values));
	return ret;
}
