/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMBus host's objects, and its lowest layer: bus.c, event.c, answer.c and
 * gpadl.c, which all its files may call. Everything here is serialised by
 * vm->lock (see vmbhost.h).
 */
#ifndef HOST_H
#define HOST_H

#include "ring.h"
#include "vmbhost.h"
#include "wire.h"
#include "../../drivers/clients/kmcl_traffic_proto.h"

#define MAX_CHANNELS	512
/* Only so many can have a bit of the monitor page. */
#define MONITORS	128u
#define MSEC		1000000ull
#define SEC		1000000000ull
/* A guest signals a channel with this number plus the channel's relid. */
#define CONNECTION_BASE	0x10000u

/* The counters of a channel; "stats" prints these names. */
#define CHANNEL_COUNTERS(X)						\
	X(offers) X(rescinds) X(opens) X(opens_refused) X(closes)	\
	X(released) X(modifies)						\
	X(gpadls_created) X(gpadls_refused) X(gpadls_torn)		\
	X(gpadls_live) X(gpadls_left) X(gpadls_at_close)		\
	X(rx_packets) X(rx_bytes) X(rx_completions) X(rx_foreign)	\
	X(rx_requests)							\
	X(rx_checksum_errors) X(rx_length_errors) X(rx_pattern_errors)	\
	X(rx_order_errors) X(rx_duplicates) X(rx_missing)		\
	X(rx_left)							\
	X(gpa_ranges) X(gpa_bytes) X(gpa_foreign) X(gpa_checksum_errors) \
	X(tx_packets) X(tx_bytes) X(tx_completions) X(tx_blocked)	\
	X(tx_left) X(tx_outstanding)					\
	X(completions_unknown)						\
	X(signals_in) X(signals_out) X(signals_late) X(signals_empty)	\
	X(signals_wrong) X(wakeups) X(wakeups_late) X(wakeup_us)	\
	X(garbled) X(garble_answers) X(garble_messages)			\
	X(garble_offers) X(garble_results) X(garble_errors)		\
	X(ic_requests) X(ic_answers) X(ic_missed) X(ic_refused)		\
	X(files_sent) X(files_failed) X(files_cancelled) X(file_bytes)	\
	X(protocol_errors)

typedef unsigned long long counter;

struct counters {
#define X(name) counter name;
	CHANNEL_COUNTERS(X)
#undef X
};

enum behaviour_kind {
	BEHAVE_ECHO,
	BEHAVE_SINK,
	BEHAVE_SOURCE,
	BEHAVE_SLOW,
	BEHAVE_LATE,
	BEHAVE_OUT_OF_ORDER,
	BEHAVE_NEVER,
	BEHAVE_GARBLE,
	BEHAVE_HEARTBEAT,
	BEHAVE_FCOPY,
};

/* What an integration service does wrong: see ic.c */
enum fault {
	FAULT_NONE,
	FAULT_VERSIONS,		/* offers none that there is */
	FAULT_COUNTS,		/* says that there are more than in the message */
	FAULT_TYPE,		/* sends a message of another service */
	/* In copying a file */
	FAULT_OPERATION,	/* an operation that there is not */
	FAULT_DATA_FIRST,	/* data of no file */
	FAULT_COMPLETE_FIRST,	/* the end of no file */
	FAULT_TWICE,		/* begins the file once more after some data */
	FAULT_CUT,		/* the message ends in front of the path */
	FAULT_HUGE,		/* a size that no disk has */
	FAULT_SHORT,		/* the size is one more than what comes */
	FAULT_LONG,		/* the size is one less */
	FAULT_BEYOND,		/* data behind the end */
	FAULT_FAR,		/* data whose end wraps around */
	FAULT_OVERLAP,		/* data in part where the last are */
	FAULT_HOLE,		/* a byte is left out */
	FAULT_FRAGMENT,		/* says more bytes than are in the message */
};

/* UTF-16 units of a name, with the 0 at its end; bytes of a fragment */
#define FCOPY_NAME	260u
#define FCOPY_FRAGMENT	6144u
#define FILE_PATH	128u

/* Bits of a copy's flags */
#define FCOPY_OVERWRITE		1u
#define FCOPY_CREATE_PATH	2u

/* Kinds of mutations: see garble.c */
#define GARBLE_FIELDS	1u	/* types, flags, offsets, transaction ids */
#define GARBLE_LENGTHS	2u	/* descriptors that break the framing */
#define GARBLE_INDICES	4u
#define GARBLE_SIGNALS	8u
#define GARBLE_OFFERS	16u	/* offers and open results with odd fields */
#define GARBLE_ALL	31u

