// SPDX-License-Identifier: GPL-2.0
/*
 * The console: as much of a 16550A as a guest's 8250 driver looks at, with
 * interrupts. Called with vm->lock held.
 *
 * Nothing is written to a file here, since that could sleep: the worker takes
 * what has gathered (serial_take()) and writes it without the lock. A guest that
 * is faster finds the transmitter busy.
 */
#include <linux/serial_reg.h>
#include <string.h>

#include "machine.h"

/* How long a byte may wait for more before the worker is to write it. */
#define FLUSH_DELAY	2000000ull
/* A guest that finds the transmitter empty writes a whole FIFO. */
#define FIFO		16u
/* Both bits in IIR: the FIFOs are on, and work. */
#define IIR_FIFO_ENABLED	0xc0u

void serial_init(struct serial *serial, struct vm *vm)
{
	memset(serial, 0, sizeof(*serial));
	serial->vm = vm;
	serial->flush_at = NEVER;
	serial->mcr = UART_MCR_OUT2;
	serial->divisor[0] = 1;
}

static bool transmitter_empty(const struct serial *serial)
{
	return serial->out_used + FIFO <= SERIAL_BUFFER;
}

/* The most urgent reason for an interrupt, as IIR shows it. */
static uint8_t reason(const struct serial *serial)
{
	if ((serial->ier & UART_IER_RDI) && serial->in_used)
		return UART_IIR_RDI;
	if ((serial->ier & UART_IER_THRI) && serial->thri)
		return UART_IIR_THRI;
	return UART_IIR_NO_INT;
}

static void update(struct serial *serial)
{
	bool level = reason(serial) != UART_IIR_NO_INT &&
		     (serial->mcr & UART_MCR_OUT2);

	if (level == serial->level)
		return;
	serial->level = level;
	vm_irq_line(serial->vm, SERIAL_IRQ, level);
}

static void transmit(struct serial *serial, uint8_t byte)
{
	if (serial->mcr & UART_MCR_LOOP) {
		serial_input(serial, &byte, 1);
		return;
	}
	/* Only one that does not ask whether there is room loses something. */
	if (serial->out_used < SERIAL_BUFFER)
		serial->out[serial->out_used++] = byte;
	if (serial->out_used == 1) {
		serial->flush_at = vm_now(serial->vm) + FLUSH_DELAY;
		vm_kick(serial->vm);
	} else if (serial->out_used == SERIAL_BUFFER / 2) {
		serial->flush_at = 0;
		vm_kick(serial->vm);
	}
	serial->thri = transmitter_empty(serial);
}

static uint8_t receive(struct serial *serial)
{
	uint8_t byte;

	if (!serial->in_used)
		return 0;
	byte = serial->in[serial->in_head];
	serial->in_head = (serial->in_head + 1) % SERIAL_INPUT;
	serial->in_used--;
	if (serial->vm->typed_length)
		vm_kick(serial->vm);
	return byte;
}

/**
 * serial_write() - the guest writes a register
 * @reg:	0 to 7
 */
void serial_write(struct serial *serial, unsigned int reg, uint8_t value)
{
	bool latch = serial->lcr & UART_LCR_DLAB;

	switch (reg) {
	case UART_TX:
		if (latch)
			serial->divisor[0] = value;
		else
			transmit(serial, value);
		break;
	case UART_IER:
		if (latch) {
			serial->divisor[1] = value;
			break;
		}
		/* Asking for it anew reports it anew. */
		if (~serial->ier & value & UART_IER_THRI)
			serial->thri = transmitter_empty(serial);
		serial->ier = value & 0x0f;
		break;
	case UART_FCR:
		serial->fifo = value & UART_FCR_ENABLE_FIFO ?
			       IIR_FIFO_ENABLED : 0;
		if (value & UART_FCR_CLEAR_RCVR)
			serial->in_used = 0;
		break;
	case UART_LCR:
		serial->lcr = value;
		break;
	case UART_MCR:
		serial->mcr = value & 0x1f;
		break;
	case UART_SCR:
		serial->scr = value;
		break;
	}
	update(serial);
}

/* The modem lines: connected, or in the loop what MCR says. */
static uint8_t modem_status(const struct serial *serial)
{
	uint8_t status = 0;

	if (!(serial->mcr & UART_MCR_LOOP))
		return UART_MSR_DCD | UART_MSR_DSR | UART_MSR_CTS;
	if (serial->mcr & UART_MCR_RTS)
		status |= UART_MSR_CTS;
	if (serial->mcr & UART_MCR_DTR)
		status |= UART_MSR_DSR;
	if (serial->mcr & UART_MCR_OUT1)
		status |= UART_MSR_RI;
	if (serial->mcr & UART_MCR_OUT2)
		status |= UART_MSR_DCD;
	return status;
}

/**
 * serial_read() - the guest reads a register
 * @reg:	0 to 7
 */
uint8_t serial_read(struct serial *serial, unsigned int reg)
{
	bool latch = serial->lcr & UART_LCR_DLAB;
	uint8_t value = 0;

	switch (reg) {
	case UART_RX:
		value = latch ? serial->divisor[0] : receive(serial);
		break;
	case UART_IER:
		value = latch ? serial->divisor[1] : serial->ier;
		break;
	case UART_IIR:
		value = reason(serial);
		/* Reading it is the answer to this one. */
		if (value == UART_IIR_THRI)
			serial->thri = false;
		value |= serial->fifo;
		break;
	case UART_LCR:
		value = serial->lcr;
		break;
	case UART_MCR:
		value = serial->mcr;
		break;
	case UART_LSR:
		if (transmitter_empty(serial))
			value |= UART_LSR_THRE | UART_LSR_TEMT;
		if (serial->in_used)
			value |= UART_LSR_DR;
		break;
	case UART_MSR:
		value = modem_status(serial);
		break;
	case UART_SCR:
		value = serial->scr;
		break;
	}
	update(serial);
	return value;
}

/**
 * serial_take() - what the guest has written since
 * Return: how many bytes were put into @bytes; the rest can be taken next
 */
size_t serial_take(struct serial *serial, uint8_t *bytes, size_t size)
{
	size_t count = serial->out_used < size ? serial->out_used : size;
	bool was_empty = transmitter_empty(serial);

	memcpy(bytes, serial->out, count);
	serial->out_used -= count;
	memmove(serial->out, serial->out + count, serial->out_used);
	serial->flush_at = serial->out_used ? 0 : NEVER;
	if (!was_empty && transmitter_empty(serial))
		serial->thri = true;
	update(serial);
	return count;
}

/* How many bytes can be typed. */
size_t serial_room(const struct serial *serial)
{
	return SERIAL_INPUT - serial->in_used;
}

/* What somebody typed; what there is no room for is lost. */
void serial_input(struct serial *serial, const uint8_t *bytes, size_t length)
{
	unsigned int at;

	for (; length && serial->in_used < SERIAL_INPUT; length--) {
		at = (serial->in_head + serial->in_used++) % SERIAL_INPUT;
		serial->in[at] = *bytes++;
	}
	update(serial);
}

/* Pass on what vm_type() was given, as much as there is room for. */
void serial_typed(struct vm *vm)
{
	size_t room = serial_room(&vm->serial), length = vm->typed_length;

	if (length > room)
		length = room;
	serial_input(&vm->serial, (const uint8_t *)vm->typed, length);
	vm->typed_length -= length;
	memmove(vm->typed, vm->typed + length, vm->typed_length);
}
