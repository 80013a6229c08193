// SPDX-License-Identifier: GPL-2.0
/*
 * kmcl-fcopyd: receives the files that Hyper-V's Copy-VMFile sends to this guest.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#else
#define sd_notifyf(...)	((void)0)
#endif

#include "fcopyd.h"

#define MIB	(1024ull * 1024)

const char *argp_program_version = "kmcl-fcopyd (vmbkmcl) 0.1";

struct options {
	const char *device, *directory, *user;
	struct store store;
};

static volatile sig_atomic_t stop;

static void on_signal(int signal)
{
	(void)signal;
	stop = 1;
}

static const struct argp_option argp_options[] = {
	{ "device", 'D', "FILE", 0, "The device (/dev/kmcl/fcopy)", 0 },
	{ "directory", 'd', "DIRECTORY", 0,
	  "Where files may go (/var/lib/kmcl-fcopyd)", 0 },
	{ "user", 'u', "USER", 0, "Become this user, a name or a number", 0 },
	{ "max-size", 's', "MIB", 0, "The longest file (1024)", 0 },
	{ "keep-free", 'f', "MIB", 0,
	  "What must stay free on the file system (64)", 0 },
	{ "mode", 'm', "OCTAL", 0, "Mode of the files (644)", 0 },
	{ 0 }
};

/* Return: false if it is none, or above the limit */
static bool number(const char *text, int base, uint64_t limit, uint64_t *to)
{
	char *end;

	errno = 0;
	*to = strtoull(text, &end, base);
	return *text >= '0' && *text <= '9' && !*end && !errno && *to <= limit;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	uint64_t n = 0;

	switch (key) {
	case 'D':
		o->device = arg;
		break;
	case 'd':
		o->directory = arg;
		break;
	case 'u':
		o->user = *arg ? arg : NULL;
		break;
	case 's':
	case 'f':
		if (!number(arg, 10, UINT64_MAX / MIB, &n))
			argp_error(state, "%s is no number of MiB", arg);
		*(key == 's' ? &o->store.max_bytes : &o->store.keep_free) = n * MIB;
		break;
	case 'm':
		if (!number(arg, 8, 0777, &n))
			argp_error(state, "%s is no mode of a file", arg);
		o->store.mode = n;
		break;
	case ARGP_KEY_ARG:
		argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	argp_options, parse, NULL,
	"Receives files that the host copies into this guest.", NULL, NULL, NULL
};

int main(int argc, char **argv)
{
	struct options o = {
		.device = "/dev/kmcl/fcopy",
		.directory = "/var/lib/kmcl-fcopyd",
		.store = { .max_bytes = 1024 * MIB, .keep_free = 64 * MIB,
			   .mode = 0644 },
	};
	struct sigaction action = { .sa_handler = on_signal };
	struct session session;
	int fd, result;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	umask(0);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);

	if (store_open(&o.store, o.directory)) {
		log_line(LOG_ERR, "%s: %m", o.directory);
		return 1;
	}
	fd = open(o.device, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		log_line(LOG_ERR, "%s: %m", o.device);
		return 1;
	}
	if (confine(&o.store, o.user))
		return 1;
	if (!o.user && !getuid())
		log_line(LOG_NOTICE, "runs as root; --user= changes that");
	log_line(LOG_INFO, "files of the host go to %s", o.store.path);
	sd_notifyf(0, "READY=1\nSTATUS=Files of the host go to %s", o.store.path);
	session_init(&session, &o.store);
	result = device_run(fd, &session, &stop);
	close(fd);
	return result ? 1 : 0;
}
