// SPDX-License-Identifier: GPL-2.0
/*
 * Loading a kernel: files made up here, and an array for the guest's memory.
 * One thread.
 */
#include <asm/bootparam.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../machine.h"
#include "test.h"

#define MEMORY		(64u * MIB)
#define LOAD		(16u * MIB)
#define SETUP_SECTORS	3u
#define PAYLOAD		10000u
#define INITRD		5000u

static uint8_t *memory;
static struct vm vm;
static char error[512];
static char kernel_path[32], initrd_path[32];
static int kernel, initrd;

void *guest_memory(struct vm *of, uint64_t gpa, uint64_t length)
{
	(void)of;
	return gpa < MEMORY && length <= MEMORY - gpa ? memory + gpa : NULL;
}

int vm_error(const char *format, ...)
{
	snprintf(error, sizeof(error), "%s", format);
	return -1;
}

static void write_file(const char *path, const void *bytes, size_t length)
{
	FILE *file = fopen(path, "w");

	assert_true(file && fwrite(bytes, 1, length, file) == length);
	if (file)
		fclose(file);
}

/* A bzImage of nothing: its headers, and bytes that can be recognised. */
static void write_kernel(const struct setup_header *header, size_t length)
{
	static uint8_t file[(SETUP_SECTORS + 1) * 512 + PAYLOAD];
	size_t i;

	for (i = 0; i < sizeof(file); i++)
		file[i] = i * 7;
	memcpy(file + 0x1f1, header, sizeof(*header));
	file[0x201] = 0x1f1 + sizeof(*header) - 0x202;
	write_file(kernel_path, file, length < sizeof(file) ? length :
							       sizeof(file));
}

static struct setup_header good(void)
{
	struct setup_header header = {
		.setup_sects = SETUP_SECTORS,
		.header = 0x53726448,
		.version = 0x20f,
		.jump = 0x66eb,
		.xloadflags = XLF_KERNEL_64,
		.initrd_addr_max = 0x7fffffff,
		.cmdline_size = 100,
		.pref_address = LOAD,
		.init_size = 20 * MIB,
	};

	return header;
}

static void start(void)
{
	static uint8_t initrd[INITRD];

	memset(initrd, 0xab, sizeof(initrd));
	write_file(initrd_path, initrd, sizeof(initrd));
	memset(memory, 0, MEMORY);
	vm.low = MEMORY;
	vm.high = 2 * GIB;
	vm.config = (struct vm_config){
		.kernel = kernel_path, .initrd = initrd_path,
		.append = "console=ttyS0", .cpus = 1,
		.memory_mib = MEMORY / MIB,
	};
	error[0] = 0;
}

static int load(const struct setup_header *header, size_t length)
{
	uint64_t entry;

	write_kernel(header, length);
	return boot_load(&vm, ACPI_BASE, &entry);
}

static void layout(void **state)
{
	struct setup_header header = good();
	struct boot_params *params;
	uint64_t entry = 0, end;
	unsigned int i;

	start();
	write_kernel(&header, SIZE_MAX);
	assert_false(boot_load(&vm, ACPI_BASE, &entry));
	assert_int_equal(entry, LOAD + 0x200);
	for (i = 0; i < PAYLOAD; i++) {
		if (memory[LOAD + i] !=
		    (uint8_t)((i + (SETUP_SECTORS + 1) * 512) * 7))
			break;
	}
	assert_int_equal(i, PAYLOAD);
	params = (void *)(memory + BOOT_PARAMS);
	assert_true(params->hdr.type_of_loader == 0xff);
	assert_true(params->acpi_rsdp_addr == ACPI_BASE);
	assert_true(!strcmp((char *)memory + params->hdr.cmd_line_ptr,
			    "console=ttyS0"));
	assert_true(params->hdr.ramdisk_size == INITRD);
	assert_true(params->hdr.ramdisk_image % PAGE == 0);
	end = params->hdr.ramdisk_image + INITRD;
	assert_true(end <= MEMORY && end > MEMORY - 2 * PAGE);
	for (i = 0; i < INITRD; i++) {
		if (memory[params->hdr.ramdisk_image + i] != 0xab)
			break;
	}
	assert_int_equal(i, INITRD);
	assert_true(params->e820_entries == 5);
	end = 0;
	for (i = 0; i < params->e820_entries; i++) {
		assert_true(params->e820_table[i].addr >= end);
		end = params->e820_table[i].addr + params->e820_table[i].size;
		/* No RAM is where the tables and the devices are. */
		if (params->e820_table[i].type == 1)
			assert_true(end <= ACPI_BASE ||
				    params->e820_table[i].addr >= MIB);
	}
	assert_int_equal(end, HIGH_RAM + vm.high);
}

