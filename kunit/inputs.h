/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The inputs of the state machine as a number, for suites that try them all.
 */
#ifndef _KMCL_INPUTS_H
#define _KMCL_INPUTS_H

#include <linux/bits.h>

#include "state.h"

#define I_ENABLED		BIT(0)
#define I_RUN		BIT(1)
#define I_LINK		BIT(2)
#define I_DISABLE		BIT(3)
#define I_DEAD		BIT(4)
#define I_DEAD_FIRST	BIT(5)
#define I_POST		BIT(6)
#define I_LOST		BIT(7)
#define I_OLD		BIT(8)
#define I_UP		BIT(9)
#define I_FROZEN	BIT(10)
#define I_FROZE		BIT(11)
#define INPUTS		12

static inline struct kmcl_inputs unpack(u32 bits)
{
	return (struct kmcl_inputs) {
		.enabled = bits & I_ENABLED,
		.run = bits & I_RUN,
		.link = bits & I_LINK,
		.disable = bits & I_DISABLE,
		.dead = bits & I_DEAD,
		.dead_first = bits & I_DEAD_FIRST,
		.post = bits & I_POST,
		.lost = bits & I_LOST,
		.old = bits & I_OLD,
		.up = bits & I_UP,
		.frozen = bits & I_FROZEN,
		.froze = bits & I_FROZE,
	};
}

#endif
