/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Declarations shared by the files of the machine, lowest layer first; the
 * VMBus host uses only the first two files. Everything in struct vm is either
 * constant once the processors run, or serialised by vm->lock, except for
 * @stopping, which is atomic.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <termios.h>
#include <time.h>

#include "vmbhost.h"

#define PAGE		4096u
#define MIB		(1024u * 1024u)
#define GIB		(1024ull * MIB)

/* End of the RAM below 4 GiB; the rest of the RAM starts at 4 GiB. */
#define LOW_RAM_MAX	(3 * GIB)
#define HIGH_RAM	(4 * GIB)
#define MEMORY_MIN_MIB	64u
#define MEMORY_MAX_MIB	16384u

/* Where the disk is, if there is one; its size is in units of that many bytes. */
#define DISK_BASE	(20 * GIB)
#define DISK_MAX	(8 * GIB)
#define DISK_UNIT	(2 * MIB)

/* The layout below 1 MiB, which firmware would leave there. */
#define BOOT_GDT	0x1000u
#define BOOT_PARAMS	0x10000u
#define BOOT_CMDLINE	0x20000u
#define BOOT_TABLES	0x30000u	/* page tables: six pages */
#define BOOT_LOW_END	0x9fc00u
#define ACPI_BASE	0xe0000u
#define ACPI_SIZE	0x10000u

#define IOAPIC_BASE	0xfec00000u
#define LAPIC_BASE	0xfee00000u
#define IOAPIC_PINS	24u
/* Interrupt lines of the SynIC: this and the processor's number. */
#define GSI_SYNIC	IOAPIC_PINS
#define SERIAL_IRQ	4u
#define SCI_IRQ		9u

#define PORT_KEYBOARD	0x64u
#define PORT_RTC_INDEX	0x70u
#define PORT_RTC_DATA	0x71u
#define PORT_SERIAL	0x3f8u
#define PORT_PM1_EVENT	0x600u
#define PORT_PM1_CONTROL 0x604u
#define PORT_RESET	0xcf9u
#define PORT_CONTROL	0x4b4du
#define RESET_VALUE	6u
/* SLP_TYP of soft off, as the DSDT's _S5 says. */
#define SLEEP_TYPE_OFF	5u

/* Where devices may have registers: free of RAM and of interrupt controllers. */
#define MMIO_LOW	0xe0000000u
#define MMIO_LOW_END	0xfebfffffu
#define MMIO_HIGH	(32 * GIB)
#define MMIO_HIGH_END	(36 * GIB - 1)

/* Exit statuses. */
#define STATUS_OFF	0
#define STATUS_ERROR	1
#define STATUS_RESET	3	/* the guest reset itself or triple-faulted */

#define SERIAL_BUFFER	8192u
#define SERIAL_INPUT	256u

/**
 * struct serial - a 16550A at COM1
 * @out:	written and not yet taken by serial_take()
 * @in:		typed and not yet read by the guest: a ring
 * @fifo:	what of FCR reads back in IIR
 * @thri:	"transmitter empty" has not been reported yet
 * @level:	of the interrupt line
 * @flush_at:	when @out is to be written at the latest
 */
struct serial {
	struct vm *vm;
	uint8_t ier, lcr, mcr, scr, fifo, divisor[2];
	bool thri, level;
	uint64_t flush_at;
	unsigned int out_used, in_head, in_used;
	uint8_t out[SERIAL_BUFFER], in[SERIAL_INPUT];
};

/**
 * struct console - where the serial line leads
 * @fd:		what the guest writes goes there
 * @input:	what is typed comes from there; -1: nowhere
 * @saved:	the terminal's mode before
 */
struct console {
	int fd, input;
	bool raw;
	struct termios saved;
};

struct queued_message;

/**
 * struct synic - one processor's synthetic interrupt controller
 * @control:	the guest's SCONTROL
 * @event_page:	the guest's SIEFP
 * @message_page: the guest's SIMP
 * @first:	messages that wait for the slot of VMBUS_SINT
 */
struct synic {
	struct vm *vm;
	unsigned int vcpu;
	uint64_t control, event_page, message_page;
	struct queued_message *first, **end;
	unsigned int queued;
};

struct vcpu {
	struct vm *vm;
	unsigned int index;
	int fd, irqfd;
	bool running;
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;
};

struct vm {
	pthread_mutex_t lock;
	struct vm_config config;
	struct vmbus *bus;

	int kvm_fd, fd, wake_fd, ack_fd, signal_fd;
	uint8_t *memory;	/* the low part, the high part behind it */
	uint64_t low, high;	/* bytes of both */
	uint8_t *disk;
	uint64_t disk_size;
	uint64_t started, wake_at;

	struct vcpu vcpus[VM_MAX_CPUS];
	struct synic synics[VM_MAX_CPUS];
	struct serial serial;
	struct console console;
	uint16_t pm1_enable, pm1_control;
	uint8_t rtc_index;
	char typed[SERIAL_INPUT];	/* by vm_type(), and not passed on yet */
	size_t typed_length;

	atomic_bool stopping;
	int status;
	bool again;		/* not the end: it is started again */
};

/* vm.c */
void vm_start_clock(struct vm *vm);
void vm_kick(struct vm *vm);
int vm_irq_line(struct vm *vm, unsigned int gsi, unsigned int level);
int vm_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* synic.c */
void synic_init(struct synic *synic, struct vm *vm, unsigned int vcpu);
void synic_changed(struct synic *synic, uint64_t control, uint64_t event_page,
		   uint64_t message_page);
void synic_end_of_message(struct synic *synic);
void synic_free(struct synic *synic);

/* rtc.c */
uint8_t rtc_read(uint8_t index, time_t seconds);

/* serial.c */
void serial_init(struct serial *serial, struct vm *vm);
void serial_write(struct serial *serial, unsigned int reg, uint8_t value);
uint8_t serial_read(struct serial *serial, unsigned int reg);
size_t serial_take(struct serial *serial, uint8_t *bytes, size_t size);
size_t serial_room(const struct serial *serial);
void serial_input(struct serial *serial, const uint8_t *bytes, size_t length);
void serial_typed(struct vm *vm);

/* acpi.c */
uint64_t acpi_build(uint8_t *area, uint64_t base, size_t size,
		    unsigned int cpus, uint64_t disk);

/* cpuid.c */
int cpuid_set(struct vcpu *vcpu);

/* boot.c */
int boot_load(struct vm *vm, uint64_t rsdp, uint64_t *entry);

/* setup.c */
int setup_kvm(struct vm *vm);
int setup_memory(struct vm *vm);
int setup_disk(struct vm *vm);
int setup_chips(struct vm *vm);
int setup_routes(struct vm *vm);
int setup_registers(struct vm *vm, uint64_t entry);

/* console.c */
int console_open(struct vm *vm);
bool console_flush(struct vm *vm);
int console_input_fd(struct vm *vm);
void console_input(struct vm *vm);
void console_close(struct vm *vm);

/* pio.c */
void pio_write(struct vm *vm, uint16_t port, unsigned int size, uint32_t value);
uint32_t pio_read(struct vm *vm, uint16_t port, unsigned int size);

/* hypercall.c */
uint64_t hypercall(struct vm *vm, uint64_t input, const uint64_t *params);

/* vcpu.c */
int vcpu_create(struct vm *vm, unsigned int index);
int vcpu_start(struct vcpu *vcpu);
void vcpu_stop(struct vcpu *vcpu);

/* vmm.c */
int vm_init(struct vm *vm);
int vm_probe(struct vm *vm);
int vm_run(struct vm *vm, const struct vm_config *config, struct vmbus *bus);

#endif
