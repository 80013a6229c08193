// SPDX-License-Identifier: GPL-2.0
/*
 * Load a kernel as Documentation/arch/x86/boot.rst has it, for its 64-bit entry
 * point: the compressed kernel, the initramfs, the command line, the boot
 * parameters with the memory map, a GDT and identity page tables. Runs once,
 * before the guest does; no lock.
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"

#define SECTOR		512u
#define HEADER		0x1f1u		/* of the setup header in the file */
#define HEADER_LENGTH	0x201u		/* a byte: its end, from 0x202 */
#define HEADER_MAGIC	0x53726448u	/* "HdrS" */
#define VERSION_64	0x020cu		/* the first with a 64-bit entry point */
#define ENTRY_64	0x200u
#define LOADER_OTHER	0xffu

#define PTE_PRESENT_RW	3ull
#define PTE_HUGE	(1ull << 7)
#define GDT_CODE64	0x00af9b000000ffffull
#define GDT_DATA	0x00cf93000000ffffull

/* Return: an open file and its size; -1 after an error was printed */
static int open_file(const char *path, uint64_t *size)
{
	struct stat stat;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0) {
		vm_error("%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	*size = stat.st_size;
	return fd;
}

/* Read exactly that much from there. */
static int read_at(int fd, const char *path, void *to, uint64_t length,
		   uint64_t offset)
{
	ssize_t got;

	while (length) {
		got = pread(fd, to, length, offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return vm_error("%s: %s", path, strerror(errno));
		if (!got)
			return vm_error("%s: too short", path);
		to = (uint8_t *)to + got;
		length -= got;
		offset += got;
	}
	return 0;
}

static int read_header(int fd, const char *path, struct setup_header *header)
{
	uint8_t start[HEADER + sizeof(*header)];
	size_t length;

	if (read_at(fd, path, start, sizeof(start), 0))
		return -1;
	memset(header, 0, sizeof(*header));
	length = 0x202 + start[HEADER_LENGTH] - HEADER;
	if (length > sizeof(*header))
		length = sizeof(*header);
	memcpy(header, start + HEADER, length);
	if (header->header != HEADER_MAGIC || header->version < VERSION_64 ||
	    !(header->xloadflags & XLF_KERNEL_64))
		return vm_error("%s: not a bzImage with a 64-bit entry point",
				path);
	return 0;
}

static int load_kernel(struct vm *vm, struct setup_header *header,
		       uint64_t *kernel_end)
{
	const char *path = vm->config.kernel;
	uint64_t size, offset, start;
	void *to;
	int fd, ret = -1;

	fd = open_file(path, &size);
	if (fd < 0)
		return -1;
	if (read_header(fd, path, header))
		goto out;
	offset = ((header->setup_sects ? header->setup_sects : 4) + 1) * SECTOR;
	if (offset >= size) {
		vm_error("%s: too short", path);
		goto out;
	}
	size -= offset;
	start = header->pref_address;
	/* It unpacks itself in place and needs more than the file has. */
	*kernel_end = start + (size > header->init_size ? size :
							  header->init_size);
	to = guest_memory(vm, start, *kernel_end - start);
	if (!to || start < BOOT_PARAMS + MIB) {
		vm_error("%s: does not fit into %u MiB of memory", path,
			 vm->config.memory_mib);
		goto out;
	}
	ret = read_at(fd, path, to, size, offset);
out:
	close(fd);
	return ret;
}

/* As high as the kernel allows, so that it does not get into its way. */
static int load_initrd(struct vm *vm, struct setup_header *header,
		       uint64_t kernel_end)
{
	const char *path = vm->config.initrd;
	uint64_t size, end = header->initrd_addr_max + 1ull, start;
	int fd, ret = -1;

	if (!path)
		return 0;
	fd = open_file(path, &size);
	if (fd < 0)
		return -1;
	if (end > vm->low)
		end = vm->low;
	if (size > end || ((end - size) & ~(uint64_t)(PAGE - 1)) < kernel_end) {
		vm_error("%s: does not fit into %u MiB of memory beside the kernel",
			 path, vm->config.memory_mib);
		goto out;
	}
	start = (end - size) & ~(uint64_t)(PAGE - 1);
	header->ramdisk_image = start;
	header->ramdisk_size = size;
	ret = read_at(fd, path, guest_memory(vm, start, size), size, 0);
out:
	close(fd);
	return ret;
}

static int set_command_line(struct vm *vm, struct setup_header *header)
{
	const char *line = vm->config.append ? vm->config.append : "";
	size_t length = strlen(line);

	if (length > header->cmdline_size ||
	    length >= BOOT_TABLES - BOOT_CMDLINE)
		return vm_error("the kernel takes at most %u bytes of command line",
				header->cmdline_size);
	memcpy(guest_memory(vm, BOOT_CMDLINE, length + 1), line, length + 1);
	header->cmd_line_ptr = BOOT_CMDLINE;
	return 0;
}

static void add_region(struct boot_params *params, uint64_t start,
		       uint64_t end, uint32_t type)
{
	struct boot_e820_entry *entry;

	if (start >= end)
		return;
	entry = &params->e820_table[params->e820_entries++];
	entry->addr = start;
	entry->size = end - start;
	entry->type = type;
}

/* The first 4 GiB, one to one, in pages of 2 MiB. */
static void identity_map(struct vm *vm)
{
	uint64_t *tables = guest_memory(vm, BOOT_TABLES, 6 * PAGE);
	unsigned int i, per_page = PAGE / sizeof(*tables);

	memset(tables, 0, 6 * PAGE);
	tables[0] = (BOOT_TABLES + PAGE) | PTE_PRESENT_RW;
	for (i = 0; i < 4; i++)
		tables[per_page + i] = (BOOT_TABLES + (2 + i) * PAGE) |
				       PTE_PRESENT_RW;
	for (i = 0; i < 4 * per_page; i++)
		tables[2 * per_page + i] = ((uint64_t)i * 2 * MIB) |
					   PTE_PRESENT_RW | PTE_HUGE;
}

/**
 * boot_load() - put everything into the guest's memory
 * @rsdp:	guest physical address of the ACPI tables' root
 * @entry:	on success where the first processor begins: in long mode, at
 *		BOOT_TABLES its page tables, its code segment 0x10 and the others
 *		0x18 in the GDT at BOOT_GDT, in RSI BOOT_PARAMS
 *
 * Return: 0; -1 after an error was printed
 */
int boot_load(struct vm *vm, uint64_t rsdp, uint64_t *entry)
{
	struct boot_params *params = guest_memory(vm, BOOT_PARAMS,
						  sizeof(*params));
	uint64_t *gdt = guest_memory(vm, BOOT_GDT, 4 * sizeof(*gdt));
	struct setup_header header;
	uint64_t kernel_end;

	if (load_kernel(vm, &header, &kernel_end) ||
	    load_initrd(vm, &header, kernel_end) ||
	    set_command_line(vm, &header))
		return -1;
	header.type_of_loader = LOADER_OTHER;
	header.code32_start = header.pref_address;

	memset(params, 0, sizeof(*params));
	params->hdr = header;
	params->acpi_rsdp_addr = rsdp;
	add_region(params, 0, BOOT_LOW_END, 1);
	add_region(params, BOOT_LOW_END, 0xa0000, 2);
	add_region(params, ACPI_BASE, MIB, 2);
	add_region(params, MIB, vm->low, 1);
	add_region(params, HIGH_RAM, HIGH_RAM + vm->high, 1);

	gdt[0] = 0;
	gdt[1] = 0;
	gdt[2] = GDT_CODE64;
	gdt[3] = GDT_DATA;
	identity_map(vm);
	*entry = header.pref_address + ENTRY_64;
	return 0;
}