struct behaviour {
	enum behaviour_kind kind;
	uint64_t rate;		/* packets a second, 0: as many as fit */
	uint64_t count;		/* 0: no end */
	uint64_t delay;		/* nanoseconds */
	uint64_t seed;
	uint32_t size;		/* bytes of a payload */
	uint32_t depth;		/* completions held back to be mixed */
	uint32_t mutate;	/* GARBLE_* */
	uint32_t rare;		/* one in that many breaks the framing */
	uint32_t ranges;	/* of a transfer page packet; 0: in-band ones */
	bool completion;	/* the host requests completions */
	bool keep;		/* late ones are sent after the channel was closed */
	enum fault fault;
	/* A copy of a file, or of made bytes; it is cancelled after so many parts. */
	char file[FILE_PATH];
	uint64_t bytes, cancel;
	uint32_t copy_flags;
	uint16_t name[FCOPY_NAME], path[FCOPY_NAME];
};

enum channel_state {
	CHANNEL_ABSENT,		/* the guest does not know it */
	CHANNEL_OFFERED,
	CHANNEL_OPENING,	/* the result of the open is withheld */
	CHANNEL_OPEN,
	CHANNEL_RESCINDED,	/* until the guest releases its relid */
};

/* A packet that waits for its time or for room. */
struct pending_packet {
	struct pending_packet *next;
	uint64_t due;
	struct descriptor desc;
	uint32_t bytes;
	bool answered;	/* by a mutation: see garble.c */
	uint8_t payload[];
};

#define SEQUENCE_WINDOW	65536u
/* Number of the guest's transaction ids that a garbling host remembers. */
#define GARBLE_IDS	64u

/* The next message of a copy, by its number in the protocol. */
enum fcopy_step {
	FCOPY_START,
	FCOPY_DATA,
	FCOPY_COMPLETE,
	FCOPY_CANCEL,
	FCOPY_DONE,
};

/**
 * struct fcopy - a file that is being copied to the guest
 * @begun:	the guest has taken a START, and no end
 * @again:	after a CANCEL the file is sent
 * @twice:	it has been begun twice
 * @bytes:	of the file
 * @offset:	how many of them the guest has, @fragments in all
 * @crc:	of these; @sent_crc with those @sent last
 * @status:	what the guest said to the last file
 */
struct fcopy {
	enum fcopy_step step;
	bool begun, again, twice;
	uint64_t bytes, offset, fragments;
	uint32_t sent, crc, sent_crc, status;
};

/**
 * struct ic - an integration service's connection with the guest: see ic.c
 * @sent:	the last message but for its body
 * @waits:	it has no answer yet
 * @stale:	the answer will be to what an earlier behaviour has sent
 * @negotiated:	the versions are known
 * @refused:	the guest wants none of the versions, or knows not what was sent
 * @done:	what its service has done since it was opened or told to
 * @due:	when it does the next thing
 * @status:	what the guest has answered last
 * @sequence:	of the heartbeat
 */
struct ic {
	struct {
		uint32_t framework, version;
		uint16_t type, bytes;
	} sent;
	bool waits, stale, negotiated, refused;
	uint32_t framework, version, status;
	uint8_t transaction;
	uint64_t done, due, sequence;
	struct fcopy fcopy;
};

/* Which packets of a sender have come. */
struct sequence {
	uint64_t next;
	uint8_t seen[SEQUENCE_WINDOW / 8];
};

/**
 * struct channel - a device, also while it is not offered or not open
 * @wanted:	offer it as soon as that is possible
 * @primary:	primary channel of a sub-channel
 * @pages:	pages of both rings, while it is open
 * @stalled:	nothing is read
 * @unstalled:	when it was read again, until the guest signals; 0: it was not
 * @ready:	there may be something to do
 * @masked:	the interrupt mask is set: the guest need not signal
 * @dirty:	something was written since pending_send_sz was set
 * @monitored:	the guest may signal through the monitor page
 * @tainted:	the rings were garbled: what the guest does then is no error
 * @allowance:	signals that a correct guest can still send
 * @garble_ids:	transaction ids of the guest's last packets that wanted a
 *		completion; @garble_requests counts those packets
 * @garble_until: time until which the host does nothing, so that the guest sees
 *		a wrong index
 * @due:	time at which to work on it without a signal
 */
struct channel {
	struct vmbus *bus;
	unsigned int number;
	struct guid class, instance;
	uint16_t flags, mmio_mib, sub_index, subs;
	uint8_t user[120];
	struct channel *primary;

	enum channel_state state;
	bool wanted, stalled, ready, masked, dirty, tainted, monitored;
	uint32_t relid, vp, ring_gpadl, downstream;
	uint8_t **pages;
	struct ring rx, tx;
	uint64_t allowance, due, unstalled;

