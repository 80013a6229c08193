/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of channels, their work items, the bus, and a host that offers a device and
 * rescinds it. table.pml, which table.c prints, has the table of state.c, the choice of
 * the next event, and what entering a state changes. Written by hand, after the
 * functions that the comments name, is how inputs are posted, how the work item runs,
 * and what its steps do.
 *
 * What the library does under one lock is one atomic sequence here; ch->wait has
 * sleepers that must be woken up, and no time limits. At any time everybody may
 * stop asking for anything new (quiet); then all that was asked for has to come to its
 * end. So each wait that does not end is an invalid end state for SPIN.
 *
 * What there is, of which model.sh has the combinations:
 * CLIENTS	1 or 2; each of 2 is enabled and disabled once
 * OFFERS	1 or 2: is the device offered anew before the old offer is gone?
 * PACKETS	1: one whose memory the peer may access, 2: one without, 3: both
 * HELD		incoming packets, which the driver completes later
 * MACHINES	the machine is suspended and resumed
 * HIBERNATES	with an image: devices are resumed while it is written, and the kernel
 *		tells when it begins and when all is over
 * OLD		the peer wants GPADLs to be deleted before the rings are closed
 * SLEEP	who waits sleeps on ch->wait until it is woken up
 * STEPS	other things may happen between all steps, and not only between those
 *		that the bus or the host sees
 * PAUSES	calls of start and pause; without them a channel stays paused
 * FREES	the channel is freed in the end
 * TROUBLE	opens are refused and fail, drivers are unbound
 */
#include "table.pml"

/* Packets */
#define IDLE	0
#define QUEUED	1
#define FLYING	2	/* the peer has it */
#define DUE	3	/* ended, its routine has to run or runs */

/* Who sleeps on ch->wait */
#define DRIVER	0
#define WORK	1
#define MACHINE	2

typedef chan_t {
	KMCL_INPUTS
	unsigned state : 3;
	/* The work item */
	bit pending;
	bit running;
	bit asleep[3];
	bit disabling;		/* who has disabled has not seen Disabled yet */
	bit pausing;		/* the same of an idle run */
	bit suspending;
	bit closed_returned;
	/* ch->link and ch->tx */
	unsigned offer : 2;	/* its number and 1, or 0 */
	bit waiting;
	bit connected;
	bit shared;		/* the peer has the rings and the memory */
	bit linked;
	bit gate;
	bit deliver;		/* the incoming gate */
	bit held;		/* the driver has an incoming packet */
	bit sync_closed;
	bit sync;		/* post-started waits for an answer */
	bit tasklet;		/* of a dead link */
	bit gpadls;
	/* What the driver has seen */
	bit opened;
	bit started;
	bit freed;		/* ... or is being freed, and sends nothing */
	unsigned pkt0 : 2;
	unsigned pkt1 : 2;
};

typedef offer_t {
	bit used;
	bit dead;
	bit rescinded;
	bit gone;
	bit broken;
	bit released;
	bit release_work;
	bit suspended;
	unsigned user : 2;	/* the channel's number and 1, or 0 */
};

chan_t ch[CLIENTS];
offer_t ofr[2];
bit bus_lock;			/* kmcl_bus_lock, where it is held for long */
bit first;			/* the channel that was enabled earlier */
bit quiet;
bit suspends;			/* the machine has the lock of the device */
#if HIBERNATES
bit hibernating;		/* kmcl_hibernating */
bit image;			/* what is done now, the restored kernel would do again */
#else
#define hibernating	0
#define image		0
#endif

/* wake_up_all(&ch->wait) */
inline wake(c)
{
	ch[c].asleep[DRIVER] = 0;
	ch[c].asleep[WORK] = 0;
	ch[c].asleep[MACHINE] = 0
}

/* wait_event(): is on the list of sleepers before it looks */
#if SLEEP
inline wait_until(c, who, condition)
{
	do
	:: atomic { (condition) -> break }
	:: atomic { !(condition) -> ch[c].asleep[who] = 1; !ch[c].asleep[who] }
	od
}
#else
inline wait_until(c, who, condition)
{
	(condition)
}
#endif

