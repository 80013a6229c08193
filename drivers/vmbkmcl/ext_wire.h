/* SPDX-License-Identifier: GPL-2.0 */
/* The ranges of a packet with external data, as the wire has them. */
#ifndef _KMCL_EXT_WIRE_H
#define _KMCL_EXT_WIRE_H

#include "kmcl_internal.h"

/* The wire's words in front of the frame numbers */
struct ext_head {
	__le32 reserved;
	__le32 ranges;
};

struct ext_range {
	__le32 bytes;
	__le32 offset;
	__le64 pfns[];
};

#endif