/* Each address below 4 GiB is mapped to itself. */
static void page_tables(void **state)
{
	struct setup_header header = good();
	uint64_t gpa, *table, entry;

	start();
	assert_false(load(&header, SIZE_MAX));
	for (gpa = 0; gpa < 4 * GIB; gpa += 2 * MIB) {
		table = (uint64_t *)(memory + BOOT_TABLES);
		entry = table[gpa >> 39];
		assert_int_equal((entry & 0x83), 3);
		table = (uint64_t *)(memory + (entry & ~0xfffull));
		entry = table[gpa >> 30 & 511];
		assert_int_equal((entry & 0x83), 3);
		table = (uint64_t *)(memory + (entry & ~0xfffull));
		entry = table[gpa >> 21 & 511];
		assert_int_equal(entry, (gpa | 0x83));
	}
}

static void no_kernel(void **state)
{
	struct setup_header header;
	size_t length;

	start();
	for (length = 0; length <= (SETUP_SECTORS + 1) * 512; length += 64) {
		header = good();
		error[0] = 0;
		assert_true(load(&header, length) && error[0]);
	}
	header = good();
	header.header++;
	assert_true(load(&header, SIZE_MAX));
	header = good();
	header.version = 0x20b;
	assert_true(load(&header, SIZE_MAX));
	header = good();
	header.xloadflags = 0;
	assert_true(load(&header, SIZE_MAX));
	vm.config.kernel = "/tmp/vmbhost-does-not-exist";
	header = good();
	assert_true(load(&header, SIZE_MAX));
}

static void does_not_fit(void **state)
{
	struct setup_header header = good();

	start();
	header.init_size = MEMORY - LOAD + 1;
	assert_true(load(&header, SIZE_MAX));
	/* It does, but leaves nothing for the initramfs. */
	header.init_size = MEMORY - LOAD;
	assert_true(load(&header, SIZE_MAX));
	header.init_size = MEMORY - LOAD - 2 * PAGE;
	assert_false(load(&header, SIZE_MAX));
	header = good();
	header.pref_address = UINT64_MAX - PAGE + 1;
	assert_true(load(&header, SIZE_MAX));
	header.pref_address = 0;
	assert_true(load(&header, SIZE_MAX));
	header = good();
	header.initrd_addr_max = LOAD;
	assert_true(load(&header, SIZE_MAX));
	header = good();
	header.cmdline_size = 5;
	assert_true(load(&header, SIZE_MAX));
}

static int begin(void **state)
{
	snprintf(kernel_path, sizeof(kernel_path), "/tmp/vmbhost-kernel-XXXXXX");
	snprintf(initrd_path, sizeof(initrd_path), "/tmp/vmbhost-initrd-XXXXXX");
	kernel = mkstemp(kernel_path);
	initrd = mkstemp(initrd_path);
	memory = calloc(1, MEMORY);
	return kernel < 0 || initrd < 0 || !memory;
}

static int end(void **state)
{
	free(memory);
	close(kernel);
	close(initrd);
	unlink(kernel_path);
	unlink(initrd_path);
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout),
		cmocka_unit_test(page_tables),
		cmocka_unit_test(no_kernel),
		cmocka_unit_test(does_not_fit),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
