// SPDX-License-Identifier: GPL-2.0
/*
 * The words of the control language: numbers, times, GUIDs, behaviours.
 *
 * Touches nothing but its arguments.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host.h"
#include "parse.h"

/**
 * split_words() - cut a line at its blanks
 * @line:	is changed
 * @word:	MAX_WORDS of them
 * Return: their number; -1 if there are too many. A '#' ends the line.
 */
int split_words(char *line, char **word)
{
	int words = 0;
	char *save = NULL, *p;

	line[strcspn(line, "#")] = 0;
	for (p = strtok_r(line, " \t\r\n", &save); p;
	     p = strtok_r(NULL, " \t\r\n", &save)) {
		if (words == MAX_WORDS)
			return -1;
		word[words++] = p;
	}
	return words;
}

/**
 * join_words() - the line again, with one blank between words
 * @size:	bytes at @to, more than a line has
 * Return: its length
 */
size_t join_words(char *to, size_t size, int words, char **word)
{
	size_t length = 0;
	int i;

	*to = 0;
	for (i = 0; i < words; i++)
		length += snprintf(to + length, size - length, "%s%s",
				   i ? " " : "", word[i]);
	return length;
}

int number_parse(const char *text, uint64_t *number)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	*number = strtoull(text, &end, 0);
	return errno || *end ? -1 : 0;
}

/**
 * time_parse() - "30ms", "5s", "100us"
 */
int time_parse(const char *text, uint64_t *ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "us", 1000 }, { "ms", MSEC }, { "s", SEC } };
	uint64_t value;
	size_t i;
	char *end;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	value = strtoull(text, &end, 10);
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].name))
			continue;
		if (errno || value > UINT64_MAX / 4 / units[i].ns)
			return -1;
		*ns = value * units[i].ns;
		return 0;
	}
	return -1;
}

/* The digits of a GUID, and what is between them */
static int digits_parse(const char *text, struct guid *guid)
{
	/* The first three fields are little-endian. */
	static const uint8_t place[16] = {
		3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15,
	};
	int i, at = 0;

	for (i = 0; i < 16; i++) {
		unsigned int value;

		if (i == 4 || i == 6 || i == 8 || i == 10)
			if (text[at++] != '-')
				return -1;
		if (strspn(text + at, "0123456789abcdefABCDEF") < 2 ||
		    sscanf(text + at, "%2x", &value) != 1)
			return -1;
		guid->b[place[i]] = value;
		at += 2;
	}
	return 0;
}

/**
 * guid_parse() - GUID_FORM to the form in memory
 */
int guid_parse(const char *text, struct guid *guid)
{
	bool braces = *text == '{';
	struct guid value;

	text += braces;
	if (digits_parse(text, &value))
		return -1;
	text += strlen(GUID_DIGITS);
	if (braces && *text++ != '}')
		return -1;
	if (*text)
		return -1;
	*guid = value;
	return 0;
}

/**
 * guid_meant() - whether a word that is no GUID was meant to be one
 */
bool guid_meant(const char *text)
{
	return *text == '{' || (strlen(text) >= 32 && !strchr(text, '='));
}

static int mutations_parse(const char *text, uint32_t *mutate)
{
	static const struct {
		const char *name;
		uint32_t bit;
	} names[] = {
		{ "fields", GARBLE_FIELDS }, { "lengths", GARBLE_LENGTHS },
		{ "indices", GARBLE_INDICES }, { "signals", GARBLE_SIGNALS },
		{ "offers", GARBLE_OFFERS }, { "all", GARBLE_ALL },
	};
	const size_t count = ARRAY_SIZE(names);
	size_t i, length;

	*mutate = 0;
	while (*text) {
		length = strcspn(text, "+");
		for (i = 0; i < count; i++)
			if (strlen(names[i].name) == length &&
			    !memcmp(names[i].name, text, length))
				break;
		if (i == count)
			return -1;
		*mutate |= names[i].bit;
		text += length + (text[length] == '+');
	}
	return *mutate ? 0 : -1;
}

static int fault_parse(const char *text, enum fault *fault)
{
	static const char *const names[] = {
		[FAULT_NONE] = "none", [FAULT_VERSIONS] = "versions",
		[FAULT_COUNTS] = "counts", [FAULT_TYPE] = "type",
		[FAULT_OPERATION] = "operation",
		[FAULT_DATA_FIRST] = "data-first",
		[FAULT_COMPLETE_FIRST] = "complete-first",
		[FAULT_TWICE] = "twice", [FAULT_CUT] = "cut",
		[FAULT_HUGE] = "huge", [FAULT_SHORT] = "short",
		[FAULT_LONG] = "long", [FAULT_BEYOND] = "beyond",
		[FAULT_FAR] = "far", [FAULT_OVERLAP] = "overlap",
		[FAULT_HOLE] = "hole", [FAULT_FRAGMENT] = "fragment",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(text, names[i]))
			break;
	*fault = i;
	return i < ARRAY_SIZE(names) ? 0 : -1;
}

/*
 * A name in UTF-16: ASCII, and \uXXXX for other units. Without a 0 at its end if it
 * takes all the room.
 */
static int name_parse(const char *text, uint16_t *name)
{
	unsigned int unit;
	size_t at = 0;
	int length;

	memset(name, 0, FCOPY_NAME * sizeof(*name));
	for (; *text; text += length) {
		length = 1;
		unit = (unsigned char)*text;
		if (!strncmp(text, "\\u", 2)) {
			if (strspn(text + 2, "0123456789abcdefABCDEF") < 4 ||
			    sscanf(text + 2, "%4x", &unit) != 1)
				return -1;
			length = 6;
		} else if (unit > 0x7f) {
			return -1;
		}
		if (at == FCOPY_NAME)
			return -1;
		name[at++] = unit;
	}
	return 0;
}

