// SPDX-License-Identifier: GPL-2.0
/*
 * The clock that a PC has in its CMOS memory, to be read only. A guest asks for
 * the time long before it reads in the ACPI tables that no such clock generates
 * interrupts, and waits seconds for one that does not answer. Called with
 * vm->lock held.
 */
#include <time.h>

#include "machine.h"

#define REG_SECONDS	0x00
#define REG_MINUTES	0x02
#define REG_HOURS	0x04
#define REG_WEEKDAY	0x06
#define REG_DAY		0x07
#define REG_MONTH	0x08
#define REG_YEAR	0x09
#define REG_A		0x0a
#define REG_B		0x0b
#define REG_D		0x0d
#define A_DIVIDER	0x26	/* as every PC sets it; no update goes on */
#define B_24H		0x02
#define D_VALID		0x80

/* Linux takes these for decimal digits whatever register B says. */
static uint8_t bcd(unsigned int value)
{
	return value / 10 << 4 | value % 10;
}

/**
 * rtc_read() - the guest reads a byte
 * @index:	which it has selected
 * @seconds:	the time, since 1970
 */
uint8_t rtc_read(uint8_t index, time_t seconds)
{
	struct tm now;

	gmtime_r(&seconds, &now);
	switch (index) {
	case REG_SECONDS:
		return bcd(now.tm_sec);
	case REG_MINUTES:
		return bcd(now.tm_min);
	case REG_HOURS:
		return bcd(now.tm_hour);
	case REG_WEEKDAY:
		return bcd(now.tm_wday + 1);
	case REG_DAY:
		return bcd(now.tm_mday);
	case REG_MONTH:
		return bcd(now.tm_mon + 1);
	case REG_YEAR:
		return bcd(now.tm_year % 100);
	case REG_A:
		return A_DIVIDER;
	case REG_B:
		return B_24H;
	case REG_D:
		return D_VALID;
	default:
		return 0;
	}
}
