/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For the unit tests, each a program of its own. A test that defines a function
 * of vmbhost itself is linked with its own instead. cmocka.h wants all of these.
 */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#endif
