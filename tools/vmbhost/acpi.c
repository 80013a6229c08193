// SPDX-License-Identifier: GPL-2.0
/*
 * The ACPI tables: as few as a guest needs to find its processors, its VMBus and
 * the way to turn itself off. Built once, before the guest runs; no lock.
 *
 * RSDP -> XSDT -> FADT -> FACS, DSDT
 *              -> MADT
 *              -> NFIT and an SSDT, if there is a disk: persistent memory at DISK_BASE
 *
 * The DSDT and the SSDT, which have devices, are compiled from dsdt.asl and disk.asl.
 */
#include <string.h>

#include "machine.h"
/* What iasl makes of them: dsdt_aml_code[] and disk_aml_code[] */
#include "disk.hex"
#include "dsdt.hex"

/* FADT flags and boot flags. */
#define FADT_WBINVD		(1u << 0)
#define FADT_C1			(1u << 2)
#define FADT_POWER_BUTTON	(1u << 4)	/* none at fixed registers */
#define FADT_SLEEP_BUTTON	(1u << 5)
#define FADT_RTC		(1u << 6)	/* none that wakes */
#define FADT_RESET		(1u << 10)
#define BOOT_LEGACY_DEVICES	(1u << 0)
#define BOOT_NO_VGA		(1u << 2)
#define BOOT_NO_RTC		(1u << 5)

#define MADT_PCAT		1u
#define MADT_OVERRIDE_EDGE	0x05u		/* active high, edge */
#define MADT_OVERRIDE_LEVEL	0x0du		/* active high, level */

#define NFIT_WRITE_BACK		8u

/* Where the next byte goes; what does not fit is counted and not written. */
struct out {
	uint8_t *area;
	size_t size, used;
};

static void byte(struct out *out, uint8_t value)
{
	if (out->used < out->size)
		out->area[out->used] = value;
	out->used++;
}

/* Little endian. */
static void number(struct out *out, uint64_t value, unsigned int bytes)
{
	for (; bytes; bytes--, value >>= 8)
		byte(out, value);
}

static void text(struct out *out, const char *string)
{
	while (*string)
		byte(out, *string++);
}

static void zeroes(struct out *out, unsigned int count)
{
	while (count--)
		byte(out, 0);
}

static void align(struct out *out, size_t to)
{
	while (out->used % to)
		byte(out, 0);
}

/* A generic address of an I/O port, to be accessed whole: 8, 16 or 32 bits. */
static void port_address(struct out *out, uint16_t port, uint8_t bits)
{
	byte(out, 1);
	byte(out, bits);
	byte(out, 0);
	byte(out, bits == 8 ? 1 : bits == 16 ? 2 : 3);
	number(out, port, 8);
}

/* What makes the bytes from @from on add up to nothing. */
static uint8_t checksum(const struct out *out, size_t from, size_t length)
{
	uint8_t sum = 0;

	if (from + length > out->size)
		return 0;
	while (length--)
		sum += out->area[from++];
	return -sum;
}

static void patch(struct out *out, size_t at, uint64_t value,
		  unsigned int bytes)
{
	for (; bytes; bytes--, at++, value >>= 8) {
		if (at < out->size)
			out->area[at] = value;
	}
}

/* Return: where the table begins, for table_end() */
static size_t table_begin(struct out *out, const char *signature,
			  uint8_t revision)
{
	size_t start;

	align(out, 16);
	start = out->used;
	text(out, signature);
	number(out, 0, 4);		/* length */
	byte(out, revision);
	byte(out, 0);			/* checksum */
	text(out, "VMBHST");
	text(out, "VMBHOST ");
	number(out, 1, 4);
	text(out, "VMBH");
	number(out, 1, 4);
	return start;
}

static void table_end(struct out *out, size_t start)
{
	size_t length = out->used - start;

	patch(out, start + 4, length, 4);
	patch(out, start + 9, checksum(out, start, length), 1);
}

/* A table that is complete */
static size_t copy_table(struct out *out, const uint8_t *from, size_t size)
{
	size_t start;

	align(out, 16);
	start = out->used;
	while (size--)
		byte(out, *from++);
	return start;
}

/* Firmware's and the guest's shared words; not checked by anybody. */
static size_t build_facs(struct out *out)
{
	size_t start;

	align(out, 64);
	start = out->used;
	text(out, "FACS");
	number(out, 64, 4);
	zeroes(out, 24);
	byte(out, 2);
	zeroes(out, 31);
	return start;
}