/* kmcl_kick() of others than the work item; queue_work() does nothing if it waits */
inline kick(c)
{
	assert(!ch[c].freed);
	ch[c].pending = 1
}

/* kmcl_sync_abort() */
inline sync_abort(c)
{
#if STEPS
	ch[c].sync_closed = 1;
	ch[c].sync = 0
#else
	skip
#endif
}

/* kmcl_memory_in_use() */
#define IN_USE(c)	(ch[c].connected && !ofr[ch[c].offer - 1].rescinded)

/* kmcl_link_dead() up to the unlocking of ch->sm.lock, and the rest but for the kick */
inline dead_posted(c, remove)
{
	remove = 0;
	if
	:: !ch[c].in_dead ->
		ch[c].in_dead = 1;
		ch[c].in_dead_first = !ch[c].in_disable;
		ch[c].in_lost = IN_USE(c);
		remove = ch[c].in_dead_first && ch[c].state != ST_PAUSED
	:: else
	fi
}

inline dead_seen(c, remove)
{
	ch[c].linked = 0;
	ch[c].gate = 0;
	if
	:: ch[c].connected ->
		sync_abort(c);
#if STEPS
		if
		:: remove -> ch[c].tasklet = 1
		:: else
		fi
#endif
	:: else
	fi;
	remove = 0
}

/* kmcl_done_add() */
#define ended(c, state)							\
	assert((state) == QUEUED || (state) == FLYING);			\
	state = DUE

/* end_in_flight(); the peer may access the memory of packet 0 */
inline end_in_flight(c, keep)
{
	if
	:: ch[c].pkt0 == FLYING && !(keep) ->
		assert(!ch[c].shared || ofr[ch[c].offer - 1].rescinded);
		ended(c, ch[c].pkt0)
	:: else
	fi;
	if
	:: ch[c].pkt1 == FLYING -> ended(c, ch[c].pkt1)
	:: else
	fi
}

/* kmcl_tx_flush() */
inline flush(c)
{
	if
	:: ch[c].gate && ch[c].pkt0 == QUEUED -> ch[c].pkt0 = FLYING
	:: else
	fi;
	if
	:: ch[c].gate && ch[c].pkt1 == QUEUED -> ch[c].pkt1 = FLYING
	:: else
	fi
}

#define ROUTINES_RETURNED(c)						\
	(ch[c].pkt0 != DUE && ch[c].pkt1 != DUE)

#if CLIENTS == 2
/* The order of kmcl_channels */
#define FIRST	first
#define LAST	(1 - first)
#else
#define FIRST	0
#define LAST	0
#endif

/* match_offer() */
#define TAKES(c, o)							\
	(ch[c].waiting && ch[c].in_enabled && !ch[c].in_disable && !ch[c].in_dead && \
	 !ch[c].offer && FREE(o))
#define FREE(o)								\
	(ofr[o].used && !ofr[o].gone && !ofr[o].dead && !ofr[o].broken &&	\
	 !ofr[o].user)

inline bind(c, o)
{
	ch[c].offer = o + 1;
	ofr[o].user = c + 1;
	if
	:: ofr[o].suspended -> ch[c].in_frozen = 1
	:: else
	fi;
	ch[c].in_link = 1;
	kick(c)
}

inline match_offer(o)
{
	if
	:: TAKES(FIRST, o) -> bind(FIRST, o)
	:: else ->
		if
		:: TAKES(LAST, o) -> bind(LAST, o)
		:: else
		fi
	fi
}

/* release_or_match() */
inline release_or_match(o)
{
	if
	:: ofr[o].dead && !ofr[o].gone && !ofr[o].released && !ofr[o].user ->
		ofr[o].released = 1
	:: else -> match_offer(o)
	fi
}

/* kmcl_tx_wait_done() */
inline wait_done(c, who)
{
	wait_until(c, who, ROUTINES_RETURNED(c))
}