/* One "name=value". */
static int set(struct behaviour *b, const char *name, const char *value)
{
	uint64_t number;

	if (!strcmp(name, "what"))
		return mutations_parse(value, &b->mutate);
	if (!strcmp(name, "fault"))
		return fault_parse(value, &b->fault);
	if (!strcmp(name, "name"))
		return name_parse(value, b->name);
	if (!strcmp(name, "path"))
		return name_parse(value, b->path);
	if (!strcmp(name, "file"))
		return snprintf(b->file, sizeof(b->file), "%s", value) <
		       (int)sizeof(b->file) ? 0 : -1;
	if (number_parse(value, &number))
		return -1;
	if (!strcmp(name, "rate") && number <= SEC)
		b->rate = number;
	else if (!strcmp(name, "size") && number <= 0x7fff0)
		b->size = number;
	else if (!strcmp(name, "completion") && number <= 1)
		b->completion = number;
	else if (!strcmp(name, "keep") && number <= 1)
		b->keep = number;
	else if (!strcmp(name, "count"))
		b->count = number;
	else if (!strcmp(name, "ranges") && number <= RANGES_MAX)
		b->ranges = number;
	else if (!strcmp(name, "seed"))
		b->seed = number;
	else if (!strcmp(name, "depth") && number >= 2 && number <= 1024)
		b->depth = number;
	else if (!strcmp(name, "rare") && number >= 1 && number <= UINT32_MAX)
		b->rare = number;
	else if (!strcmp(name, "bytes") && number <= INT64_MAX)
		b->bytes = number;
	else if (!strcmp(name, "cancel") && number >= 1)
		b->cancel = number;
	else if (!strcmp(name, "overwrite") && number <= 1)
		b->copy_flags |= number * FCOPY_OVERWRITE;
	else if (!strcmp(name, "create") && number <= 1)
		b->copy_flags |= number * FCOPY_CREATE_PATH;
	else if (!strcmp(name, "us") && number <= UINT32_MAX)
		b->delay = number * 1000;
	else if (!strcmp(name, "ms") && number <= UINT32_MAX)
		b->delay = number * MSEC;
	else
		return -1;
	return 0;
}

/**
 * behaviour_parse() - a behaviour and its parameters
 * @behaviour:	what is not said is taken from here: the seed
 * @word:	"echo", or "source" "rate=100,size=64"; is changed
 * @error:	what is wrong
 */
int behaviour_parse(struct behaviour *behaviour, int words, char **word,
		    const char **error)
{
	static const struct {
		const char *name;
		enum behaviour_kind kind;
		const char *parameters;
	} names[] = {
		{ "echo", BEHAVE_ECHO, " size " },
		{ "sink", BEHAVE_SINK, "" },
		{ "source", BEHAVE_SOURCE, " rate size completion count ranges " },
		{ "slow", BEHAVE_SLOW, " us ms " },
		{ "complete-late", BEHAVE_LATE, " us ms keep " },
		{ "complete-out-of-order", BEHAVE_OUT_OF_ORDER,
		  " depth seed " },
		{ "complete-never", BEHAVE_NEVER, "" },
		{ "garble", BEHAVE_GARBLE, " seed count what rare " },
		{ "ic-heartbeat", BEHAVE_HEARTBEAT, " us ms count fault " },
		{ "ic-fcopy", BEHAVE_FCOPY,
		  " file bytes seed name path overwrite create size cancel us ms fault " },
	};
	struct behaviour b = {
		.seed = behaviour->seed, .rate = 100, .size = 64, .depth = 8,
		.delay = 10 * MSEC, .mutate = GARBLE_ALL, .rare = 1024,
	};
	const size_t count = ARRAY_SIZE(names);
	size_t i;
	int w;

	*error = "no such behaviour";
	for (i = 0; i < count; i++)
		if (!strcmp(word[0], names[i].name))
			break;
	if (i == count)
		return -1;
	b.kind = names[i].kind;
	if (b.kind == BEHAVE_GARBLE)
		b.count = 1000;
	if (b.kind == BEHAVE_ECHO)
		b.size = 0;
	if (b.kind == BEHAVE_HEARTBEAT)
		b.delay = 2 * SEC;
	if (b.kind == BEHAVE_FCOPY) {
		b.delay = 0;
		b.size = FCOPY_FRAGMENT;
		name_parse("file", b.name);
		name_parse("/tmp", b.path);
	}

	*error = "no such parameter, or not with this value";
	for (w = 1; w < words; w++) {
		char *save = NULL, *p;

		for (p = strtok_r(word[w], ",", &save); p;
		     p = strtok_r(NULL, ",", &save)) {
			char *value = strchr(p, '=');
			char known[32];

			if (!value)
				return -1;
			*value++ = 0;
			if (snprintf(known, sizeof(known), " %s ", p) >=
			    (int)sizeof(known) ||
			    !strstr(names[i].parameters, known) ||
			    set(&b, p, value))
				return -1;
		}
	}
	if (b.kind == BEHAVE_FCOPY && (!b.size || b.size > FCOPY_FRAGMENT))
		return -1;
	/* Without them nobody knows which memory is free again. */
	if (b.ranges)
		b.completion = true;
	*behaviour = b;
	return 0;
}
