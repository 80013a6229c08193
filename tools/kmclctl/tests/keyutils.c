// SPDX-License-Identifier: GPL-2.0
/*
 * In place of libkeyutils: the kernel's keyrings are what the file $KEYS says, a line
 * "KEYRING KEY" each, where KEY is what the key is called. Without that file the caller
 * sees none, as somebody else than root.
 */
#include <errno.h>
#include <keyutils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYRINGS	16

static char names[KEYRINGS][64];

key_serial_t find_key_by_type_and_desc(const char *type, const char *desc,
				       key_serial_t destringid)
{
	FILE *keys = fopen(getenv("KEYS") ?: "", "re");
	char line[256], name[64];
	int id = -1, i;

	while (keys && id < 0 && !strcmp(type, "keyring") && !destringid &&
	       fgets(line, sizeof(line), keys)) {
		if (sscanf(line, "%63s", name) != 1 || strcmp(name, desc))
			continue;
		for (i = 0; i < KEYRINGS && *names[i] && strcmp(names[i], name); i++)
			;
		if (i < KEYRINGS)
			memcpy(names[id = i], name, sizeof(name));
	}
	if (keys)
		fclose(keys);
	errno = ENOKEY;
	return id < 0 ? -1 : id + 1;
}

int recursive_key_scan(key_serial_t key, recursive_key_scanner_t func, void *data)
{
	FILE *keys = fopen(getenv("KEYS"), "re");
	const char *name = names[key - 1];
	char line[256], desc[300];
	int found = 0, length;

	length = sprintf(desc, "keyring;0;0;1f0b0000;%s", name);
	found += func(0, key, desc, length, data);
	while (keys && fgets(line, sizeof(line), keys)) {
		if (strncmp(line, name, strlen(name)) || line[strlen(name)] != ' ')
			continue;
		line[strcspn(line, "\n")] = '\0';
		length = sprintf(desc, "asymmetric;0;0;1f030000;%s",
				 line + strlen(name) + 1);
		found += func(key, 100, desc, length, data);
	}
	if (keys)
		fclose(keys);
	return found;
}
