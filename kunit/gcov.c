// SPDX-License-Identifier: GPL-2.0
/*
 * Writes gcov's counts when the User Mode Linux kernel ends.
 *
 * gcc leaves that to destructors with a priority, for which the linker script
 * of User Mode Linux has no place. This one has none. It runs when the kernel
 * has halted, as part of an ordinary process that exits.
 */
void __gcov_dump(void);

static void __attribute__((destructor)) write_counts(void)
{
	__gcov_dump();
}
