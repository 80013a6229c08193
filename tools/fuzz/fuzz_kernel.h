/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzzed sources use of the kernel, for user space. scripts/fuzz.sh makes each
 * <linux/...> and <asm/...> that they include a file that includes this one.
 *
 * There is one thread, so locks do nothing. The functions that read shared memory call
 * fuzz_touch() before, with which the fuzzer, as the peer, changes it.
 */
#ifndef _FUZZ_KERNEL_H
#define _FUZZ_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;
typedef uint8_t __u8;
typedef uint16_t __u16;
typedef uint32_t __u32;
typedef uint64_t __u64;
typedef u16 __le16;
typedef u32 __le32;
typedef u64 __le64;
typedef unsigned int gfp_t;
typedef s64 ktime_t;
typedef u64 phys_addr_t;
typedef u64 dma_addr_t;
typedef struct { u8 b[16]; } guid_t;

#define U32_MAX			UINT32_MAX
#define U64_MAX			UINT64_MAX
#define PAGE_SHIFT		12
#define PAGE_SIZE		4096UL
#define SZ_256			0x100
#define SZ_1K			0x400
#define SZ_16K			0x4000
#define SZ_64K			0x10000
#define BIT(n)			(1UL << (n))
#define GFP_ATOMIC		1U
#define GFP_KERNEL		2U
#define __GFP_NOWARN		0U
#define HZ			100

#define __aligned(n)		__attribute__((aligned(n)))
#define __packed		__attribute__((packed))
#define __printf(a, b)		__attribute__((format(printf, a, b)))
#undef __always_inline
#define __always_inline		inline __attribute__((always_inline))
#define noinline		__attribute__((noinline))
#define __force
#define __user
#define __rcu
#define __must_check
#define __must_hold(lock)
#define __releases(lock)
#define __acquires(lock)
#define likely(x)		__builtin_expect(!!(x), 1)
#define unlikely(x)		__builtin_expect(!!(x), 0)
#define EXPORT_SYMBOL_GPL(name)	struct fuzz_export_##name
#define static_assert(x)	_Static_assert(x, #x)
#define BUILD_BUG_ON(x)		((void)sizeof(char[1 - 2 * !!(x)]))
#define IS_ENABLED(option)	0
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member)	\
	((type *)((char *)(p) - offsetof(type, member)))
#define min(a, b)		((a) < (b) ? (a) : (b))
#define max(a, b)		((a) > (b) ? (a) : (b))
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define max_t(type, a, b)	max((type)(a), (type)(b))
#define clamp(x, low, high)	min(max(x, low), high)
#define ALIGN(x, a)		(((x) + (a) - 1) & ~((__typeof__(x))(a) - 1))
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define DIV_ROUND_UP_ULL(n, d)	DIV_ROUND_UP((u64)(n), (u64)(d))
#define roundup(x, y)		((((x) + (y) - 1) / (y)) * (y))
#define WARN_ON_ONCE(x)		({ bool w = !!(x); if (w) abort(); w; })
#define might_sleep()		do { } while (0)
#define lockdep_assert_held(lock)	((void)(lock))

#define pr_err(...)			do { } while (0)
#define pr_warn(...)			do { } while (0)
#define pr_info(...)			do { } while (0)
#define pr_err_ratelimited(...)		fuzz_said(__VA_ARGS__)
#define pr_warn_ratelimited(...)	fuzz_said(__VA_ARGS__)
static inline void fuzz_said(const char *fmt, ...) { (void)fmt; }

/* The peer's turn: @p is about to be read. */
void fuzz_touch(const volatile void *p, size_t len);
void *fuzz_memcpy(void *to, const void *from, size_t len);

#define memcpy			fuzz_memcpy
#define READ_ONCE(x)							\
	({								\
		const volatile __typeof__(x) *where = &(x);		\
									\
		fuzz_touch(where, sizeof(x));				\
		*where;							\
	})
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define smp_load_acquire(p)	READ_ONCE(*(p))
#define smp_store_release(p, v)	WRITE_ONCE(*(p), v)
#define virt_load_acquire(p)	READ_ONCE(*(p))
#define virt_store_release(p, v)	WRITE_ONCE(*(p), v)
#define virt_mb()		do { } while (0)
#define virt_rmb()		do { } while (0)
#define smp_mb()		do { } while (0)
#define smp_mb__after_atomic()	do { } while (0)
#define cmpxchg(p, old, new)						\
	({								\
		__typeof__(*(p)) was = *(p);				\
		if (was == (old))					\
			*(p) = (new);					\
		was;							\
	})