/* open_link(): the host lets it, refuses, or the device is gone */
inline open_link(c, outcome, o, remove)
{
	atomic {
		assert(ch[c].offer && !ch[c].connected && !ch[c].opened);
		assert(!image);
		o = ch[c].offer - 1;
		if
		:: !ofr[o].rescinded -> ch[c].shared = 1; ch[c].connected = 1
#if TROUBLE
		:: !ofr[o].rescinded -> outcome = EV_OPEN_REFUSED
#endif
		:: !bus_lock && (ofr[o].rescinded || TROUBLE && !quiet) ->
			/* kmcl_bus_broken(); the host rescinds it, now or later */
			ofr[o].broken = 1;
			outcome = EV_DEAD
		fi;
		o = 0
	};
	if
	:: atomic { outcome == EV_DEAD ->
		ch[c].in_link = 0;
		dead_posted(c, remove);
		dead_seen(c, remove);
		outcome = EV_NONE }
	:: atomic { outcome == EV_OPEN_REFUSED -> ch[c].in_link = 0 }
	:: atomic { outcome == EV_NONE ->
		ch[c].in_link = 0;
		ch[c].in_up = 1;
		ch[c].in_old = OLD;
		ch[c].gpadls = 1 };
	   /* The opened callback */
	   if
	   :: atomic {
		outcome = EV_OPEN_OK;
		ch[c].opened = 1;
		ch[c].linked = !ch[c].in_dead }
#if TROUBLE
	   :: atomic {
		outcome = (ch[c].in_old -> EV_OPEN_UNDONE_OLD : EV_OPEN_UNDONE);
		ch[c].closed_returned = 1 }
#endif
	   fi
	fi
}

/* closed(): once for each Opened, when all has ended that can */
inline closed(c)
{
	assert(ch[c].opened && !ch[c].started && !ch[c].gate && !ch[c].deliver &&
	       !ch[c].held && !ch[c].sync);
	assert(ch[c].pkt1 != FLYING && (ch[c].pkt0 != FLYING || ch[c].shared));
	ch[c].opened = 0;
	ch[c].closed_returned = 1
}

/* The suspend callback */
inline suspend_callback(c)
{
	assert(ch[c].started && !ch[c].gate && !ch[c].deliver);
	ch[c].started = 0
}

/* unbind() */
inline unbind(c, o)
{
	atomic {
		!bus_lock;
		assert(!ch[c].opened && !ch[c].connected && !ch[c].gpadls &&
		       ch[c].pkt0 != FLYING && ch[c].pkt1 != FLYING);
		o = ch[c].offer;
		ch[c].offer = 0;
		ch[c].waiting = 0;
		if
		:: o -> ofr[o - 1].user = 0
		:: else
		fi
	};
	if
	:: atomic { o && !bus_lock -> o--; release_or_match(o); o = 0 }
	:: !o
	fi;
	/* tasklet_kill() */
	atomic {
		!ch[c].tasklet;
		ch[c].in_link = 0;
		ch[c].in_dead = 0;
		ch[c].in_dead_first = 0;
		ch[c].in_lost = 0;
		ch[c].in_frozen = 0
	}
}

/* kmcl_seek() */
inline seek(c, o)
{
	assert(!ch[c].in_up);
	ch[c].waiting = 1;
	o = 0;
	do
	:: o == 2 || ch[c].offer -> break
	:: else ->
		if
		:: FREE(o) -> match_offer(o)
		:: else
		fi;
		o++
	od;
	o = 0
}

/* Steps that nothing can come between: part of run_step() */
#define ALONE(step)							\
	(step == DO_CB_STARTED || step == DO_GPADL_SHUT ||		\
	 step == DO_GPADL_END || step == DO_MMIO_FREE || step == DO_CB_FAILURE)

#if STEPS
#define QUICK(step)	ALONE(step)
#else
/* Without packets, only what the bus and the host see is a step of its own */
#define QUICK(step)							\
	(step && step != DO_SEEK && step != DO_OPEN && step != DO_DISCONNECT && \
	 step != DO_UNBIND)
#endif

