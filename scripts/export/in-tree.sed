# SPDX-License-Identifier: GPL-2.0
#
# What export-kernel-patch.sh changes in each file of the series, after unifdef: where it
# is in a kernel tree, the namespace of its symbols, and what only this tree has.

# Names that KMCL has on Windows: at the end of a line of kernel-doc, or alone in one, and
# in the lists that name the tests of each
s/ \(Vmb[A-Za-z]+\)$//
/^ \*\t\(Vmb[A-Za-z]+\)$/d
/^[[:space:]]*\/\* KMCL: [A-Za-z0-9_ ]+ \*\/$/d
/^ \*$/{
	N
	/\n \* kmcl_fetch, kmcl_send, kmcl_fetch_done, kmcl_quota and kmcl_budget/{
		N
		d
	}
	P
	D
}
s/ For Linux only; KMCL has no such function\.$//

# Files
s,drivers/vmbkmcl_hv/,drivers/hv/kmcl/vmbus/,g
s,drivers/clients/kmcl_cdev,drivers/hv/kmcl/cdev/kmcl_cdev,g
s,drivers/vmbkmcl/(drivers/)?,drivers/hv/kmcl/,g
s,"\.\./drivers/hv/kmcl/cdev/,"../cdev/,
s,Documentation/driver-api/,&kmcl/,g
s,\.\./\.\./include/,../../../include/,
s,kmcl_compat_hv\.h,hv_device.h,
s,_KMCL_COMPAT_HV_H,_KMCL_HV_DEVICE_H,
s/ it in Kbuild\. Locks/ it in the Makefile. Locks/

# Symbols, and modules, which have no version in a kernel tree
s/^EXPORT_SYMBOL_GPL\((.*)\);$/EXPORT_SYMBOL_NS_GPL(\1, "VMBKMCL");/
/^MODULE_VERSION\(KMCL_VERSION\);$/d
/^#define KMCL_VERSION/,/^$/d

# What all supported kernels but the newest lack
/^#include "kmcl_compat\.h"$/d
/^#include "kmcl_compat_uring\.h"$/d
s/\bcmd_done\(/io_uring_cmd_done(/
s/\bcmd_words\(cmd\)/io_uring_sqe_cmd(cmd->sqe, u64)/
s/\bis_cancel\(issue_flags\)/issue_flags \& IO_URING_F_CANCEL/
s/\bmay_be_cancelled\(/io_uring_cmd_mark_cancelable(/
s/^CMD_TASK_WORK\((.*), (.*)\)$/static void \1(struct io_tw_req tw_req, io_tw_token_t tw)\n{\n\t\2(io_uring_cmd_from_tw(tw_req),\n\t\t     IO_URING_CMD_TASK_WORK_ISSUE_FLAGS);\n}/
