// SPDX-License-Identifier: GPL-2.0
/*
 * uio_hv_generic, driven by interrupts: the rings are mapped, a read waits for an
 * interrupt, a write signals the host and lets the next interrupt through.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vmbus_bufring.h>

#include "echo_bench.h"

static int fd;
static unsigned long ring_bytes;
static void *rings;
static struct vmbus_br tx, rx;

static void uio_open(const char *path)
{
	const char *device = strrchr(path, '/');
	char name[128];
	FILE *size;

	snprintf(name, sizeof(name), "/sys/class/uio%s/maps/map0/size",
		 device ? device : "/");
	size = fopen(name, "r");
	if (!size || fscanf(size, "%lx", &ring_bytes) != 1)
		err(1, "%s", name);
	fclose(size);
	ring_bytes /= 2;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	rings = vmbus_uio_map(&fd, ring_bytes);
	if (!rings)
		err(1, "the rings of %s", path);
	vmbus_br_setup(&tx, rings, ring_bytes);
	vmbus_br_setup(&rx, (char *)rings + ring_bytes, ring_bytes);
	rx.vbr->imask = 0;
}

static void uio_close(void)
{
	munmap(rings, 2 * ring_bytes);
	close(fd);
}

/* Signal the host, and let the next interrupt through */
static void uio_signal(void)
{
	int on = 1;

	if (write(fd, &on, sizeof(on)) != sizeof(on))
		err(1, "signalling through the uio device");
}

static void uio_exchange(uint64_t first, unsigned int count)
{
	struct vmbus_chanpkt_hdr *packet;
	uint8_t message[ECHO_BYTES], received[256];
	unsigned int sent, got = 0;
	uint32_t len;
	int n, ret;

	for (sent = 0; sent < count; sent++) {
		echo_fill(message, first + sent);
		if (rte_vmbus_chan_send(&tx, VMBUS_CHANPKT_TYPE_INBAND, message,
					sizeof(message), 0))
			errx(1, "the ring of the uio device is full");
	}
	uio_signal();
	while (got < count) {
		len = sizeof(received);
		ret = rte_vmbus_chan_recv_raw(&rx, received, &len);
		if (ret == -EAGAIN) {
			if (read(fd, &n, sizeof(n)) != sizeof(n))
				err(1, "waiting for the uio device");
			continue;
		}
		if (ret < 0)
			errx(1, "receiving from the ring: %s", strerror(-ret));
		packet = (void *)received;
		echo_check(received + packet->hlen * 8,
			   (packet->tlen - packet->hlen) * 8, first + got);
		got++;
	}
}

const struct echo_way echo_uio = {
	.name = "raw",
	.open = uio_open,
	.exchange = uio_exchange,
	.close = uio_close,
};
