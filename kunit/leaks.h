/* SPDX-License-Identifier: GPL-2.0 */
/* What a case of a suite has allocated, and not freed */
#ifndef _KMCL_TEST_LEAKS_H
#define _KMCL_TEST_LEAKS_H

struct kunit;

#ifdef CONFIG_MEM_ALLOC_PROFILING
int leaks_watch(struct kunit *test);
void leaks_meant(void);
#else
static inline int leaks_watch(struct kunit *test)
{
	return 0;
}

static inline void leaks_meant(void)
{
}
#endif

#endif
