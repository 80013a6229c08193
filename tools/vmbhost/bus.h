/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How the program makes a VMBus host: between vmbus_new() and the start of the
 * machine, on one thread.
 */
#ifndef BUS_H
#define BUS_H

struct vm;
struct vmbus;

/**
 * vmbus_new() - a VMBus host without offers
 * Return: NULL if there is no memory; vmbus_free() frees it, after the machine
 */
struct vmbus *vmbus_new(struct vm *vm);
void vmbus_free(struct vmbus *bus);

/**
 * vmbus_option() - an option of the command line
 * @name:	"protocol": the newest version to accept, "4.0" to "5.3";
 *		"offer": what follows "add" in the control language, with
 *		blanks or commas;
 *		"scenario": a file of the control language, a command a line;
 *		"seed": where everything that is random begins
 *
 * Return: 0; -1 after an error was printed
 */
int vmbus_option(struct vmbus *bus, const char *name, const char *value);

#endif
