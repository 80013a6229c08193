/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kmclctl: what its files share. Each command is a function that gets its words
 * and returns the exit status; it has told what went wrong by then.
 */
#ifndef KMCLCTL_H
#define KMCLCTL_H

#include <argp.h>
#include <libudev.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/* The exit statuses that kmclctl(8) documents */
enum status {
	OK,
	FAILED,
	USAGE,
	NOT_THERE,
	NOT_ALLOWED,
	TIMED_OUT,
};

/* error.c */

/* kmclctl: WHAT, on standard error; returns @status */
enum status tell(enum status status, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same for an errno, which also chooses the status */
enum status tell_errno(int error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* No memory left: nothing useful can be done */
void *need(void *pointer);

/* The parsers of all commands have --json, of this child */
extern const struct argp_child common[];
extern bool json;

enum status parse(const struct argp *argp, int argc, char **argv, void *input);
/* The parser of commands whose only word is a name, which is their input */
error_t parse_name(int key, char *value, struct argp_state *state);
/* A number from @min to @max; otherwise argp ends the program */
unsigned long long number_of(struct argp_state *state, const char *text,
			     unsigned long long min, unsigned long long max);
/* Seconds, with a fraction, to nanoseconds */
long long seconds_of(struct argp_state *state, const char *text);

/* guid.c */

/* As libuuid writes it, with the 0 at the end */
#define GUID_TEXT	37

/* In lower case and without braces; false if @text is no GUID */
bool guid_text(const char *text, char guid[GUID_TEXT]);
void guid_from_bytes(const unsigned char *bytes, char guid[GUID_TEXT]);

/* classes.c */

/**
 * struct class - a class of devices
 * @guid: of the class
 * @name: a word for it, for the command line
 * @words: the device, in words
 * @driver: the kernel's own driver for it, or NULL
 * @hosts: who offers it
 */
struct class {
	const char *guid;
	const char *name;
	const char *words;
	const char *driver;
	const char *hosts;
};

const struct class *class_of_guid(const char *guid);
const struct class *class_of_name(const char *name);
/* In words; of a socket, too, for which @buffer is used */
const char *class_words(const char *guid, char *buffer, size_t size);
enum status classes_command(int argc, char **argv);

/* output.c */

/**
 * struct column - of a table
 * @name: heading, in capitals; in small letters the key in JSON
 * @type: what it is in JSON; a LONG_TEXT has more than one line on a terminal that
 *	is too narrow
 */
struct column {
	const char *name;
	enum { TEXT, NUMBER, TRUTH, LONG_TEXT } type;
};

struct table;

/**
 * struct field - of what is printed about one thing
 * @column: as in tables
 * @text: a TEXT, or NULL
 * @number: a NUMBER, or a TRUTH
 */
struct field {
	struct column column;
	const char *text;
	unsigned long long number;
};

/* One a line; in JSON a table of one row */
enum status fields_show(const char *name, const struct field *fields, int count);

/* @name is the key of the array in JSON */
struct table *table_new(const char *name, const struct column *columns,
			int count);
/* At least so wide, where rows follow that are not known yet */
void table_width(struct table *table, int column, int width);
void table_row(struct table *table);
/* In the last row. NULL is "-", and null in JSON */
void table_text(struct table *table, int column, const char *text);
void table_number(struct table *table, int column, unsigned long long number);
void table_truth(struct table *table, int column, bool truth);
/* Print it and forget the rows; false if it could not be written */
enum status table_show(struct table *table);
/* The same without headings */
enum status table_continue(struct table *table);
void table_free(struct table *table);

/* sysfs.c */

/* 0 or -errno; @file is below @directory, which may be NULL */
int write_file(const char *directory, const char *file, const char *text);
/* What is in a small file, without the newline at its end; NULL without it */
char *read_file(const char *directory, const char *file);

typedef enum status (*subsystem_fn)(struct udev_device *dev, void *context);

/* Call @fn for each device of a subsystem, until it returns something but OK */
enum status subsystem_each(const char *subsystem, subsystem_fn fn, void *context);

/* vmbus.c */

#define VMBUS	"/sys/bus/vmbus"
#define NO_VMBUS	"this machine has no VMBus; 'kmclctl doctor' says why"
/* Longest name of a driver of ours, with the 0 at its end */
#define DRIVER_NAME	(sizeof("vmbkmcl-") + GUID_TEXT)

/**
 * struct device - a device of the VMBus
 * @udev: of libudev
 * @name: in /sys/bus/vmbus/devices
 * @class: GUID
 * @instance: GUID
 * @driver: name, or NULL
 * @override: driver_override, or NULL
 * @ours: the name that vmbkmcl's driver for it has
 */
struct device {
	struct udev_device *udev;
	const char *name;
	char class[GUID_TEXT];
	char instance[GUID_TEXT];
	const char *driver;
	const char *override;
	char ours[DRIVER_NAME];
};

typedef enum status (*device_fn)(const struct device *device, void *context);

bool vmbus_there(void);
/* For each device, in the order of their names, until one returns other than OK */
enum status vmbus_each(device_fn fn, void *context);
/* Only for the one that @what means; tells if there is none, or more than one */
enum status vmbus_one(const char *what, device_fn fn, void *context);
int vmbus_subchannels(const struct device *device);
const char *vmbus_state(const struct device *device);

/* channel.c */

struct kmcl_info;
struct kmcl_stats;

#define CONFIG		"/sys/kernel/config/kmcl"

/**
 * struct channel - a device of kmcl_cdev
 * @name: in /dev/kmcl
 * @state: a word
 * @class: GUID, or NULL
 * @instance: GUID, or NULL if it is not known
 */
struct channel {
	const char *name;
	const char *state;
	const char *class;
	const char *instance;
};

typedef enum status (*channel_fn)(const struct channel *channel, void *context);

/* In the order of their names, until one returns other than OK */
enum status channel_each(channel_fn fn, void *context);
bool channels_there(void);
const char *channel_state(unsigned int state);
/* "/dev/kmcl/NAME" or "NAME" to "NAME"; NULL if that is no name */
const char *channel_name(const char *what);
/* A file descriptor, or -1 after it has told why */
int channel_open(const char *name, int flags, enum status *status);
/* The same without a word: a file descriptor, or -errno; and 0, or -errno */
int channel_try(const char *name, int flags);
int channel_get_info(int fd, struct kmcl_info *info);
int channel_get_stats(int fd, struct kmcl_stats *stats);
/* What went wrong with a system call on it */
enum status channel_errno(const char *name, const char *what, int error);
enum status channel_info(int fd, const char *name, struct kmcl_info *info);

/* message.c */

/**
 * struct format - what messages look like outside of a channel
 * @hex: in hexadecimal digits, one message a line
 * @lines: as lines of text, without the newline at the end
 */
struct format {
	bool hex;
	bool lines;
};

/**
 * struct port - an open file of a channel
 * @name: of the channel
 * @fd: with O_NONBLOCK
 * @epoll: for changes of it, edge-triggered: while the channel is closed, poll()
 *	would return at once with POLLHUP
 * @size: room for the largest message
 */
struct port {
	const char *name;
	int fd;
	int epoll;
	size_t size;
};

enum status port_open(struct port *port, const char *name, int flags);
void port_close(struct port *port);
/* Until something has changed. @until is of CLOCK_MONOTONIC, or -1 */
enum status port_wait(const struct port *port, long long until,
		      const char *what);
long long now_ns(void);
/* @ns from now, or -1 */
long long until_ns(long long ns);
enum status message_print(const char *name, const struct format *format,
			  const unsigned char *data, size_t length);
/* The bytes that hexadecimal digits mean, in place; -1 if they mean none */
ssize_t hex_bytes(char *text, size_t length);

/* The commands, each in a file of its name, or as these say */
enum status list_command(int argc, char **argv);
enum status bind_command(int argc, char **argv);
enum status unbind_command(int argc, char **argv);
enum status doctor_command(int argc, char **argv);
enum status info_command(int argc, char **argv);
/* send.c */
enum status send_command(int argc, char **argv);
enum status recv_command(int argc, char **argv);
enum status request_command(int argc, char **argv);
enum status cat_command(int argc, char **argv);
/* control.c */
enum status enable_command(int argc, char **argv);
enum status disable_command(int argc, char **argv);
enum status pause_command(int argc, char **argv);
enum status start_command(int argc, char **argv);
/* config.c */
enum status create_command(int argc, char **argv);
enum status delete_command(int argc, char **argv);
enum status watch_command(int argc, char **argv);
enum status events_command(int argc, char **argv);

#endif
