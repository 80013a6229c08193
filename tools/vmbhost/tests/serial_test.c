// SPDX-License-Identifier: GPL-2.0
/* The UART's registers, used as a driver does. One thread. */
#include <linux/serial_reg.h>
#include <string.h>

#include "../machine.h"
#include "test.h"

static unsigned int line, raised, kicks;
static uint64_t now;
static struct vm vm;
static struct serial *serial = &vm.serial;

/* In place of the machine's. */
int vm_irq_line(struct vm *of, unsigned int gsi, unsigned int level)
{
	assert_true(of == &vm && gsi == SERIAL_IRQ);
	/* Only changes are told. */
	assert_true(line != level);
	line = level;
	raised += level;
	return 0;
}

uint64_t vm_now(struct vm *of)
{
	(void)of;
	return now;
}

void vm_kick(struct vm *of)
{
	(void)of;
	kicks++;
}

static void start(void)
{
	line = 0;
	raised = 0;
	kicks = 0;
	now = 5;
	vm.typed_length = 0;
	serial_init(serial, &vm);
}

static unsigned int iir(void)
{
	return serial_read(serial, UART_IIR) & 0x0f;
}

/* How a driver finds out that this is a 16550A. */
static void detection(void **state)
{
	start();
	serial_write(serial, UART_IER, 0);
	assert_int_equal(serial_read(serial, UART_IER), 0);
	serial_write(serial, UART_IER, 0x0f);
	assert_int_equal(serial_read(serial, UART_IER), 0x0f);
	serial_write(serial, UART_IER, 0);
	serial_write(serial, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 |
		     UART_MCR_RTS);
	assert_true((serial_read(serial, UART_MSR) & 0xf0) ==
		    (UART_MSR_DCD | UART_MSR_CTS));
	serial_write(serial, UART_MCR, 0);
	serial_write(serial, UART_FCR, UART_FCR_ENABLE_FIFO);
	assert_true(serial_read(serial, UART_IIR) >> 6 == 3);
	serial_write(serial, UART_FCR, 0);
	assert_true(serial_read(serial, UART_IIR) >> 6 == 0);
	serial_write(serial, UART_SCR, 0xa5);
	assert_int_equal(serial_read(serial, UART_SCR), 0xa5);
}

static void divisor(void **state)
{
	uint8_t byte;

	start();
	serial_write(serial, UART_LCR, UART_LCR_DLAB | UART_LCR_WLEN8);
	serial_write(serial, UART_DLL, 0x34);
	serial_write(serial, UART_DLM, 0x12);
	assert_int_equal(serial_read(serial, UART_DLL), 0x34);
	assert_int_equal(serial_read(serial, UART_DLM), 0x12);
	serial_write(serial, UART_LCR, UART_LCR_WLEN8);
	assert_int_equal(serial_read(serial, UART_LCR), UART_LCR_WLEN8);
	assert_int_equal(serial_read(serial, UART_IER), 0);
	assert_int_equal(serial_take(serial, &byte, 1), 0);
}

static void output(void **state)
{
	uint8_t bytes[8];

	start();
	serial_write(serial, UART_TX, 'a');
	assert_int_equal(kicks, 1);
	assert_true(serial->flush_at > now && serial->flush_at < now + 100000000);
	serial_write(serial, UART_TX, 'b');
	serial_write(serial, UART_TX, 'c');
	assert_int_equal(kicks, 1);
	assert_int_equal(serial_take(serial, bytes, 2), 2);
	assert_memory_equal(bytes, "ab", 2);
	assert_true(serial->flush_at == 0);
	assert_true(serial_take(serial, bytes, sizeof(bytes)) == 1);
	assert_int_equal(bytes[0], 'c');
	assert_true(serial->flush_at == NEVER);
	assert_true(serial_take(serial, bytes, sizeof(bytes)) == 0);
}

static void transmitter_interrupt(void **state)
{
	start();
	serial_write(serial, UART_MCR, UART_MCR_OUT2);
	serial_write(serial, UART_IER, UART_IER_THRI);
	assert_int_equal(line, 1);
	assert_int_equal(iir(), UART_IIR_THRI);
	/* That reading was the answer. */
	assert_int_equal(line, 0);
	assert_int_equal(iir(), UART_IIR_NO_INT);
	serial_write(serial, UART_TX, 'x');
	assert_true(line == 1 && raised == 2);
	assert_int_equal(iir(), UART_IIR_THRI);
	/* Asking for it again tells again. */
	serial_write(serial, UART_IER, 0);
	serial_write(serial, UART_IER, UART_IER_THRI);
	assert_true(line == 1 && raised == 3);
	/* Without OUT2 the line does not leave the chip. */
	serial_write(serial, UART_MCR, 0);
	assert_int_equal(line, 0);
}

