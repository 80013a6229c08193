// SPDX-License-Identifier: GPL-2.0
/*
 * Messages, exit statuses, and what the parsers of all commands share.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kmclctl.h"

bool json;

enum status tell(enum status status, const char *format, ...)
{
	va_list arguments;

	fputs("kmclctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	return status;
}

static enum status status_of(int error)
{
	switch (error) {
	case ENODEV:
	case ENOENT:
	case ENXIO:
		return NOT_THERE;
	case EACCES:
	case EPERM:
		return NOT_ALLOWED;
	case ETIME:
	case ETIMEDOUT:
		return TIMED_OUT;
	default:
		return FAILED;
	}
}

enum status tell_errno(int error, const char *format, ...)
{
	enum status status = status_of(error);
	va_list arguments;

	fputs("kmclctl: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fprintf(stderr, ": %s\n", strerror(error));
	return status;
}

void *need(void *pointer)
{
	if (!pointer)
		exit(tell(FAILED, "out of memory"));
	return pointer;
}

static const struct argp_option common_options[] = {
	{ "json", 'j', NULL, 0, "print JSON", -1 },
	{ 0 }
};

static error_t common_parse(int key, char *value __attribute__((unused)),
			    struct argp_state *state __attribute__((unused)))
{
	if (key != 'j')
		return ARGP_ERR_UNKNOWN;
	json = true;
	return 0;
}

static const struct argp common_argp = {
	.options = common_options,
	.parser = common_parse,
};

const struct argp_child common[] = { { &common_argp, 0, NULL, 0 }, { 0 } };

/* argp ends the program itself after an error and after --help */
enum status parse(const struct argp *argp, int argc, char **argv, void *input)
{
	error_t error = argp_parse(argp, argc, argv, 0, NULL, input);

	return error ? tell_errno(error, "%s", argv[0]) : OK;
}

unsigned long long number_of(struct argp_state *state, const char *text,
			     unsigned long long min, unsigned long long max)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno || end == text || *end || strchr(text, '-') || number < min ||
	    number > max)
		argp_error(state, "%s: this is no number from %llu to %llu",
			   text, min, max);
	return number;
}

long long seconds_of(struct argp_state *state, const char *text)
{
	double seconds;
	char *end;

	errno = 0;
	seconds = strtod(text, &end);
	/* "nan" as well */
	if (errno || end == text || *end || !(seconds >= 0 && seconds <= 1e9))
		argp_error(state, "%s: these are no seconds", text);
	return seconds * 1e9;
}

/* The parser of commands whose only word is a name, which is their input */
error_t parse_name(int key, char *value, struct argp_state *state)
{
	const char **name = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			return ARGP_ERR_UNKNOWN;
		*name = value;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}
