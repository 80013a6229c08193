// SPDX-License-Identifier: GPL-2.0
/*
 * What KVM is asked for before the guest runs: the machine, its memory, its
 * interrupt controllers, the first processor's registers. One thread; no lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"

#define PIC_PINS	8u
#define TIMER_PIN	2u	/* of the IOAPIC; see the MADT */
/* Intel's processors need these pages somewhere outside RAM. */
#define IDENTITY_MAP	0xfeffc000ull
#define TSS_ADDRESS	0xfeffd000ul

/* Return: 0; -1 after an error was printed */
int setup_kvm(struct vm *vm)
{
	static const struct {
		int cap;
		const char *name;
	} needed[] = {
		{ KVM_CAP_IRQCHIP, "an interrupt controller" },
		{ KVM_CAP_PIT2, "a timer" },
		{ KVM_CAP_IRQ_ROUTING, "interrupt routing" },
		{ KVM_CAP_IRQFD_RESAMPLE, "irqfd with resampling" },
		{ KVM_CAP_IMMEDIATE_EXIT, "immediate exits" },
		{ KVM_CAP_HYPERV_CPUID, "KVM_CAP_HYPERV_CPUID" },
		{ KVM_CAP_HYPERV_SYNIC2, "KVM_CAP_HYPERV_SYNIC2" },
	};
	size_t i;

	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0)
		return vm_error("/dev/kvm: %s", strerror(errno));
	if (ioctl(vm->kvm_fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return vm_error("/dev/kvm: not the KVM of Linux 2.6.22 or newer");
	for (i = 0; i < sizeof(needed) / sizeof(*needed); i++) {
		if (ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, needed[i].cap) <= 0)
			return vm_error("this KVM does not have %s",
					needed[i].name);
	}
	vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return vm_error("KVM gives no virtual machine: %s",
				strerror(errno));
	return 0;
}

static int add_memory(struct vm *vm, uint32_t slot, uint64_t gpa, uint8_t *at,
		      uint64_t size)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)at,
	};

	if (size && ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return vm_error("KVM takes no memory: %s", strerror(errno));
	return 0;
}

/* Return: 0; -1 after an error was printed */
int setup_memory(struct vm *vm)
{
	uint64_t size = (uint64_t)vm->config.memory_mib * MIB;
	void *memory;

	memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return vm_error("no %u MiB of memory: %s",
				vm->config.memory_mib, strerror(errno));
	vm->memory = memory;
	vm->low = size < LOW_RAM_MAX ? size : LOW_RAM_MAX;
	vm->high = size - vm->low;
	if (add_memory(vm, 0, 0, vm->memory, vm->low))
		return -1;
	return add_memory(vm, 1, HIGH_RAM, vm->memory + vm->low, vm->high);
}

/**
 * setup_disk() - map the file that is the guest's persistent memory
 *
 * What the guest writes there is in the file when the guest has ended, however it
 * did. Return: 0, also without such a file; -1 after an error was printed
 */
int setup_disk(struct vm *vm)
{
	const char *path = vm->config.disk;
	struct stat stat;
	void *disk;
	int fd;

	if (!path)
		return 0;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0) {
		vm_error("%s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (stat.st_size <= 0 || stat.st_size % DISK_UNIT ||
	    (uint64_t)stat.st_size > DISK_MAX) {
		close(fd);
		return vm_error("%s: a disk has a multiple of %u MiB, at most %llu",
				path, DISK_UNIT / MIB, DISK_MAX / MIB);
	}
	disk = mmap(NULL, stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	close(fd);
	if (disk == MAP_FAILED)
		return vm_error("%s: %s", path, strerror(errno));
	vm->disk = disk;
	vm->disk_size = stat.st_size;
	return add_memory(vm, 2, DISK_BASE, vm->disk, vm->disk_size);
}

static void add_pin(struct kvm_irq_routing *routing, uint32_t gsi,
		    uint32_t chip, uint32_t pin)
{
	struct kvm_irq_routing_entry *entry;

	entry = &routing->entries[routing->nr++];
	entry->gsi = gsi;
	entry->type = KVM_IRQ_ROUTING_IRQCHIP;
	entry->u.irqchip.irqchip = chip;
	entry->u.irqchip.pin = pin;
}

/**
 * setup_chips() - the interrupt controllers and the timer of a PC
 *
 * Before any processor is made. Return: 0; -1 after an error was printed
 */
int setup_chips(struct vm *vm)
{
	struct kvm_pit_config pit = { .flags = KVM_PIT_SPEAKER_DUMMY };
	uint64_t identity_map = IDENTITY_MAP;

	if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0 ||
	    ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDRESS) < 0 ||
	    ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0) < 0 ||
	    ioctl(vm->fd, KVM_CREATE_PIT2, &pit) < 0)
		return vm_error("KVM makes no PC: %s", strerror(errno));
	return 0;
}