/* A driver writes 16 bytes when told that there is room: none may be lost. */
static void full(void **state)
{
	uint8_t bytes[SERIAL_BUFFER];
	unsigned int written = 0;

	start();
	serial_write(serial, UART_IER, UART_IER_THRI);
	/* Not a whole number of FIFOs. */
	serial_write(serial, UART_TX, written++);
	while (serial_read(serial, UART_LSR) & UART_LSR_THRE) {
		for (int i = 0; i < 16; i++)
			serial_write(serial, UART_TX, written++);
		if (written > 2 * SERIAL_BUFFER)
			break;
	}
	assert_true(written <= SERIAL_BUFFER);
	assert_true(written > SERIAL_BUFFER - 32);
	assert_int_equal(line, 0);
	assert_int_equal(serial_take(serial, bytes, 100), 100);
	assert_true(serial_read(serial, UART_LSR) & UART_LSR_THRE);
	assert_int_equal(line, 1);
	assert_true(serial_take(serial, bytes + 100, sizeof(bytes)) ==
		    written - 100);
	for (unsigned int i = 0; i < written; i++)
		assert_int_equal(bytes[i], (uint8_t)i);
	/* One who does not ask overruns, and nothing else. */
	for (unsigned int i = 0; i < 2 * SERIAL_BUFFER; i++)
		serial_write(serial, UART_TX, 'y');
	assert_true(serial->out_used == SERIAL_BUFFER);
}

static void input(void **state)
{
	uint8_t many[2 * SERIAL_INPUT];

	start();
	serial_input(serial, (const uint8_t *)"ab", 2);
	assert_int_equal(line, 0);
	serial_write(serial, UART_IER, UART_IER_RDI);
	assert_int_equal(line, 1);
	assert_int_equal(iir(), UART_IIR_RDI);
	assert_true(serial_read(serial, UART_LSR) & UART_LSR_DR);
	assert_int_equal(serial_read(serial, UART_RX), 'a');
	assert_int_equal(line, 1);
	assert_int_equal(serial_read(serial, UART_RX), 'b');
	assert_int_equal(line, 0);
	assert_true(!(serial_read(serial, UART_LSR) & UART_LSR_DR));
	assert_int_equal(serial_read(serial, UART_RX), 0);
	memset(many, 'z', sizeof(many));
	serial_input(serial, many, sizeof(many));
	assert_int_equal(serial_room(serial), 0);
	assert_true(serial->in_used == SERIAL_INPUT);
	serial_write(serial, UART_FCR, UART_FCR_CLEAR_RCVR);
	assert_int_equal(serial_room(serial), SERIAL_INPUT);
	assert_int_equal(line, 0);
}

static void loop(void **state)
{
	uint8_t byte;

	start();
	serial_write(serial, UART_MCR, UART_MCR_LOOP);
	serial_write(serial, UART_TX, 'q');
	assert_int_equal(serial_take(serial, &byte, 1), 0);
	assert_int_equal(serial_read(serial, UART_RX), 'q');
}

/* What is typed on command comes as there is room, and in order */
static void command(void **state)
{
	uint8_t key = 'k';
	unsigned int i;

	start();
	serial_write(serial, UART_IER, UART_IER_RDI);
	memcpy(vm.typed, "ab", 2);
	vm.typed_length = 2;
	for (i = 0; i < SERIAL_INPUT - 1; i++)
		serial_input(serial, &key, 1);
	serial_typed(&vm);
	assert_int_equal(line, 1);
	assert_int_equal(vm.typed_length, 1);
	serial_typed(&vm);
	assert_int_equal(vm.typed_length, 1);
	/* Whoever makes room wakes the worker */
	assert_int_equal(kicks, 0);
	assert_int_equal(serial_read(serial, UART_RX), 'k');
	assert_int_equal(kicks, 1);
	serial_typed(&vm);
	assert_int_equal(vm.typed_length, 0);
	for (i = 0; i < SERIAL_INPUT - 2; i++)
		assert_int_equal(serial_read(serial, UART_RX), 'k');
	assert_int_equal(kicks, 1);
	assert_int_equal(serial_read(serial, UART_RX), 'a');
	assert_int_equal(serial_read(serial, UART_RX), 'b');
	assert_int_equal(line, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(detection),
		cmocka_unit_test(divisor),
		cmocka_unit_test(output),
		cmocka_unit_test(transmitter_interrupt),
		cmocka_unit_test(full),
		cmocka_unit_test(input),
		cmocka_unit_test(command),
		cmocka_unit_test(loop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
