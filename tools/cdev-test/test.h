/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The parts of cdev-test, which tests /dev/kmcl/NAME in a guest of tools/vmbhost whose
 * device is an echo. Results are TAP, on the standard output.
 */
#ifndef CDEV_TEST_H
#define CDEV_TEST_H

#include <errno.h>
#include <linux/kmcl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WAIT_MS	10000		/* for what has to happen */

/* tap.c */
extern unsigned int tap_failed;

void tap_check(bool good, const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void tap_plan(void);
void die(const char *what);

/* A check, named by its text */
#define OK(condition)	tap_check(condition, __FILE__, __LINE__, "%s", #condition)

/* It returns this, which is shown if it does not */
#define EQ(call, value)							\
	do {								\
		long long _is = (call), _want = (value);		\
									\
		tap_check(_is == _want, __FILE__, __LINE__,		\
			  "%s: %lld, expected %lld, errno %d", #call,	\
			  _is, _want, errno);				\
	} while (0)

/* It fails with this errno */
#define FAILS(call, error)						\
	do {								\
		int _error = (error);					\
		long long _is;						\
									\
		errno = 0;						\
		_is = (call);						\
		tap_check(_is == -1 && errno == _error, __FILE__,	\
			  __LINE__, "%s: %lld, errno %d, expected %d",	\
			  #call, _is, errno, _error);			\
	} while (0)

/* ring.c: io_uring by its system calls */
struct ring;

struct ring *ring_new(void);
void ring_one_cpu(struct ring *ring);
void ring_free(struct ring *ring);
void ring_read(struct ring *ring, int fd, void *buf, unsigned int len,
	       uint64_t id);
void ring_write(struct ring *ring, int fd, const void *buf, unsigned int len,
		uint64_t id);
void ring_fsync(struct ring *ring, int fd, uint64_t id);
void ring_cancel(struct ring *ring, uint64_t target, uint64_t id);
void ring_request(struct ring *ring, int fd, struct kmcl_request *r,
		  uint64_t id);
void ring_poll(struct ring *ring, int fd, unsigned int events, uint64_t id);
int ring_submit(struct ring *ring);
/* The next result, in @id and @res; false: none in time */
bool ring_result(struct ring *ring, int ms, uint64_t *id, int *res);

/* host.c */
extern const char *dev;		/* its node */

int dev_open(int flags);
void host(const char *command);		/* for our device, such as "rescind" */
void wait_state(int fd, unsigned int state);
struct kmcl_stats stats_of(int fd);
unsigned int state_of(int fd);
/* Until a call has begun to wait, in a thread or process of ours */
void wait_sleeping(pid_t tid);
/* A command that has the number of our device for each %s */
void host_rule(const char *command);
void configure(const char *attribute, const char *value);
long now_ms(void);

/* waits.c */
enum what { READ, WRITE, FSYNC, REQUEST, POLL };

int call(enum what what, int fd);	/* its errno, or 0 */
/* A process' exit status, or minus the signal; -1000: it does not end */
int ended(pid_t pid);

/* The tests */
void test_messages(void);
void test_poll(void);
void test_uring(void);
void test_waits(void);
void test_rescind(void);
void test_control(void);
void test_events(void);
void test_limits(void);
void test_requests(void);
void test_uring_requests(void);
void test_killed(void);
void test_removed(void);
void test_across(void);

#endif
