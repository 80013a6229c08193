// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl: makes channels of vmbkmcl and devices of the VMBus visible, and
 * controls them. kmclctl.8 describes it.
 */
#include <argp.h>
#include <stdio.h>
#include <string.h>

#include "kmclctl.h"

static const struct command {
	const char *name;
	enum status (*run)(int argc, char **argv);
	const char *doc;
} commands[] = {
	{ "list", list_command, "the devices of the VMBus" },
	{ "classes", classes_command, "the classes of devices that are known" },
	{ "bind", bind_command, "give a device to a driver" },
	{ "unbind", unbind_command, "let the kernel choose its driver" },
	{ "create", create_command, "make a channel for programs" },
	{ "delete", delete_command, "remove it" },
	{ "info", info_command, "all about a channel" },
	{ "send", send_command, "send messages" },
	{ "recv", recv_command, "print messages" },
	{ "cat", cat_command, "standard input to a channel, and back" },
	{ "request", request_command, "send a request, print the answer" },
	{ "enable", enable_command, "open it once its device is there" },
	{ "disable", disable_command, "close it" },
	{ "pause", pause_command, "stop sending and receiving" },
	{ "start", start_command, "go on" },
	{ "watch", watch_command, "states, rates and queues, live" },
	{ "events", events_command, "what happens to a channel" },
	{ "doctor", doctor_command, "what is missing here, and what to do" },
};

const char *argp_program_version = "kmclctl 0.1";

struct choice {
	const struct command *command;
	int argc;
	char **argv;
};

static error_t choose(int key, char *value, struct argp_state *state)
{
	struct choice *choice = state->input;
	size_t i;

	switch (key) {
	case ARGP_KEY_ARG:
		for (i = 0; i < ARRAY_SIZE(commands); i++)
			if (!strcmp(commands[i].name, value))
				choice->command = &commands[i];
		if (!choice->command)
			argp_error(state, "there is no command '%s'", value);
		/* All that follows is the command's */
		choice->argc = state->argc - state->next + 1;
		choice->argv = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The commands, in --help */
static char *filter(int key, const char *text,
		    void *input __attribute__((unused)))
{
	size_t size, i;
	char *all;
	FILE *out;

	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	out = need(open_memstream(&all, &size));
	fputs("Commands:\n", out);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].doc);
	fputs("\n'kmclctl COMMAND --help' describes each; kmclctl(8) all of them.",
	      out);
	fclose(out);
	return all;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = choose,
		.args_doc = "COMMAND [WORD...]",
		.children = common,
		.help_filter = filter,
		.doc = "Devices of the VMBus, and channels of vmbkmcl for programs.\v ",
	};
	char name[64];
	struct choice choice = { NULL, 0, NULL };
	enum status status;

	argp_err_exit_status = USAGE;
	if (argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &choice))
		return USAGE;
	/* What argp calls the program in messages about the command's words */
	snprintf(name, sizeof(name), "kmclctl %s", choice.command->name);
	choice.argv[0] = name;
	status = choice.command->run(choice.argc, choice.argv);
	return status;
}