inline quick_step(c, step)
{
	if
	:: step == DO_CB_STARTED ->
		assert(ch[c].opened && !ch[c].started && !ch[c].gate && !ch[c].held);
		ch[c].started = 1
	:: step == DO_GPADL_SHUT -> assert(ch[c].in_up)
	:: step == DO_GPADL_END -> assert(!ch[c].opened); ch[c].gpadls = 0
	:: step == DO_MMIO_FREE -> assert(ch[c].offer && !ch[c].shared)
	:: step == DO_CB_FAILURE ->
		assert(!ch[c].opened);
		ch[c].closed_returned = 1
#if !STEPS
	:: step == DO_GATES ->
		ch[c].gate = ch[c].linked;
		ch[c].in_post = 1;
		ch[c].deliver = 1
	:: step == DO_CB_POST -> assert(ch[c].started); ch[c].in_post = 0
	:: step == DO_SHUT -> ch[c].deliver = 0; ch[c].gate = 0
	:: step == DO_CB_SUSPEND -> suspend_callback(c)
	:: step == DO_DRAIN || step == DO_WAIT_DONE
	:: step == DO_CANCEL || step == DO_REMOVE || step == DO_RELEASE ->
		sync_abort(c)
	:: step == DO_CB_CLOSED -> closed(c)
#endif
	fi
}

/* run_step(), the other steps */
inline run_step(c, step, outcome, o, remove)
{
	if
	:: step == DO_END
	:: atomic { step == DO_SEEK && !bus_lock -> seek(c, o) }
	:: step == DO_OPEN -> open_link(c, outcome, o, remove)
#if STEPS
	:: step == DO_GATES ->
		ch[c].gate = ch[c].linked;
		atomic { flush(c); ch[c].in_post = 1; ch[c].deliver = 1 }
	:: atomic { step == DO_CB_POST -> assert(ch[c].started); ch[c].in_post = 0 };
		/* The callback, which may wait for an answer */
		if
		:: skip
		:: atomic { !ch[c].sync_closed && ch[c].gate -> ch[c].sync = 1 };
end_sync:		!ch[c].sync
		fi
	:: step == DO_SHUT -> ch[c].deliver = 0; ch[c].gate = 0
	:: atomic { step == DO_CB_SUSPEND -> suspend_callback(c) }
	:: step == DO_DRAIN -> wait_until(c, WORK, !ch[c].held)
	:: atomic { step == DO_CANCEL || step == DO_REMOVE ->
		assert(!ch[c].gate);
		sync_abort(c);
		end_in_flight(c, IN_USE(c)) }
	:: step == DO_WAIT_DONE -> wait_done(c, WORK)
	:: step == DO_RELEASE ->
		atomic { sync_abort(c); end_in_flight(c, 0) };
		wait_done(c, WORK)
	:: atomic { step == DO_CB_CLOSED -> closed(c) }
#endif
	:: step == DO_DISCONNECT ->
		/* kmcl_disconnect() and set_up(); an old peer wants no GPADL left */
		atomic { ch[c].linked = 0; ch[c].gate = 0; ch[c].connected = 0 };
		atomic {
			assert(ch[c].in_up && ch[c].shared &&
			       !(ch[c].in_old && ch[c].gpadls));
			ch[c].shared = 0;
			ch[c].in_up = 0;
			ch[c].in_old = 0
		}
	:: step == DO_UNBIND -> unbind(c, o)
	fi
}

/* enter(), with what run_event() does before; then the event that has come of it */
inline enter(c, ev, next)
{
	ch[c].state = next;
	arrive(c, ev, next);
	if
	:: next == ST_DISABLED || ev == EV_DONE_FREEZE || ev == EV_DONE_FREEZE_OLD ->
		ch[c].closed_returned = 0
	:: else
	fi;
	if
	:: next == ST_DISABLED ->
		sync_abort(c);
		ch[c].disabling = 0;
		assert(!ch[c].opened && !ch[c].offer && !ch[c].shared)
	:: else
	fi
}

