/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Commands of io_uring, as the newest kernels have them. There are no locks here.
 */
#ifndef _KMCL_COMPAT_URING_H
#define _KMCL_COMPAT_URING_H

/* Kbuild.probes has looked for it */
#ifdef KMCL_IO_URING_CMD_H
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif

/* 6.1 copies the command, later kernels have the entry of the queue */
#ifndef io_uring_cmd_to_pdu
#define cmd_words(c)	((const u64 *)(c)->cmd)
#elif defined(io_uring_sqe_cmd)
#define cmd_words(c)	io_uring_sqe_cmd((c)->sqe, u64)
#else
#define cmd_words(c)	((const u64 *)io_uring_sqe_cmd((c)->sqe))
#endif

/* Newer kernels have no second result, but give it with the request */
#ifdef IO_URING_CMD_TASK_WORK_ISSUE_FLAGS
#define cmd_done(c, ret, flags)	io_uring_cmd_done(c, ret, flags)
#else
#define cmd_done(c, ret, flags)	io_uring_cmd_done(c, ret, 0, flags)
#endif

/* Does io_uring say when a command is to be cancelled? */
#ifdef IORING_URING_CMD_CANCELABLE
static inline bool is_cancel(unsigned int issue_flags)
{
	return issue_flags & IO_URING_F_CANCEL;
}

static inline void may_be_cancelled(struct io_uring_cmd *cmd,
				    unsigned int issue_flags)
{
	io_uring_cmd_mark_cancelable(cmd, issue_flags);
}
#else
static inline bool is_cancel(unsigned int issue_flags)
{
	return false;
}

static inline void may_be_cancelled(struct io_uring_cmd *cmd,
				    unsigned int issue_flags)
{
}
#endif

/* A function for task work, which calls another one with the command and flags */
#ifdef IO_URING_CMD_TASK_WORK_ISSUE_FLAGS
#define CMD_TASK_WORK(name, call)					\
static void name(struct io_tw_req tw_req, io_tw_token_t tw)		\
{									\
	call(io_uring_cmd_from_tw(tw_req),				\
	     IO_URING_CMD_TASK_WORK_ISSUE_FLAGS);			\
}
#else
#define CMD_TASK_WORK(name, call)					\
static void name(struct io_uring_cmd *cmd, unsigned int issue_flags)	\
{									\
	call(cmd, issue_flags);						\
}
#endif

#endif
