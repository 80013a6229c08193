/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What state.h uses of the kernel's header.
 */
#ifndef _MODEL_TYPES_H
#define _MODEL_TYPES_H

#include <stdbool.h>
#include <stdint.h>

typedef uint8_t u8;

#endif
