// SPDX-License-Identifier: GPL-2.0
/* The ACPI tables, read as a guest reads them. One thread. */
#include <string.h>

#include "../machine.h"
#include "test.h"

static uint8_t area[ACPI_SIZE];

static uint64_t number(const uint8_t *at, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | at[bytes];
	return value;
}

static uint8_t sum(const uint8_t *at, size_t length)
{
	uint8_t value = 0;

	while (length--)
		value += *at++;
	return value;
}

/* The table at @gpa, if it is one with that signature and adds up. */
static const uint8_t *table(uint64_t gpa, const char *signature)
{
	const uint8_t *at = area + (gpa - ACPI_BASE);
	uint64_t length;

	if (gpa < ACPI_BASE || gpa > ACPI_BASE + ACPI_SIZE - 36)
		return NULL;
	length = number(at + 4, 4);
	if (memcmp(at, signature, 4) || length < 36 ||
	    length > ACPI_BASE + ACPI_SIZE - gpa || sum(at, length))
		return NULL;
	return at;
}

static const uint8_t *from_xsdt(unsigned int index, const char *signature)
{
	const uint8_t *xsdt = table(number(area + 24, 8), "XSDT");

	return xsdt ? table(number(xsdt + 36 + 8 * index, 8), signature) : NULL;
}

static bool contains(const uint8_t *at, size_t length, const void *what,
		     size_t size)
{
	return memmem(at, length, what, size);
}

static void root(void **state)
{
	assert_int_equal(acpi_build(area, ACPI_BASE, ACPI_SIZE, 2, 0), ACPI_BASE);
	assert_memory_equal(area, "RSD PTR ", 8);
	assert_int_equal(area[15], 2);
	assert_false(sum(area, 20));
	assert_false(sum(area, 36));
	assert_true(table(number(area + 24, 8), "XSDT"));
}

static void fixed_table(void **state)
{
	const uint8_t *fadt, *facs;

	acpi_build(area, ACPI_BASE, ACPI_SIZE, 2, 0);
	fadt = from_xsdt(0, "FACP");
	assert_true(fadt);
	if (!fadt)
		return;
	/* Offsets as in ACPI 6.0, table 5-34. */
	assert_int_equal(number(fadt + 4, 4), 276);
	facs = area + (number(fadt + 36, 4) - ACPI_BASE);
	assert_memory_equal(facs, "FACS", 4);
	assert_int_equal((facs - area) % 64, 0);
	assert_int_equal(number(facs + 4, 4), 64);
	assert_true(table(number(fadt + 40, 4), "DSDT"));
	assert_int_equal(number(fadt + 140, 8), number(fadt + 40, 4));
	assert_int_equal(number(fadt + 46, 2), SCI_IRQ);
	assert_int_equal(number(fadt + 56, 4), PORT_PM1_EVENT);
	assert_int_equal(number(fadt + 64, 4), PORT_PM1_CONTROL);
	assert_int_equal(fadt[88], 4);
	assert_int_equal(fadt[89], 2);
	assert_int_equal(number(fadt + 109, 2), 0x25);
	assert_int_equal(number(fadt + 120, 8), PORT_RESET);
	assert_int_equal(fadt[128], RESET_VALUE);
	assert_int_equal(number(fadt + 152, 8), PORT_PM1_EVENT);
	assert_true(fadt[149] == 32 && fadt[151] == 3);
	assert_int_equal(number(fadt + 176, 8), PORT_PM1_CONTROL);
	assert_true(fadt[173] == 16 && fadt[175] == 2);
}

static void processors(void **state)
{
	unsigned int cpus, local, ioapics, overrides;
	const uint8_t *madt, *at;

	for (cpus = 1; cpus <= VM_MAX_CPUS; cpus++) {
		acpi_build(area, ACPI_BASE, ACPI_SIZE, cpus, 0);
		madt = from_xsdt(1, "APIC");
		assert_true(madt);
		if (!madt)
			return;
		local = 0;
		ioapics = 0;
		overrides = 0;
		for (at = madt + 44; at < madt + number(madt + 4, 4);
		     at += at[1]) {
			assert_true(at[1]);
			if (!at[1])
				return;
			if (at[0] == 0) {
				assert_int_equal(at[3], local++);
				assert_true(at[4] & 1);
			} else if (at[0] == 1) {
				ioapics++;
				assert_int_equal(number(at + 4, 4), IOAPIC_BASE);
			} else if (at[0] == 2) {
				overrides++;
			}
		}
		assert_int_equal(at, madt + number(madt + 4, 4));
		assert_int_equal(local, cpus);
		assert_int_equal(ioapics, 1);
		assert_int_equal(overrides, 2);
	}
}

