/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The sample drivers/clients/kmcl_dynmem, against a Dynamic Memory service on the
 * loopback bus. The driver is compiled into dynmem_harness.c, and loaded and
 * unloaded by the tests instead of by the kernel.
 *
 * The service's callback also runs in softirqs; the service's lock is held for what it
 * writes, and the tests wait for it. Only dynmem_say(), dynmem_judge() and dynmem_got()
 * do not sleep.
 */
#ifndef _KMCL_TEST_DYNMEM_HARNESS_H
#define _KMCL_TEST_DYNMEM_HARNESS_H

#include <kunit/test.h>

#include <linux/jiffies.h>
#include <linux/kmcl.h>
#include <linux/spinlock.h>
#include <linux/wait.h>

#include "../drivers/clients/kmcl_dynmem.h"
#include "../drivers/clients/kmcl_dynmem_proto.h"

#define DYNMEM_LIMIT	(10 * HZ)
/* In sysfs; the driver has the name of the file that it is compiled into */
#define DYNMEM_FILES	"devices/dynmem_harness"

struct vfsmount;

/* The service, and what it has been sent */
struct dynmem_service {
	struct kunit *test;
	struct vfsmount *sysfs;
	struct kmcl_channel *ch;
	wait_queue_head_t wait;
	spinlock_t lock;		/* the rest */
	u32 version;			/* the one that it accepts; 0: none */
	bool mute;
	bool hold;			/* the next message, and read no other */
	struct kmcl_context *held;
	bool started;			/* the driver */
	u32 got[DM_INFO + 1];
	u32 bad;
};

/* The driver's state; and for how long it waits for an answer, in jiffies */
extern struct dynmem *const dynmem_driver;
extern const unsigned long dynmem_patience;

/* Of suites: test->priv is the service, which is there and enabled */
int dynmem_init(struct kunit *test);
void dynmem_exit(struct kunit *test);

/* Before the driver is loaded: its parameters, 4 pages and 10 ms otherwise */
void dynmem_set_ring_pages(unsigned int pages);
void dynmem_set_interval(unsigned int ms);
/* What the module's init function returns */
int dynmem_load(struct dynmem_service *s);
/* The same, and it succeeds */
void dynmem_start(struct dynmem_service *s);
/* Nothing happens if it is not loaded */
void dynmem_unload(struct dynmem_service *s);

void dynmem_say(struct dynmem_service *s, const void *msg, u32 len);
void dynmem_judge(struct dynmem_service *s, u16 type, bool accept);
/* Complete the message that is held */
void dynmem_read_on(struct dynmem_service *s);
u32 dynmem_got(struct dynmem_service *s, enum dm_type type);

/* What writing a command into the driver's file returns: 0 or an error */
ssize_t dynmem_told(struct dynmem_service *s, const char *command);
/* The channel has that state within DYNMEM_LIMIT */
bool dynmem_becomes(struct dynmem_service *s, const char *state);

#define dynmem_wait(s, condition)					\
	do {								\
		struct dynmem_service *_s = (s);			\
									\
		KUNIT_ASSERT_GT(_s->test,				\
				wait_event_timeout(_s->wait, condition,	\
						   DYNMEM_LIMIT), 0);	\
	} while (0)

#endif