/* channel_work() */
proctype work_item(byte c)
{
	byte ev, next, step, outcome, o;
	bit remove;
	int row;

end:
	do
	:: atomic { ch[c].pending -> ch[c].pending = 0; ch[c].running = 1 };
	   do
	   :: atomic {
		ev = NEXT_EVENT(c);
		if
		:: ev == EV_NONE -> ch[c].pausing = 0; ch[c].suspending = 0
		:: else -> find_row(ch[c].state, ev, next, row)
		fi
#if SLEEP
	      };
	      atomic {
		wake(c);
#endif
		if
		:: ev == EV_NONE -> ch[c].running = 0; break
		:: else
		fi
	      };
	      /* run_event() */
	      do
	      :: ev == EV_NONE -> break
	      :: ev != EV_NONE ->
		do
		:: atomic {
			do
			:: QUICK((row & 31)) ->
				quick_step(c, (row & 31));
				row = row >> STEP_BITS
			:: else -> break
			od;
			step = row & 31;
			row = row >> STEP_BITS;
			if
			:: step == DO_END -> break
			:: else
			fi
		   };
		   run_step(c, step, outcome, o, remove)
		od;
		atomic {
			enter(c, ev, next);
			ev = outcome;
			outcome = EV_NONE;
			next = 0;
			step = 0;
			if
			:: ev != EV_NONE -> find_row(ch[c].state, ev, next, row)
			:: else
			fi
		}
	      od
	   od
	od
}

/* kmcl_channel_disable() */
inline disable(c)
{
	if
	:: atomic { ch[c].in_enabled ->
		ch[c].in_disable = 1;
		ch[c].disabling = 1;
		sync_abort(c) };
	   atomic { kick(c) };
	   wait_until(c, DRIVER, !ch[c].disabling);
	   assert(ch[c].state == ST_DISABLED && !ch[c].in_enabled)
	:: atomic { !ch[c].in_enabled }
	fi
}

/* kmcl_channel_enable() */
inline enable(c)
{
	wait_until(c, DRIVER, !ch[c].closed_returned);
	if
	:: atomic { !ch[c].in_enabled && ch[c].state == ST_DISABLED && !bus_lock ->
		/* kmcl_wait_begin() */
		ch[c].waiting = 1;
#if CLIENTS == 2
		first = 1 - c;
#endif
#if STEPS
		};
	   atomic {
#endif
		ch[c].in_enabled = 1;
#if !PAUSES
		/* It stays paused: fewer states to go through */
		ch[c].in_run = 0;
#endif
		ch[c].sync_closed = 0 };
	   atomic { kick(c) }
	:: atomic { ch[c].in_enabled || ch[c].state != ST_DISABLED }
	fi
}

/* channel.c: what a driver calls, one call after the other */
proctype driver(byte c)
{
#if CLIENTS == 2
	/* Once each, for fewer states */
	if
	:: quiet
	:: !quiet -> enable(c)
	fi;
	if
	:: quiet
	:: !quiet -> disable(c)
	fi
#else
	do
	:: quiet -> break
	:: !quiet -> enable(c)
	:: !quiet -> disable(c)
#if PAUSES
	:: !quiet ->
		/* kmcl_channel_start() */
		wait_until(c, DRIVER, !ch[c].closed_returned);
		ch[c].in_run = 1;
		atomic { kick(c) }
	:: !quiet ->
		/* kmcl_channel_pause() */
		wait_until(c, DRIVER, !ch[c].closed_returned);
		atomic {
			ch[c].in_run = 0;
			ch[c].pausing = ch[c].state > ST_ENABLED
		};
		atomic { kick(c) };
		wait_until(c, DRIVER, !ch[c].pausing);
		assert(ch[c].state != ST_STARTING && ch[c].state != ST_ACTIVE)
#endif
	od;
#endif
#if FREES
	if
	:: skip
	:: /* kmcl_channel_free() */
		wait_until(c, DRIVER, !ch[c].closed_returned);
		disable(c);
		/* kmcl_tx_fail_queued() */
		atomic {
			ch[c].freed = 1;
			if
			:: ch[c].pkt0 == QUEUED -> ended(c, ch[c].pkt0)
			:: else
			fi;
			if
			:: ch[c].pkt1 == QUEUED -> ended(c, ch[c].pkt1)
			:: else
			fi
		};
		/* flush_work() */
		!ch[c].pending && !ch[c].running;
		wait_done(c, DRIVER);
		/* Each packet that was accepted has ended */
		assert(ch[c].pkt0 == IDLE && ch[c].pkt1 == IDLE && !ch[c].tasklet)
	fi
#endif
}

