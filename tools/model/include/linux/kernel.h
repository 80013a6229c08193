/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What state.c uses of the kernel's header, for the program that reads its table.
 */
#ifndef _MODEL_KERNEL_H
#define _MODEL_KERNEL_H

#include <stddef.h>

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

#endif
