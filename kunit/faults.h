/* SPDX-License-Identifier: GPL-2.0 */
/* Failing allocations of the library, and counting what it has allocated */
#ifndef _KMCL_FAULTS_H
#define _KMCL_FAULTS_H

#include <linux/alloc_tag.h>
#include <linux/fault-inject.h>
#include <linux/types.h>

struct kunit;

/* The linker's, around the kernel's places that allocate */
extern struct alloc_tag __start_alloc_tags[];
extern struct alloc_tag __stop_alloc_tags[];

struct fault_attr *faults_of(struct kunit *test, const char *dir);
void faults_set_any_page(struct kunit *test);
void faults_set_min_order(struct kunit *test, u32 order);
void faults_arm(struct fault_attr *attr, int nth);
void faults_arm_shortage(struct fault_attr *attr, int bytes);
bool faults_disarm(struct fault_attr *attr);
int faults_watch_sizes(void);
size_t faults_unwatch_sizes(void);
void faults_count(void);
void faults_note_reached(void);
void faults_note_function(const char *function);
void faults_expect_no_more(struct kunit *test);
int faults_expect_reached(struct kunit *test);

#endif
