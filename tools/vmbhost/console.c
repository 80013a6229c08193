// SPDX-License-Identifier: GPL-2.0
/*
 * Where the serial line leads: a file, or the terminal. Everything here is done
 * by the worker, without vm->lock save to move bytes from and to serial.c,
 * since files can make it wait.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"

#define CHUNK	1024u

/* Pass each key to the guest, which echoes it; ^C still ends the run. */
static void open_input(struct console *console)
{
	struct termios mode;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &console->saved))
		return;
	mode = console->saved;
	mode.c_lflag &= ~(ICANON | ECHO);
	mode.c_iflag &= ~ICRNL;
	mode.c_cc[VMIN] = 1;
	mode.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &mode))
		return;
	console->raw = true;
	console->input = STDIN_FILENO;
}

/**
 * console_open() - open the file that the command line named
 *
 * Without one it is the terminal, and what is typed there is the guest's.
 * Return: 0; -1 after an error was printed
 */
int console_open(struct vm *vm)
{
	const char *path = vm->config.serial;

	if (!path) {
		vm->console.fd = STDOUT_FILENO;
		open_input(&vm->console);
		return 0;
	}
	vm->console.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY |
			      O_CLOEXEC, 0666);
	if (vm->console.fd < 0)
		return vm_error("%s: %s", path, strerror(errno));
	return 0;
}

/* If it cannot be written there is nobody to tell: the guest goes on. */
static void write_all(int fd, const uint8_t *bytes, size_t length)
{
	ssize_t done;

	while (length) {
		done = write(fd, bytes, length);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return;
		bytes += done;
		length -= done;
	}
}

/**
 * console_flush() - write what the guest has written
 * Return: whether there was anything
 */
bool console_flush(struct vm *vm)
{
	uint8_t bytes[CHUNK];
	bool any = false;
	size_t count;

	for (;;) {
		pthread_mutex_lock(&vm->lock);
		count = serial_take(&vm->serial, bytes, sizeof(bytes));
		pthread_mutex_unlock(&vm->lock);
		if (!count)
			return any;
		any = true;
		if (vm->console.fd >= 0)
			write_all(vm->console.fd, bytes, count);
	}
}

/* What to poll for keys; -1 if there is nothing, or no room for them. */
int console_input_fd(struct vm *vm)
{
	size_t room;

	pthread_mutex_lock(&vm->lock);
	room = serial_room(&vm->serial);
	pthread_mutex_unlock(&vm->lock);
	return room ? vm->console.input : -1;
}

/* Pass typed bytes to the serial line. */
void console_input(struct vm *vm)
{
	uint8_t bytes[SERIAL_INPUT];
	ssize_t got;
	size_t room;

	pthread_mutex_lock(&vm->lock);
	room = serial_room(&vm->serial);
	pthread_mutex_unlock(&vm->lock);
	got = read(vm->console.input, bytes, room);
	if (got <= 0) {
		if (got == 0 || errno != EINTR)
			vm->console.input = -1;
		return;
	}
	pthread_mutex_lock(&vm->lock);
	serial_input(&vm->serial, bytes, got);
	pthread_mutex_unlock(&vm->lock);
}

/* Give the terminal back. */
void console_close(struct vm *vm)
{
	if (vm->console.raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &vm->console.saved);
	vm->console.raw = false;
	if (vm->config.serial && vm->console.fd >= 0)
		close(vm->console.fd);
	vm->console.fd = -1;
}