static size_t build_fadt(struct out *out, uint64_t facs, uint64_t dsdt)
{
	size_t table = table_begin(out, "FACP", 6);

	number(out, facs, 4);
	number(out, dsdt, 4);
	zeroes(out, 2);
	number(out, SCI_IRQ, 2);
	zeroes(out, 8);			/* no SMI: always in ACPI mode */
	number(out, PORT_PM1_EVENT, 4);
	number(out, 0, 4);
	number(out, PORT_PM1_CONTROL, 4);
	zeroes(out, 20);		/* no PM2, timer, GPEs */
	byte(out, 4);			/* bytes of the PM1 event block */
	byte(out, 2);			/* and of PM1 control */
	zeroes(out, 6);
	number(out, 0xffff, 2);		/* no C2, C3 */
	number(out, 0xffff, 2);
	zeroes(out, 9);
	number(out, BOOT_LEGACY_DEVICES | BOOT_NO_VGA | BOOT_NO_RTC, 2);
	byte(out, 0);
	number(out, FADT_WBINVD | FADT_C1 | FADT_POWER_BUTTON |
	       FADT_SLEEP_BUTTON | FADT_RTC | FADT_RESET, 4);
	port_address(out, PORT_RESET, 8);
	byte(out, RESET_VALUE);
	zeroes(out, 2);
	byte(out, 0);			/* 6.0 */
	zeroes(out, 8);			/* the FACS' address is above */
	number(out, dsdt, 8);
	port_address(out, PORT_PM1_EVENT, 32);
	zeroes(out, 12);
	port_address(out, PORT_PM1_CONTROL, 16);
	zeroes(out, 5 * 12 + 2 * 12 + 8);
	table_end(out, table);
	return table;
}

static void madt_override(struct out *out, uint8_t irq, uint32_t gsi,
			  uint16_t flags)
{
	byte(out, 2);
	byte(out, 10);
	byte(out, 0);
	byte(out, irq);
	number(out, gsi, 4);
	number(out, flags, 2);
}

static size_t build_madt(struct out *out, unsigned int cpus)
{
	size_t table = table_begin(out, "APIC", 4);
	unsigned int cpu;

	number(out, LAPIC_BASE, 4);
	number(out, MADT_PCAT, 4);
	for (cpu = 0; cpu < cpus; cpu++) {
		byte(out, 0);
		byte(out, 8);
		byte(out, cpu);		/* its number here */
		byte(out, cpu);		/* and that of its APIC */
		number(out, 1, 4);	/* enabled */
	}
	byte(out, 1);
	byte(out, 12);
	byte(out, 0);
	byte(out, 0);
	number(out, IOAPIC_BASE, 4);
	number(out, 0, 4);
	/* The timer is at pin 2, see the routes in setup.c. */
	madt_override(out, 0, 2, MADT_OVERRIDE_EDGE);
	madt_override(out, SCI_IRQ, SCI_IRQ, MADT_OVERRIDE_LEVEL);
	/* Every processor's LINT1 is NMI. */
	byte(out, 4);
	byte(out, 6);
	byte(out, 0xff);
	number(out, 0, 2);
	byte(out, 1);
	table_end(out, table);
	return table;
}

/* One range of persistent memory, of no module in particular. */
static size_t build_nfit(struct out *out, uint64_t disk)
{
	static const uint8_t persistent[16] = {
		0x79, 0xd3, 0xf0, 0x66, 0xf3, 0xb4, 0x74, 0x40,
		0xac, 0x43, 0x0d, 0x33, 0x18, 0xb7, 0x8c, 0xdb,
	};
	size_t table = table_begin(out, "NFIT", 1), i;

	zeroes(out, 4);
	number(out, 0, 2);		/* a range of addresses, 56 bytes */
	number(out, 56, 2);
	number(out, 1, 2);		/* its number */
	zeroes(out, 10);
	for (i = 0; i < sizeof(persistent); i++)
		byte(out, persistent[i]);
	number(out, DISK_BASE, 8);
	number(out, disk, 8);
	number(out, NFIT_WRITE_BACK, 8);
	table_end(out, table);
	return table;
}

/**
 * acpi_build() - write all tables
 * @area:	where they are written
 * @base:	that place's guest physical address, below 4 GiB, of 64 bytes
 * @size:	bytes there
 * @cpus:	processors, their APICs numbered from 0
 * @disk:	bytes of persistent memory, or 0
 *
 * Return: the RSDP's guest physical address, which is @base; 0 if @size is too
 *	   little
 */
uint64_t acpi_build(uint8_t *area, uint64_t base, size_t size,
		    unsigned int cpus, uint64_t disk)
{
	struct out out = { .area = area, .size = size };
	size_t facs, dsdt, fadt, madt, nfit = 0, ssdt = 0, xsdt;

	memset(area, 0, size);
	out.used = 64;			/* the RSDP's place */
	facs = build_facs(&out);
	dsdt = copy_table(&out, dsdt_aml_code, sizeof(dsdt_aml_code));
	fadt = build_fadt(&out, base + facs, base + dsdt);
	madt = build_madt(&out, cpus);
	if (disk) {
		nfit = build_nfit(&out, disk);
		ssdt = copy_table(&out, disk_aml_code, sizeof(disk_aml_code));
	}
	xsdt = table_begin(&out, "XSDT", 1);
	number(&out, base + fadt, 8);
	number(&out, base + madt, 8);
	if (disk) {
		number(&out, base + nfit, 8);
		number(&out, base + ssdt, 8);
	}
	table_end(&out, xsdt);
	if (out.used > size)
		return 0;

	out.used = 0;
	text(&out, "RSD PTR ");
	byte(&out, 0);			/* checksum of the first 20 bytes */
	text(&out, "VMBHST");
	byte(&out, 2);
	number(&out, 0, 4);		/* no RSDT */
	number(&out, 36, 4);
	number(&out, base + xsdt, 8);
	zeroes(&out, 4);
	patch(&out, 8, checksum(&out, 0, 20), 1);
	patch(&out, 32, checksum(&out, 0, 36), 1);
	return base;
}