/* The driver sends one */
#define send(c, pkt)							\
	pkt == IDLE && !quiet && !ch[c].freed ->			\
	if								\
	:: ch[c].gate && ch[c].pkt0 != QUEUED && ch[c].pkt1 != QUEUED -> \
		pkt = FLYING						\
	:: else -> pkt = QUEUED						\
	fi

/* What happens to packets: each of these at any time */
proctype traffic(byte c)
{
end:
	do
#if PACKETS & 1
	:: atomic { send(c, ch[c].pkt0) }
#endif
#if PACKETS & 2
	:: atomic { send(c, ch[c].pkt1) }
#endif
	/* The peer completes one */
	:: atomic { ch[c].pkt0 == FLYING && ch[c].deliver && ch[c].shared ->
		ended(c, ch[c].pkt0) }
	:: atomic { ch[c].pkt1 == FLYING && ch[c].deliver && ch[c].shared ->
		ended(c, ch[c].pkt1) }
	/* It answers the request; it has to if somebody waits for a pause */
	:: atomic { ch[c].sync && ch[c].deliver && (!quiet || ch[c].pausing) ->
		ch[c].sync = 0 }
	/* kmcl_done_run() */
	:: atomic { ch[c].pkt0 == DUE -> ch[c].pkt0 = IDLE; wake(c) }
	:: atomic { ch[c].pkt1 == DUE -> ch[c].pkt1 = IDLE; wake(c) }
	/* dead_tasklet() */
	:: atomic { ch[c].tasklet ->
		sync_abort(c);
		end_in_flight(c, ch[c].in_lost);
		ch[c].tasklet = 0 }
#if HELD
	/* The peer sends one, and the driver completes it */
	:: atomic { !quiet && ch[c].deliver && ch[c].shared && !ch[c].held ->
		ch[c].held = 1 }
	:: atomic { ch[c].held -> ch[c].held = 0; wake(c) }
#endif
	od
}

/* The device is there, as the host sees it */
#define THERE(o)	(ofr[o].used && !ofr[o].rescinded)

/* kmcl_link_dead(), after which kmcl_bus_lock is released */
inline link_dead(c, o, remove)
{
	if
	:: atomic { ofr[o].user ->
		c = ofr[o].user - 1;
		dead_seen(c, remove);
		kick(c);
		c = 0;
		bus_lock = 0 }
	:: atomic { !ofr[o].user -> bus_lock = 0 }
	fi
}

inline post_dead(c, o, remove)
{
	if
	:: ofr[o].user -> c = ofr[o].user - 1; dead_posted(c, remove); c = 0
	:: else
	fi
}

/* An offer: the host makes it and rescinds it, and the transport drops it */
proctype offering(byte o)
{
	byte c;
	bit remove;

end:
	do
	/* kmcl_offer_add() */
	:: atomic { !quiet && !ofr[o].used && !THERE(1 - o) && !bus_lock ->
		ofr[o].used = 1;
		ofr[o].suspended = hibernating;
		match_offer(o) }
	/* kmcl_offer_rescind(); has to be called if an open found it gone */
	:: atomic { THERE(o) && !ofr[o].gone && (!quiet || ofr[o].broken) && !bus_lock ->
		bus_lock = 1;
		ofr[o].rescinded = 1;
		ofr[o].dead = 1;
		ofr[o].release_work = !ofr[o].user;
		post_dead(c, o, remove) };
	   link_dead(c, o, remove)
	/* release_work() */
	:: atomic { ofr[o].release_work && !bus_lock ->
		ofr[o].release_work = 0;
		release_or_match(o) }
	/* kmcl_offer_gone(): it was released, or its driver is unbound */
	:: atomic { ofr[o].used && !ofr[o].gone &&
		    (TROUBLE && !quiet || ofr[o].released) &&
		    !suspends && !bus_lock ->
		bus_lock = 1;
		ofr[o].gone = 1;
		ofr[o].dead = 1;
		post_dead(c, o, remove) };
	   link_dead(c, o, remove)
	/* Nobody uses it any more */
	:: atomic { ofr[o].gone && !ofr[o].user && !ofr[o].release_work && !bus_lock ->
		ofr[o].used = 0;
		ofr[o].rescinded = 0;
		ofr[o].dead = 0;
		ofr[o].gone = 0;
		ofr[o].broken = 0;
		ofr[o].released = 0;
		ofr[o].suspended = 0 }
	od
}

