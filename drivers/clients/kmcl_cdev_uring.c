// SPDX-License-Identifier: GPL-2.0
/*
 * Requests as commands of io_uring, and what that has of different in the kernels
 * that this module is built for.
 *
 * A command is sent in the call that submits it, and ends in task work of the
 * process, which has its memory. It never waits. A process that ends cancels its
 * commands; where io_uring does not ask for that, kc_requests_exit() does.
 */
#include <linux/mm.h>
#include <linux/sched.h>

/* Kbuild has looked for it */
#ifdef KMCL_IO_URING_CMD_H
#include <linux/io_uring/cmd.h>
#else
#include <linux/io_uring.h>
#endif

#include "kmcl_cdev.h"

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
static bool is_cancel(unsigned int issue_flags)
{
	return issue_flags & IO_URING_F_CANCEL;
}

static void may_be_cancelled(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	io_uring_cmd_mark_cancelable(cmd, issue_flags);
}
#else
static bool is_cancel(unsigned int issue_flags)
{
	return false;
}

static void may_be_cancelled(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
}
#endif

static struct kc_request **request_of(struct io_uring_cmd *cmd)
{
	return (struct kc_request **)&cmd->pdu;
}

/* In the task that has submitted it, or in a kernel thread, if that is no more */
static void complete_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct kc_request *req = *request_of(cmd);
	bool user = current->mm && !(current->flags & PF_KTHREAD);

	cmd_done(cmd, kc_request_result(req, user), issue_flags);
	/* After that io_uring does not cancel it any more */
	kc_request_put(req);
}

#ifdef IO_URING_CMD_TASK_WORK_ISSUE_FLAGS
static void task_work(struct io_tw_req tw_req, io_tw_token_t tw)
{
	complete_cmd(io_uring_cmd_from_tw(tw_req),
		     IO_URING_CMD_TASK_WORK_ISSUE_FLAGS);
}
#else
static void task_work(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	complete_cmd(cmd, issue_flags);
}
#endif

static void notify(struct kc_request *req)
{
	io_uring_cmd_complete_in_task(req->cmd, task_work);
}

/**
 * kc_uring_cmd() - send a request, or cancel one
 * @cmd: the command
 * @issue_flags: of io_uring
 *
 * Context: may sleep; does not wait for the channel.
 * Return: -EIOCBQUEUED: it will be completed, or was; or why it was not sent.
 */
int kc_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags)
{
	struct kc_opener *o = cmd->file->private_data;
	struct kc_request *req;
	struct kmcl_request r;
	u64 user;
	int ret;

	if (is_cancel(issue_flags)) {
		kc_request_cancel(*request_of(cmd), -ECANCELED);
		return 0;
	}
	if (cmd->cmd_op != KMCL_IOC_REQUEST)
		return -ENOTTY;
	if (!(cmd->file->f_mode & FMODE_WRITE))
		return -EBADF;
	/* Shared with the process */
	user = READ_ONCE(*cmd_words(cmd));
	ret = kc_copy_request(&r, u64_to_user_ptr(user));
	if (ret)
		return ret;
	req = kc_request_new(o->kc, &r);
	if (IS_ERR(req))
		return PTR_ERR(req);
	req->cmd = cmd;
	req->owner = current->files;
	req->notify = notify;
	*request_of(cmd) = req;
	/* For task work, which may come before this returns */
	kc_request_get(req);
	may_be_cancelled(cmd, issue_flags);
	ret = kc_request_send(req);
	if (ret) {
		cmd_done(cmd, ret, issue_flags);
		kc_request_put(req);
	} else if (r.timeout_ns >= 0) {
		kc_request_limit(req, r.timeout_ns);
	}
	kc_request_put(req);
	return -EIOCBQUEUED;
}
