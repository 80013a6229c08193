// SPDX-License-Identifier: GPL-2.0
/*
 * Requests as commands of io_uring.
 *
 * A command is sent in the call that submits it, and ends in task work of the
 * process, which has its memory. It never waits. A process that ends cancels its
 * commands; where io_uring does not ask for that, kc_requests_exit() does.
 */
#include <linux/mm.h>
#include <linux/sched.h>

#include "kmcl_compat_uring.h"
#include "kmcl_cdev.h"

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

CMD_TASK_WORK(task_work, complete_cmd)

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