#if MACHINES
#define OFFER_THERE	(ofr[0].used && !ofr[0].gone -> 0 : 1)

/* resume(), under kmcl_bus_lock */
inline resume(o, c)
{
	ofr[o].suspended = 0;
	if
	:: ofr[o].user ->
		c = ofr[o].user - 1;
		ch[c].in_frozen = 0;
		kick(c);
		c = 0
	:: else
	fi
}

/* All devices are suspended: from here on there is an image, until all is over */
inline snapshot()
{
#if HIBERNATES
	image = hibernating
#else
	skip
#endif
}

/* kmcl_offer_suspend(), kmcl_offer_resume() and kmcl_hibernation() */
proctype machine()
{
	byte o, c;

end:
	do
#if HIBERNATES
	/* PM_HIBERNATION_PREPARE */
	:: atomic { !quiet && !hibernating && !bus_lock -> hibernating = 1 }
	/* PM_POST_HIBERNATION: it was restored, or does not hibernate after all */
	:: atomic { hibernating && !bus_lock ->
		hibernating = 0;
		image = 0;
		do
		:: o == 2 -> break
		:: o < 2 && ofr[o].suspended -> resume(o, c); o++
		:: o < 2 && !ofr[o].suspended -> o++
		od;
		o = 0 }
#endif
	:: atomic { !quiet && !suspends && !bus_lock &&
		    (ofr[0].used && !ofr[0].gone || ofr[1].used && !ofr[1].gone) ->
		suspends = 1;
		o = OFFER_THERE;
		ofr[o].suspended = 1 };
	   if
	   :: atomic { ofr[o].user && !bus_lock ->
		c = ofr[o].user - 1;
		bus_lock = 1;
		ch[c].in_frozen = 1;
		ch[c].suspending = 1 };
	      atomic { kick(c); bus_lock = 0 };
	      do
	      :: atomic { !ch[c].suspending ->
			/* It does not use the device */
			assert(ch[c].offer != o + 1 ||
			       !ch[c].opened && !ch[c].shared);
			snapshot();
			break }
	      :: atomic { ch[c].suspending ->
			ch[c].asleep[MACHINE] = 1;
			if
			:: !ch[c].asleep[MACHINE]
			/* The time limit, which has a reason */
			:: ch[c].held || ch[c].sync ->
				ch[c].asleep[MACHINE] = 0;
				ch[c].suspending = 0;
				break
			fi }
	      od
	   :: atomic { !ofr[o].user -> snapshot() }
	   fi;
	   /* In a kernel that writes the image, or is restored, or goes on */
	   atomic { !bus_lock ->
		if
		:: !hibernating -> resume(o, c)
		:: else
		fi;
		suspends = 0;
		o = 0;
		c = 0 }
	od
}
#endif

/* Nothing new is asked for from here on */
proctype rest()
{
	quiet = 1
}

/* Nothing can go on: no input is left that was not handled */
proctype judge()
{
	bit handled, end_of_request;

end:
	timeout ->
	handled = NEXT_EVENT(0) == EV_NONE || ch[0].sync;
	end_of_request = !ch[0].sync || !ch[0].in_disable && !ch[0].in_dead;
#if CLIENTS == 2
	handled = handled && NEXT_EVENT(1) == EV_NONE;
#endif
	assert(handled);
	assert(end_of_request)
}

init {
	byte c;

	atomic {
		do
		:: c == CLIENTS -> break
		:: else ->
			ch[c].in_run = 1;
			sync_abort(c);
			run work_item(c);
			run driver(c);
			run traffic(c);
			c++
		od;
		c = 0;
		run offering(0);
#if OFFERS == 2
		run offering(1);
#endif
#if MACHINES
		run machine();
#endif
		run rest();
		run judge()
	}
}
