// SPDX-License-Identifier: GPL-2.0
/*
 * usage: UIO_OFFER=NUMBER OFFER=NUMBER uio-echo UIO NODE
 *
 * The same messages to two echoes in a guest of tools/vmbhost, through a device of
 * uio_hv_generic and through one of kmcl_cdev, which have to give the same; and what
 * each does when the host takes its device away. The code for the rings that
 * uio_hv_generic maps is the kernel's own. Results are TAP.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <vmbus_bufring.h>

#include "test.h"

#define LONGEST		4096
#define BURST		100

static int uio;
static unsigned long ring_bytes;
static struct vmbus_br tx, rx;
/* In the monitor page, for a device that has one: where it is signalled */
static uint32_t *monitor;
static uint32_t monitor_bit;

/* Groups of 32 bits, behind 8 bytes, each with as many others */
static void monitor_open(const char *id)
{
	unsigned long number = strtoul(id, NULL, 10);
	long page = sysconf(_SC_PAGESIZE);
	void *map = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, uio,
			 2 * page);

	if (map == MAP_FAILED)
		die("the monitor page");
	monitor = (uint32_t *)map + 2 + number / 32 * 2;
	monitor_bit = 1u << number % 32;
}

static void uio_open(const char *path)
{
	char *id = getenv("MONITOR");
	char size[128];
	void *rings;
	FILE *file;

	snprintf(size, sizeof(size), "/sys/class/uio/%s/maps/map0/size",
		 strrchr(path, '/') + 1);
	file = fopen(size, "r");
	if (!file || fscanf(file, "%lx", &ring_bytes) != 1)
		die(size);
	fclose(file);
	ring_bytes /= 2;
	uio = open(path, O_RDWR | O_CLOEXEC);
	if (uio < 0)
		die(path);
	rings = vmbus_uio_map(&uio, ring_bytes);
	if (!rings)
		die("the rings");
	vmbus_br_setup(&tx, rings, ring_bytes);
	vmbus_br_setup(&rx, (char *)rings + ring_bytes, ring_bytes);
	rx.vbr->imask = 0;
	if (id && *id)
		monitor_open(id);
}

/* Signal the host, and let the next interrupt through */
static void uio_signal(void)
{
	int on = 1;

	EQ(write(uio, &on, sizeof(on)), sizeof(on));
	if (monitor)
		__atomic_fetch_or(monitor, monitor_bit, __ATOMIC_SEQ_CST);
}

static bool uio_readable(void)
{
	struct pollfd p = { .fd = uio, .events = POLLIN };

	return poll(&p, 1, WAIT_MS) == 1;
}

/* The kernel's code is for multiples of 8 bytes; the other pads with zeros */
static void uio_send(const void *data, uint32_t len)
{
	uint8_t padded[LONGEST] = {};

	memcpy(padded, data, len);
	EQ(rte_vmbus_chan_send(&tx, VMBUS_CHANPKT_TYPE_INBAND, padded,
			       (len + 7) / 8 * 8, 0), 0);
}

/* Returns the bytes of the next message, or a negative errno */
static int uio_receive(void *data)
{
	static uint8_t packet[LONGEST + 64];
	struct vmbus_chanpkt_hdr *head = (void *)packet;
	uint32_t len;
	int n, ret;

	for (;;) {
		len = sizeof(packet);
		ret = rte_vmbus_chan_recv_raw(&rx, packet, &len);
		if (ret > 0)
			break;
		if (ret != -EAGAIN)
			return ret;
		if (!uio_readable())
			return -ETIME;
		if (read(uio, &n, sizeof(n)) != sizeof(n))
			return -errno;
	}
	len = (head->tlen - head->hlen) * 8;
	memcpy(data, packet + head->hlen * 8, len);
	return len;
}

/* Through both, and the same comes back */
static void both(int fd, const void *data, uint32_t len)
{
	uint8_t by_uio[LONGEST], by_us[LONGEST + 8];
	int bytes;

	uio_send(data, len);
	uio_signal();
	bytes = uio_receive(by_uio);
	OK(bytes >= (int)len);
	EQ(write(fd, data, len), len);
	EQ(read(fd, by_us, sizeof(by_us)), bytes);
	OK(bytes < 0 || !memcmp(by_uio, by_us, bytes));
	OK(!memcmp(by_us, data, len));
}

static void lengths(int fd)
{
	static const uint32_t lens[] = { 8, 5, 16, 63, 64, 1000, 4095, LONGEST };
	uint8_t data[LONGEST];
	unsigned int i, n;

	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 7 + i / 256;
	for (n = 0; n < sizeof(lens) / sizeof(*lens); n++)
		both(fd, data, lens[n]);
	/* Once around the rings */
	for (n = 0; n < ring_bytes / LONGEST + 10; n++) {
		memcpy(data, &n, sizeof(n));
		both(fd, data, LONGEST);
	}
}

static void bursts(int fd)
{
	uint64_t data[8] = {}, back[LONGEST / 8];
	unsigned int i;

	for (i = 0; i < BURST; i++) {
		data[0] = i;
		uio_send(data, sizeof(data));
	}
	uio_signal();
	for (i = 0; i < BURST; i++) {
		data[0] = i;
		EQ(write(fd, data, sizeof(data)), sizeof(data));
	}
	for (i = 0; i < BURST; i++) {
		EQ(uio_receive(back), sizeof(data));
		EQ(back[0], i);
		EQ(read(fd, back, sizeof(back)), sizeof(data));
		EQ(back[0], i);
	}
}

/* This one is dead from then on; that one waits, and goes on */
static void rescinds(int fd)
{
	struct pollfd p = { .fd = fd };
	char *ours = getenv("OFFER"), *other = getenv("UIO_OFFER");
	uint64_t data[8] = {}, back[8];
	int n, ret = 0;

	if (!ours || !other)
		return;
	setenv("OFFER", other, 1);
	host("rescind");
	do {
		OK(uio_readable());
		ret = read(uio, &n, sizeof(n));
	} while (ret == sizeof(n));
	OK(ret < 0 && errno == EIO);
	/* EINVAL once the device is unregistered */
	ret = write(uio, &n, sizeof(n));
	OK(ret < 0 && (errno == EIO || errno == EINVAL));
	setenv("OFFER", ours, 1);
	host("rescind");
	wait_state(fd, KMCL_STATE_WAITING);
	EQ(poll(&p, 1, 0), 1);
	EQ(p.revents, POLLHUP);
	EQ(write(fd, data, sizeof(data)), sizeof(data));
	host("offer");
	EQ(read(fd, back, sizeof(back)), sizeof(data));
	setenv("OFFER", other, 1);
	FAILS(read(uio, &n, sizeof(n)), EIO);
}

int main(int argc, char **argv)
{
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: %s UIO NODE\n", argv[0]);
		return 2;
	}
	dev = argv[2];
	uio_open(argv[1]);
	fd = dev_open(O_RDWR);
	lengths(fd);
	bursts(fd);
	rescinds(fd);
	tap_plan();
	return tap_failed ? 1 : 0;
}
