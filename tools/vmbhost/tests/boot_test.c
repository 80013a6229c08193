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

	expect(file && fwrite(bytes, 1, length, file) == length);
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

static void layout(void)
{
	struct setup_header header = good();
	struct boot_params *params;
	uint64_t entry = 0, end;
	unsigned int i;

	start();
	write_kernel(&header, SIZE_MAX);
	expect(!boot_load(&vm, ACPI_BASE, &entry));
	expect(entry == LOAD + 0x200);
	for (i = 0; i < PAYLOAD; i++) {
		if (memory[LOAD + i] !=
		    (uint8_t)((i + (SETUP_SECTORS + 1) * 512) * 7))
			break;
	}
	expect(i == PAYLOAD);
	params = (void *)(memory + BOOT_PARAMS);
	expect(params->hdr.type_of_loader == 0xff);
	expect(params->acpi_rsdp_addr == ACPI_BASE);
	expect(!strcmp((char *)memory + params->hdr.cmd_line_ptr,
		       "console=ttyS0"));
	expect(params->hdr.ramdisk_size == INITRD);
	expect(params->hdr.ramdisk_image % PAGE == 0);
	end = params->hdr.ramdisk_image + INITRD;
	expect(end <= MEMORY && end > MEMORY - 2 * PAGE);
	for (i = 0; i < INITRD; i++) {
		if (memory[params->hdr.ramdisk_image + i] != 0xab)
			break;
	}
	expect(i == INITRD);
	expect(params->e820_entries == 5);
	end = 0;
	for (i = 0; i < params->e820_entries; i++) {
		expect(params->e820_table[i].addr >= end);
		end = params->e820_table[i].addr + params->e820_table[i].size;
		/* No RAM is where the tables and the devices are. */
		if (params->e820_table[i].type == 1)
			expect(end <= ACPI_BASE ||
			       params->e820_table[i].addr >= MIB);
	}
	expect(end == HIGH_RAM + vm.high);
}

/* Each address below 4 GiB is mapped to itself. */
static void page_tables(void)
{
	struct setup_header header = good();
	uint64_t gpa, *table, entry;

	start();
	expect(!load(&header, SIZE_MAX));
	for (gpa = 0; gpa < 4 * GIB; gpa += 2 * MIB) {
		table = (uint64_t *)(memory + BOOT_TABLES);
		entry = table[gpa >> 39];
		expect((entry & 0x83) == 3);
		table = (uint64_t *)(memory + (entry & ~0xfffull));
		entry = table[gpa >> 30 & 511];
		expect((entry & 0x83) == 3);
		table = (uint64_t *)(memory + (entry & ~0xfffull));
		entry = table[gpa >> 21 & 511];
		expect(entry == (gpa | 0x83));
		if (!test_ok)
			return;
	}
}

static void no_kernel(void)
{
	struct setup_header header;
	size_t length;

	start();
	for (length = 0; length <= (SETUP_SECTORS + 1) * 512; length += 64) {
		header = good();
		error[0] = 0;
		expect(load(&header, length) && error[0]);
	}
	header = good();
	header.header++;
	expect(load(&header, SIZE_MAX));
	header = good();
	header.version = 0x20b;
	expect(load(&header, SIZE_MAX));
	header = good();
	header.xloadflags = 0;
	expect(load(&header, SIZE_MAX));
	vm.config.kernel = "/tmp/vmbhost-does-not-exist";
	header = good();
	expect(load(&header, SIZE_MAX));
}

static void does_not_fit(void)
{
	struct setup_header header = good();

	start();
	header.init_size = MEMORY - LOAD + 1;
	expect(load(&header, SIZE_MAX));
	/* It does, but leaves nothing for the initramfs. */
	header.init_size = MEMORY - LOAD;
	expect(load(&header, SIZE_MAX));
	header.init_size = MEMORY - LOAD - 2 * PAGE;
	expect(!load(&header, SIZE_MAX));
	header = good();
	header.pref_address = UINT64_MAX - PAGE + 1;
	expect(load(&header, SIZE_MAX));
	header.pref_address = 0;
	expect(load(&header, SIZE_MAX));
	header = good();
	header.initrd_addr_max = LOAD;
	expect(load(&header, SIZE_MAX));
	header = good();
	header.cmdline_size = 5;
	expect(load(&header, SIZE_MAX));
}

int main(void)
{
	int kernel, initrd;

	snprintf(kernel_path, sizeof(kernel_path), "/tmp/vmbhost-kernel-XXXXXX");
	snprintf(initrd_path, sizeof(initrd_path), "/tmp/vmbhost-initrd-XXXXXX");
	kernel = mkstemp(kernel_path);
	initrd = mkstemp(initrd_path);
	memory = calloc(1, MEMORY);
	if (kernel < 0 || initrd < 0 || !memory) {
		printf("no files or memory to test with\n");
		return 1;
	}
	run(layout);
	run(page_tables);
	run(no_kernel);
	run(does_not_fit);
	free(memory);
	close(kernel);
	close(initrd);
	unlink(kernel_path);
	unlink(initrd_path);
	return test_end();
}