/*
 * Interrupts of a SynIC are raised with KVM_IRQ_LINE_STATUS, which tells whether
 * the source is masked; the irqfd is there for its other end, the guest's end of
 * the interrupt or of the message.
 */
static int add_irqfd(struct vm *vm, struct vcpu *vcpu)
{
	struct kvm_irqfd irqfd = {
		.gsi = GSI_SYNIC + vcpu->index,
		.flags = KVM_IRQFD_FLAG_RESAMPLE,
		.resamplefd = vm->ack_fd,
	};

	vcpu->irqfd = eventfd(0, EFD_CLOEXEC);
	if (vcpu->irqfd < 0)
		return vm_error("eventfd: %s", strerror(errno));
	irqfd.fd = vcpu->irqfd;
	if (ioctl(vm->fd, KVM_IRQFD, &irqfd) < 0)
		return vm_error("KVM gives no irqfd: %s", strerror(errno));
	return 0;
}

/**
 * setup_routes() - the lines of a PC, and one for each processor's VMBUS_SINT
 *
 * When all processors have their SynIC: KVM notes in it which line a source is,
 * and without that never tells of an end of message.
 * Return: 0; -1 after an error was printed
 */
int setup_routes(struct vm *vm)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entries[2 * PIC_PINS +
						     IOAPIC_PINS + VM_MAX_CPUS];
	} routes = { 0 };
	struct kvm_irq_routing_entry *entry;
	unsigned int i;

	for (i = 0; i < IOAPIC_PINS; i++) {
		if (i < PIC_PINS)
			add_pin(&routes.head, i, KVM_IRQCHIP_PIC_MASTER, i);
		else if (i < 2 * PIC_PINS)
			add_pin(&routes.head, i, KVM_IRQCHIP_PIC_SLAVE,
				i - PIC_PINS);
		if (i != TIMER_PIN)
			add_pin(&routes.head, i, KVM_IRQCHIP_IOAPIC,
				i ? i : TIMER_PIN);
	}
	for (i = 0; i < vm->config.cpus; i++) {
		entry = &routes.head.entries[routes.head.nr++];
		entry->gsi = GSI_SYNIC + i;
		entry->type = KVM_IRQ_ROUTING_HV_SINT;
		entry->u.hv_sint.vcpu = i;
		entry->u.hv_sint.sint = VMBUS_SINT;
	}
	if (ioctl(vm->fd, KVM_SET_GSI_ROUTING, &routes) < 0)
		return vm_error("KVM routes no interrupts: %s",
				strerror(errno));

	for (i = 0; i < vm->config.cpus; i++) {
		if (add_irqfd(vm, &vm->vcpus[i]))
			return -1;
	}
	return 0;
}

/**
 * setup_registers() - have the first processor begin at @entry, in long mode
 *
 * The others wait. Return: 0; -1 after an error was printed
 */
int setup_registers(struct vm *vm, uint64_t entry)
{
	struct kvm_segment data = {
		.limit = 0xffffffff, .selector = 0x18, .type = 3, .present = 1,
		.db = 1, .s = 1, .g = 1,
	};
	struct kvm_segment code = data;
	struct kvm_regs regs = {
		.rip = entry, .rsi = BOOT_PARAMS, .rflags = 2,
		.rsp = BOOT_PARAMS,
	};
	struct kvm_sregs sregs;
	int fd = vm->vcpus[0].fd;

	code.selector = 0x10;
	code.type = 0xb;
	code.db = 0;
	code.l = 1;
	if (ioctl(fd, KVM_GET_SREGS, &sregs) < 0)
		return vm_error("KVM shows no registers: %s", strerror(errno));
	sregs.cs = code;
	sregs.ds = data;
	sregs.es = data;
	sregs.ss = data;
	sregs.gdt.base = BOOT_GDT;
	sregs.gdt.limit = 31;
	sregs.cr0 |= 0x80000001;	/* paging, protected mode */
	sregs.cr3 = BOOT_TABLES;
	sregs.cr4 |= 0x20;		/* PAE */
	sregs.efer |= 0x500;		/* long mode, enabled and active */
	if (ioctl(fd, KVM_SET_SREGS, &sregs) < 0 ||
	    ioctl(fd, KVM_SET_REGS, &regs) < 0)
		return vm_error("KVM takes no registers: %s", strerror(errno));
	return 0;
}
