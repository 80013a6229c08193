/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints. Each names its channel, by address and by instance GUID. They
 * may be hit under the library's locks and in softirq, and read nothing that
 * the peer can write.
 *
 * kmcl_fetch, kmcl_send, kmcl_fetch_done, kmcl_quota and kmcl_budget have the
 * meaning of events 1 to 5 of Windows' provider.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kmcl

#if !defined(_KMCL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _KMCL_TRACE_H

#include <linux/tracepoint.h>

#include "channel.h"
#include "state.h"

#define KMCL_STOPS(X)	\
	X(EMPTY) X(GATE) X(BUDGET) X(QUOTA) X(LIMIT) X(MEMORY) X(DEFER) \
	X(FAILED)
#define KMCL_CALLBACKS(X)	/* of the steps, those that call the driver */	\
	X(OPEN) X(CB_STARTED) X(CB_POST) X(CB_SUSPEND) X(CB_CLOSED) X(CB_FAILURE)
#define KMCL_BAD_KINDS(X)	\
	X(WRITE_INDEX) X(SHORT) X(OFFSET) X(LENGTH) X(TYPE) \
	X(SIZE) X(PIPE) X(EXTERNAL) X(DRIVER)
#define KMCL_DEFINE_STATE(name, text)	TRACE_DEFINE_ENUM(KMCL_ST_##name);
#define KMCL_DEFINE_EVENT(name)		TRACE_DEFINE_ENUM(KMCL_EV_##name);
#define KMCL_DEFINE_STEP(name)		TRACE_DEFINE_ENUM(KMCL_DO_##name);
#define KMCL_DEFINE_STOP(name)		TRACE_DEFINE_ENUM(KMCL_STOP_##name);
#define KMCL_DEFINE_BAD(name)		TRACE_DEFINE_ENUM(KMCL_BAD_##name);

TRACE_DEFINE_ENUM(KMCL_GPADL_CREATE);
TRACE_DEFINE_ENUM(KMCL_GPADL_DELETE);
TRACE_DEFINE_ENUM(KMCL_GPADL_MAP);
TRACE_DEFINE_ENUM(KMCL_GPADL_UNMAP);
KMCL_STATES(KMCL_DEFINE_STATE)
KMCL_EVENTS(KMCL_DEFINE_EVENT)
KMCL_CALLBACKS(KMCL_DEFINE_STEP)
KMCL_STOPS(KMCL_DEFINE_STOP)
KMCL_BAD_KINDS(KMCL_DEFINE_BAD)

#define KMCL_TRACE_STATE(name, text)	{ KMCL_ST_##name, text },
#define KMCL_TRACE_EVENT(name)		{ KMCL_EV_##name, #name },
#define KMCL_TRACE_STEP(name)		{ KMCL_DO_##name, #name },
#define KMCL_TRACE_STOP(name)		{ KMCL_STOP_##name, #name },
#define KMCL_TRACE_BAD(name)		{ KMCL_BAD_##name, #name },
#define KMCL_TRACE_END			{ -1, "?" }

#define KMCL_TRACE_CH			__field(const void *, channel)	\
					__array(u8, instance, 16)
#define KMCL_TRACE_SET(ch)						\
	do {								\
		__entry->channel = (ch);				\
		memcpy(__entry->instance, &(ch)->link.bound_instance, 16);	\
	} while (0)

TRACE_EVENT(kmcl_fetch,
	TP_PROTO(const struct kmcl_channel *ch, u64 trans_id, bool completion,
		 u32 len, bool external),
	TP_ARGS(ch, trans_id, completion, len, external),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(u64, trans_id)
		__field(u32, len)
		__field(bool, completion)
		__field(bool, external)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->trans_id = trans_id;
		__entry->len = len;
		__entry->completion = completion;
		__entry->external = external;
	),
	TP_printk("channel=%p instance=%pUl trans_id=%#llx is_completion=%d len=%u external=%d",
		  __entry->channel, __entry->instance, __entry->trans_id,
		  __entry->completion, __entry->len, __entry->external)
);

TRACE_EVENT(kmcl_send,
	TP_PROTO(const struct kmcl_channel *ch, u64 trans_id, bool completion,
		 u32 len, bool wait, u64 queued),
	TP_ARGS(ch, trans_id, completion, len, wait, queued),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(u64, trans_id)
		__field(u64, queued)
		__field(u32, len)
		__field(bool, completion)
		__field(bool, wait)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->trans_id = trans_id;
		__entry->queued = queued;
		__entry->len = len;
		__entry->completion = completion;
		__entry->wait = wait;
	),
	TP_printk("channel=%p instance=%pUl trans_id=%#llx is_completion=%d len=%u wait=%d queued_before=%llu",
		  __entry->channel, __entry->instance, __entry->trans_id,
		  __entry->completion, __entry->len, __entry->wait,
		  __entry->queued)
);

