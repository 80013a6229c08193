// SPDX-License-Identifier: GPL-2.0
/*
 * What is to be done when something happens, and when a time has come.
 *
 * Nothing is done in the middle of something else: what is due is done by
 * vmbus_work(), between one packet and the next. The packet that an "on rx:K"
 * waits for is the last that is read before its command.
 *
 * Serialised by vm->lock.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control.h"

/**
 * scenario_run() - do what is due
 */
void scenario_run(struct vmbus *bus, uint64_t now)
{
	char reply[CONTROL_REPLY];
	int failed;

	while (bus->timers && bus->timers->due <= now) {
		struct timer *timer = bus->timers;

		bus->timers = timer->next;
		failed = control_run(bus, timer->command, reply, sizeof(reply));
		/* Whoever asked is not there to read more than "ok". */
		if (!bus->quiet && (failed || strcmp(reply, "ok\n")))
			fprintf(stderr, "vmbhost: %s: %s", timer->command,
				reply);
		free(timer);
	}
	bus->urgent = false;
}

/**
 * scenario_load() - do the commands of a file
 * Return: 0; -1 after an error was printed
 */
int scenario_load(struct vmbus *bus, const char *path)
{
	char line[CONTROL_LINE], reply[CONTROL_REPLY];
	FILE *file = fopen(path, "r");
	unsigned int number = 0;
	int result = 0;

	if (!file) {
		fprintf(stderr, "vmbhost: cannot read %s\n", path);
		return -1;
	}
	while (!result && fgets(line, sizeof(line), file)) {
		number++;
		result = control_run(bus, line, reply, sizeof(reply));
		if (result)
			fprintf(stderr, "vmbhost: %s:%u: %s", path, number,
				reply);
	}
	fclose(file);
	return result;
}
