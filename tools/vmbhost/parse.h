/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The words of the control language. parse.c touches nothing but its arguments.
 */
#ifndef PARSE_H
#define PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "wire.h"

struct behaviour;

#define MAX_WORDS	32

/* What guid_parse() reads, for a message about what it does not. */
#define GUID_DIGITS	"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
#define GUID_FORM	GUID_DIGITS ", in braces or not"

int split_words(char *line, char **word);
size_t join_words(char *to, size_t size, int words, char **word);
int guid_parse(const char *text, struct guid *guid);
bool guid_meant(const char *text);
int number_parse(const char *text, uint64_t *number);
int time_parse(const char *text, uint64_t *ns);
int behaviour_parse(struct behaviour *behaviour, int words, char **word,
		    const char **error);

#endif