TRACE_EVENT(kmcl_fetch_done,
	TP_PROTO(const struct kmcl_channel *ch, u32 packets, int reason),
	TP_ARGS(ch, packets, reason),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(u32, packets)
		__field(int, reason)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->packets = packets;
		__entry->reason = reason;
	),
	TP_printk("channel=%p instance=%pUl packets=%u reason=%s",
		  __entry->channel, __entry->instance, __entry->packets,
		  __print_symbolic(__entry->reason,
				   KMCL_STOPS(KMCL_TRACE_STOP) KMCL_TRACE_END))
);

TRACE_EVENT(kmcl_quota,
	TP_PROTO(const struct kmcl_channel *ch, u32 outstanding, u32 quota),
	TP_ARGS(ch, outstanding, quota),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(u32, outstanding)
		__field(u32, quota)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->outstanding = outstanding;
		__entry->quota = quota;
	),
	TP_printk("channel=%p instance=%pUl outstanding=%u quota=%u",
		  __entry->channel, __entry->instance, __entry->outstanding,
		  __entry->quota)
);

/* @held: by packets that the driver has; @comps: by completions that wait */
TRACE_EVENT(kmcl_limit,
	TP_PROTO(const struct kmcl_channel *ch, u64 held, u64 comps, u32 limit),
	TP_ARGS(ch, held, comps, limit),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(u64, held)
		__field(u64, comps)
		__field(u32, limit)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->held = held;
		__entry->comps = comps;
		__entry->limit = limit;
	),
	TP_printk("channel=%p instance=%pUl held=%llu comps=%llu limit=%u",
		  __entry->channel, __entry->instance, __entry->held,
		  __entry->comps, __entry->limit)
);

TRACE_EVENT(kmcl_budget,
	TP_PROTO(const struct kmcl_channel *ch, u32 packets, u64 ns),
	TP_ARGS(ch, packets, ns),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(u32, packets)
		__field(u64, ns)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->packets = packets;
		__entry->ns = ns;
	),
	TP_printk("channel=%p instance=%pUl packets=%u ns=%llu",
		  __entry->channel, __entry->instance, __entry->packets,
		  __entry->ns)
);

TRACE_EVENT(kmcl_state,
	TP_PROTO(const struct kmcl_channel *ch, int from, int event, int to),
	TP_ARGS(ch, from, event, to),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(int, from)
		__field(int, event)
		__field(int, to)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->from = from;
		__entry->event = event;
		__entry->to = to;
	),
	TP_printk("channel=%p instance=%pUl from=%s event=%s to=%s",
		  __entry->channel, __entry->instance,
		  __print_symbolic(__entry->from,
				   KMCL_STATES(KMCL_TRACE_STATE) KMCL_TRACE_END),
		  __print_symbolic(__entry->event,
				   KMCL_EVENTS(KMCL_TRACE_EVENT) KMCL_TRACE_END),
		  __print_symbolic(__entry->to,
				   KMCL_STATES(KMCL_TRACE_STATE) KMCL_TRACE_END))
);

/*
 * @which: the step that is the callback. @status: what the opened callback has
 * returned, what the PnP failure callback is given, else 0.
 */
TRACE_EVENT(kmcl_callback,
	TP_PROTO(const struct kmcl_channel *ch, int which, bool enter,
		 int status),
	TP_ARGS(ch, which, enter, status),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(int, which)
		__field(bool, enter)
		__field(int, status)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->which = which;
		__entry->enter = enter;
		__entry->status = status;
	),
	TP_printk("channel=%p instance=%pUl which=%s %s status=%d",
		  __entry->channel, __entry->instance,
		  __print_symbolic(__entry->which,
				   KMCL_CALLBACKS(KMCL_TRACE_STEP) KMCL_TRACE_END),
		  __entry->enter ? "enter" : "exit", __entry->status)
);

TRACE_EVENT(kmcl_queue,
	TP_PROTO(const struct kmcl_channel *ch, const struct kmcl_packet *packet,
		 u64 depth),
	TP_ARGS(ch, packet, depth),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(u64, trans_id)
		__field(u64, depth)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->trans_id = kmcl_packet_id(packet);
		__entry->depth = depth;
	),
	TP_printk("channel=%p instance=%pUl trans_id=%#llx depth=%llu",
		  __entry->channel, __entry->instance, __entry->trans_id,
		  __entry->depth)
);