#define cpu_to_le16(x)		((u16)(x))
#define cpu_to_le32(x)		((u32)(x))
#define cpu_to_le64(x)		((u64)(x))
#define le16_to_cpu(x)		((u16)(x))
#define le32_to_cpu(x)		((u32)(x))
#define le64_to_cpu(x)		((u64)(x))

typedef struct { int counter; } atomic_t;
typedef struct { s64 counter; } atomic64_t;
#define atomic_read(a)		((a)->counter)
#define atomic64_read(a)	((a)->counter)
#define atomic64_add(n, a)	((void)((a)->counter += (n)))
#define atomic64_sub(n, a)	((void)((a)->counter -= (n)))
#define atomic_or(v, a)		((void)((a)->counter |= (v)))

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

static inline void INIT_LIST_HEAD(struct list_head *list)
{
	list->next = list;
	list->prev = list;
}

static inline void list_add(struct list_head *entry, struct list_head *head)
{
	entry->next = head->next;
	entry->prev = head;
	head->next->prev = entry;
	head->next = entry;
}

static inline void list_del(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

#define list_entry(p, type, member)	container_of(p, type, member)
#define list_first_entry_or_null(head, type, member)			\
	(list_empty(head) ? NULL : list_entry((head)->next, type, member))

/* Nothing is in flight: the table of transactions is not a part of this */
#define hlist_for_each_entry(p, head, member)	for (p = NULL; p;)
static inline bool hlist_unhashed(const struct hlist_node *node)
{
	return !node->pprev;
}

static inline void hlist_del_init(struct hlist_node *node)
{
	node->pprev = NULL;
}

typedef struct { int unused; } spinlock_t;
#define spin_lock_irqsave(lock, flags)		((void)(lock), (flags) = 0)
#define spin_unlock_irqrestore(lock, flags)	((void)(lock), (void)(flags))
#define spin_lock_irq(lock)			((void)(lock))
#define spin_unlock_irq(lock)			((void)(lock))

/* As in linux/stddef.h: members that are also a structure */
#define struct_group_tagged(tag, name, ...)				\
	union {								\
		struct { __VA_ARGS__ };					\
		struct tag { __VA_ARGS__ } name;			\
	}

struct work_struct { int unused; };
struct delayed_work { struct work_struct work; };
struct tasklet_struct { int unused; };
struct kobject { int unused; };
struct kref { int unused; };
struct rcu_head { int unused; };
typedef struct { int unused; } wait_queue_head_t;
struct workqueue_struct;
#define queue_work(wq, work)			((void)(wq), (void)(work))
#define queue_delayed_work(wq, work, delay)	((void)(wq), (void)(work))
#define tasklet_schedule(tasklet)		((void)(tasklet))
#define wake_up_all(head)			((void)(head))
#define to_delayed_work(w)	container_of(w, struct delayed_work, work)
#define struct_size(p, member, n)					\
	(sizeof(*(p)) + sizeof((p)->member[0]) * (size_t)(n))
struct page;
static inline struct page *pfn_to_page(unsigned long pfn)
{
	return (struct page *)(pfn << PAGE_SHIFT);
}

struct device;
struct file;
struct dentry;
struct scatterlist;
struct task_struct { int unused; };
extern struct task_struct *current;
#define in_hardirq()		0
#define in_nmi()		0
#define in_serving_softirq()	0
#define in_interrupt()		0

static inline bool gfpflags_allow_blocking(gfp_t gfp)
{
	return gfp & GFP_KERNEL;
}

#define IS_ERR(p)		((unsigned long)(p) >= -4095UL)
#define ERR_PTR(error)		((void *)(long)(error))
#define PTR_ERR(p)		((long)(p))
#define kmalloc_size_roundup(n)	(n)
#define kmalloc_array(n, size, gfp)	calloc(n, size)
#define kfree(p)		free(p)

/* Tracepoints: none is enabled */
#define TRACE_DEFINE_ENUM(x)	struct fuzz_enum_##x
#define TP_PROTO(...)		__VA_ARGS__
#define TP_ARGS(...)
#define TRACE_EVENT(name, proto, ...)					\
	static inline void trace_##name(proto) { }			\
	static inline bool trace_##name##_enabled(void) { return false; }
#define DECLARE_EVENT_CLASS(...)
#define DEFINE_EVENT(class, name, proto, args)				\
	static inline void trace_##name(proto) { }			\
	static inline bool trace_##name##_enabled(void) { return false; }

#endif