	struct behaviour behaviour;
	struct pending_packet *pending, **pending_end;
	uint32_t pending_count;
	uint64_t source_next, source_sent, tx_sequence, tx_trans;
	uint64_t *outstanding;	/* SEQUENCE_WINDOW of them, by transaction id */
	uint64_t garble_state, garble_last_trans;
	uint64_t garble_ids[GARBLE_IDS], garble_requests, garble_until;
	struct ic ic;
	struct sequence rx_sequence[KMCL_TRAFFIC_SENDERS];
	struct counters count;
};

struct gpadl {
	struct gpadl *next;
	struct channel *channel;
	uint32_t handle, bytes, got, ranges;
	bool complete, ring;
	uint8_t *data;
};

/* What can be refused or withheld. */
enum answer {
	ANSWER_OPEN,
	ANSWER_GPADL,
	ANSWER_TEARDOWN,
	ANSWERS,
	/* Has no answer of its own, and can only be refused. */
	ANSWER_BODY = ANSWERS,
	ANSWER_CLOSE,
	REFUSALS
};

struct withheld {
	struct withheld *next;
	enum answer answer;
	struct channel *channel;
	uint32_t id;
	void (*give)(struct channel *channel, uint32_t id);
};

enum event {
	EVENT_OPEN, EVENT_CLOSE, EVENT_OFFER, EVENT_RELEASE, EVENT_GPADL,
	EVENT_TEARDOWN, EVENT_RX,
	EVENTS
};

struct rule;

/* A command and its time. */
struct timer {
	struct timer *next;
	uint64_t due;
	bool after;		/* of event_after(), and of no rule */
	char command[];
};

#define CONTROL_LINE	512u
#define CONTROL_REPLY	8192u

/* What a GPA-direct packet's ranges describe: see traffic_gather() */
struct gathered {
	uint32_t ranges;
	uint64_t range_bytes;
	uint32_t bytes;		/* of these, in the scratch buffer */
	bool wrong;
};

struct vmbus {
	struct vm *vm;
	uint32_t newest, version, connection;
	unsigned int vp, sint;
	bool connected, requested, urgent, quiet, freeing;
	uint64_t seed, errors, monitor_page[2];
	counter messages, unloads, restarts;

	struct channel *channels[MAX_CHANNELS];
	unsigned int channel_count;
	struct channel *by_relid[VMBUS_RELIDS];
	uint32_t last_relid;
	struct gpadl *gpadls;

	uint64_t refuse[REFUSALS];
	bool withhold[ANSWERS];
	struct withheld *withheld, **withheld_end;

	struct rule *rules, **rules_end;
	struct timer *timers;

	char line[CONTROL_LINE], reply[CONTROL_REPLY];
	unsigned int line_length, reply_at;
	bool line_too_long;

	uint8_t packet[PACKET_MAX], scratch[PACKET_MAX];
	struct gathered gathered;
};

/* bus.c */
void bus_send(struct vmbus *bus, void *message, uint32_t type, size_t length);
void bus_error(struct vmbus *bus, struct channel *channel, const char *format,
	       ...) __attribute__((format(printf, 3, 4)));
struct channel *channel_find(struct vmbus *bus, uint32_t relid);

/* event.c */
void event_happened(struct channel *channel, enum event event, uint64_t count);
int event_rule(struct vmbus *bus, int words, char **word, bool every,
	       const char **error);
void event_cancel(struct channel *channel);
int event_after(struct vmbus *bus, int words, char **word,
		const char **error);
void event_cancel_after(struct vmbus *bus);
uint64_t event_next(const struct vmbus *bus);
void event_free_all(struct vmbus *bus);

/* answer.c */
bool answer_refuse(struct vmbus *bus, enum answer answer);
void answer_give(struct channel *channel, enum answer answer, uint32_t id,
		 void (*give)(struct channel *channel, uint32_t id));
void answer_release(struct vmbus *bus, enum answer answer);
void answer_drop(struct channel *channel, bool all);

/* gpadl.c */
void gpadl_on_header(struct vmbus *bus, const void *payload, size_t length);
void gpadl_on_body(struct vmbus *bus, const void *payload, size_t length);
void gpadl_teardown(struct gpadl *gpadl);
struct gpadl *gpadl_find(struct vmbus *bus, uint32_t handle);
struct gpadl *gpadl_shared(const struct channel *channel);
uint8_t **gpadl_pages(struct vmbus *bus, const struct gpadl *gpadl,
		      uint32_t *count);
void gpadl_drop_all(struct channel *channel, bool left);

#endif