/* What iasl has compiled: that it is what hv_vmbus looks for */
static void devices(void **state)
{
	static const uint8_t off[] = { 0x08, '_', 'S', '5', '_', 0x12, 0x07, 4, 0x0a,
				       SLEEP_TYPE_OFF, 0, 0, 0 };
	static const uint8_t hid[] = { 'V', 'M', 'B', 'S', 0x08, '_', 'H', 'I', 'D', 0x0d,
				       'V', 'M', 'B', 'u', 's', 0 };
	const uint8_t *fadt, *dsdt, *end, *module, *vmbus;

	acpi_build(area, ACPI_BASE, ACPI_SIZE, 1, 0);
	fadt = from_xsdt(0, "FACP");
	dsdt = fadt ? table(number(fadt + 40, 4), "DSDT") : NULL;
	assert_true(dsdt);
	if (!dsdt)
		return;
	end = dsdt + number(dsdt + 4, 4);
	assert_true(contains(dsdt, end - dsdt, off, sizeof(off)));
	module = memmem(dsdt, end - dsdt, "VMOD", 4);
	vmbus = memmem(dsdt, end - dsdt, hid, sizeof(hid));
	assert_true(module && vmbus && module < vmbus);
	/* hv_vmbus does not bind without one. */
	assert_true(contains(vmbus, end - vmbus, "_CRS", 4));
	assert_true(contains(module, vmbus - module, "_CRS", 4));
}

static void windows(void **state)
{
	const uint8_t *low, *high;

	acpi_build(area, ACPI_BASE, ACPI_SIZE, 1, 0);
	low = memmem(area, sizeof(area), "\x87\x17\x00\x00\x0c", 5);
	high = memmem(area, sizeof(area), "\x8a\x2b\x00\x00\x0c", 5);
	assert_true(low && high);
	if (!low || !high)
		return;
	assert_int_equal(number(low + 10, 4), MMIO_LOW);
	assert_int_equal(number(low + 14, 4), MMIO_LOW_END);
	assert_int_equal(number(low + 22, 4), MMIO_LOW_END - MMIO_LOW + 1);
	assert_int_equal(number(high + 14, 8), MMIO_HIGH);
	assert_int_equal(number(high + 22, 8), MMIO_HIGH_END);
	assert_int_equal(number(high + 38, 8), MMIO_HIGH_END - MMIO_HIGH + 1);
	/* The end tag is where the buffer says that it is. */
	assert_int_equal(high[46], 0x79);
}

/* Persistent memory: a table that says where, and a device that it belongs to. */
static void disk(void **state)
{
	static const uint8_t hid[] = { '_', 'H', 'I', 'D', 0x0d, 'A', 'C', 'P',
				       'I', '0', '0', '1', '2', 0 };
	static const uint8_t type[16] = {
		0x79, 0xd3, 0xf0, 0x66, 0xf3, 0xb4, 0x74, 0x40,
		0xac, 0x43, 0x0d, 0x33, 0x18, 0xb7, 0x8c, 0xdb,
	};
	const uint8_t *nfit, *ssdt;

	acpi_build(area, ACPI_BASE, ACPI_SIZE, 1, 0);
	assert_true(number(table(number(area + 24, 8), "XSDT") + 4, 4) == 36 + 2 * 8);
	assert_true(!contains(area, sizeof(area), hid, sizeof(hid)));

	acpi_build(area, ACPI_BASE, ACPI_SIZE, 1, 256 * MIB);
	ssdt = from_xsdt(3, "SSDT");
	assert_true(ssdt && contains(ssdt, number(ssdt + 4, 4), hid, sizeof(hid)));
	nfit = from_xsdt(2, "NFIT");
	assert_true(nfit);
	if (!nfit)
		return;
	/* Offsets as in ACPI 6.0, tables 5-126 and 5-128. */
	assert_int_equal(number(nfit + 4, 4), 40 + 56);
	assert_true(number(nfit + 40, 2) == 0 && number(nfit + 42, 2) == 56);
	assert_int_equal(number(nfit + 44, 2), 1);
	assert_memory_equal(nfit + 56, type, sizeof(type));
	assert_int_equal(number(nfit + 72, 8), DISK_BASE);
	assert_int_equal(number(nfit + 80, 8), 256 * MIB);
}

static void no_room(void **state)
{
	size_t size;

	for (size = 64; size < 1000; size++) {
		memset(area, 0xee, sizeof(area));
		if (acpi_build(area, ACPI_BASE, size, 1, 0))
			break;
		assert_int_equal(area[size], 0xee);
	}
	assert_true(size > 700 && size < 1000);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(root),
		cmocka_unit_test(fixed_table),
		cmocka_unit_test(processors),
		cmocka_unit_test(devices),
		cmocka_unit_test(windows),
		cmocka_unit_test(disk),
		cmocka_unit_test(no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
