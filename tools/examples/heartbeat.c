// SPDX-License-Identifier: GPL-2.0
/*
 * Answers Hyper-V's heartbeat, by which the host knows that the guest is alive:
 *
 *	heartbeat /dev/kmcl/heartbeat
 *
 * The channel is a pipe of the class 57164f39-9115-4e78-ab55-382f3bd5422d that keeps no
 * message when it closes; see
 * Documentation/heartbeat.rst.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

enum { NEGOTIATE = 0, HEARTBEAT = 1 };
enum { TRANSACTION = 1, RESPONSE = 4 };

/* icmsg_hdr of the kernel, and icmsg_negotiate or the number of a heartbeat */
static struct {
	uint32_t framework;
	uint16_t type;
	uint32_t service;
	uint16_t bytes;
	uint32_t status;
	uint8_t transaction, flags;
	uint16_t reserved;
	union {
		struct {
			uint16_t frameworks, services;
			uint32_t zero;
			uint32_t version[1000];
		} __attribute__((packed));
		uint64_t number;
	} __attribute__((packed));
} __attribute__((packed)) m;

/* 3.0 or 1.0, if the host has it among its versions; else 0 */
static uint32_t choose(unsigned int first, unsigned int count)
{
	uint32_t wanted, i;

	for (wanted = 3; wanted; wanted -= wanted == 3 ? 2 : 1)
		for (i = first; i < first + count; i++)
			if (m.version[i] == wanted)
				return wanted;
	return 0;
}

int main(int argc, char **argv)
{
	int fd = open(argc == 2 ? argv[1] : "/dev/kmcl/heartbeat", O_RDWR);
	ssize_t n;

	if (fd < 0)
		err(1, "cannot open the channel");
	/* While the channel is closed, read() waits. */
	while ((n = read(fd, &m, sizeof(m))) >= 0) {
		if (n < 20)
			continue;
		if (m.type == NEGOTIATE && n >= 36 &&
		    28 + 4 * (m.frameworks + m.services) <= n) {
			uint32_t service = choose(m.frameworks, m.services);

			m.version[0] = choose(0, m.frameworks);
			m.version[1] = service;
			m.frameworks = m.version[0] && service;
			m.services = m.frameworks;
			m.bytes = 16;
		} else if (m.type == HEARTBEAT && n >= 28) {
			m.number++;
		} else {
			m.status = 0x80004005;
			/* No version, if it is about these */
			m.frameworks = 0;
			m.services = 0;
		}
		m.flags = TRANSACTION | RESPONSE;
		/* The host has closed this connection; the next one begins anew. */
		if (write(fd, &m, n) != n && errno != EPIPE)
			err(1, "cannot answer");
	}
	err(1, "cannot read");
}
