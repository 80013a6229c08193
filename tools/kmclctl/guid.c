// SPDX-License-Identifier: GPL-2.0
/*
 * GUIDs as text: libuuid reads and writes them.
 */
#include <stdio.h>
#include <string.h>
#include <uuid.h>

#include "kmclctl.h"

bool guid_text(const char *text, char guid[GUID_TEXT])
{
	size_t length = strlen(text);
	uuid_t uuid;

	/* As sysfs writes them */
	if (length == GUID_TEXT + 1 && text[0] == '{' && text[length - 1] == '}') {
		text++;
		length -= 2;
	}
	if (length != GUID_TEXT - 1 ||
	    uuid_parse_range(text, text + length, uuid))
		return false;
	uuid_unparse_lower(uuid, guid);
	return true;
}

/* A UUID has all its fields in the order of the network, a GUID the first three not */
void guid_from_bytes(const unsigned char *bytes, char guid[GUID_TEXT])
{
	static const int order[sizeof(uuid_t)] = {
		3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15
	};
	uuid_t uuid;
	size_t i;

	for (i = 0; i < sizeof(uuid); i++)
		uuid[i] = bytes[order[i]];
	uuid_unparse_lower(uuid, guid);
}