/* Before a large packet or completion, or a reply, is copied without the lock */
TRACE_EVENT(kmcl_copy,
	TP_PROTO(const struct kmcl_channel *ch, u32 len),
	TP_ARGS(ch, len),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(u32, len)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->len = len;
	),
	TP_printk("channel=%p instance=%pUl len=%u",
		  __entry->channel, __entry->instance, __entry->len)
);

TRACE_EVENT(kmcl_complete,
	TP_PROTO(const struct kmcl_channel *ch, const struct kmcl_packet *packet,
		 int status),
	TP_ARGS(ch, packet, status),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(const void *, packet)
		__field(u64, trans_id)
		__field(int, status)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->packet = packet;
		__entry->trans_id = kmcl_packet_id(packet);
		__entry->status = status;
	),
	TP_printk("channel=%p instance=%pUl packet=%p trans_id=%#llx status=%d",
		  __entry->channel, __entry->instance, __entry->packet,
		  __entry->trans_id, __entry->status)
);

DECLARE_EVENT_CLASS(kmcl_incoming,
	TP_PROTO(const struct kmcl_channel *ch, u64 trans_id),
	TP_ARGS(ch, trans_id),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(u64, trans_id)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->trans_id = trans_id;
	),
	TP_printk("channel=%p instance=%pUl trans_id=%#llx",
		  __entry->channel, __entry->instance, __entry->trans_id)
);

DEFINE_EVENT(kmcl_incoming, kmcl_defer,
	TP_PROTO(const struct kmcl_channel *ch, u64 trans_id),
	TP_ARGS(ch, trans_id)
);

DEFINE_EVENT(kmcl_incoming, kmcl_fail,
	TP_PROTO(const struct kmcl_channel *ch, u64 trans_id),
	TP_ARGS(ch, trans_id)
);

/* Fields as the peer wrote them, in units of 8 bytes; 0 without a descriptor */
TRACE_EVENT(kmcl_bad_packet,
	TP_PROTO(const struct kmcl_channel *ch, int kind, u16 len8, u16 offset8,
		 u16 type),
	TP_ARGS(ch, kind, len8, offset8, type),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(int, kind)
		__field(u16, len8)
		__field(u16, offset8)
		__field(u16, type)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->kind = kind;
		__entry->len8 = len8;
		__entry->offset8 = offset8;
		__entry->type = type;
	),
	TP_printk("channel=%p instance=%pUl reason=%s len8=%u offset8=%u type=%u",
		  __entry->channel, __entry->instance,
		  __print_symbolic(__entry->kind,
				   KMCL_BAD_KINDS(KMCL_TRACE_BAD) KMCL_TRACE_END),
		  __entry->len8, __entry->offset8, __entry->type)
);

TRACE_EVENT(kmcl_gpadl,
	TP_PROTO(const struct kmcl_channel *ch, int op, u32 handle, u32 bytes,
		 int status),
	TP_ARGS(ch, op, handle, bytes, status),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(int, op)
		__field(u32, handle)
		__field(u32, bytes)
		__field(int, status)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->op = op;
		__entry->handle = handle;
		__entry->bytes = bytes;
		__entry->status = status;
	),
	TP_printk("channel=%p instance=%pUl op=%s handle=%#x bytes=%u status=%d",
		  __entry->channel, __entry->instance,
		  __print_symbolic(__entry->op,
				   { KMCL_GPADL_CREATE, "create" },
				   { KMCL_GPADL_DELETE, "delete" },
				   { KMCL_GPADL_MAP, "map" },
				   { KMCL_GPADL_UNMAP, "unmap" }),
		  __entry->handle, __entry->bytes, __entry->status)
);

TRACE_EVENT(kmcl_sync,
	TP_PROTO(const struct kmcl_channel *ch, s64 timeout, int status),
	TP_ARGS(ch, timeout, status),
	TP_STRUCT__entry(KMCL_TRACE_CH
		__field(s64, timeout)
		__field(int, status)
	),
	TP_fast_assign(KMCL_TRACE_SET(ch);
		__entry->timeout = timeout;
		__entry->status = status;
	),
	TP_printk("channel=%p instance=%pUl timeout=%lld status=%d",
		  __entry->channel, __entry->instance, __entry->timeout,
		  __entry->status)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
