/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Strings: UNICODE_STRING, whose lengths are in bytes, and the functions of
 * ntstrsafe.h that drivers use most, whose sizes are in bytes (Cb) or in units (Cch).
 * No locks; any context, as nothing here is paged.
 *
 * A string that ends in a null is cut off, and still ends in one, where there is no
 * room for all of it; one of UNICODE_STRING needs no null.
 */
#ifndef _KMCL_NTCOMPAT_STRING_H
#define _KMCL_NTCOMPAT_STRING_H

#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/stdarg.h>
#include <linux/string.h>

#include "ntcompat_status.h"
#include "ntcompat_types.h"

#define UNICODE_NULL		((WCHAR)0)
#define NTSTRSAFE_MAX_CCH	2147483647

/* How many units there are before the null, at most @limit */
static inline SIZE_T kmcl_nt_wcsnlen(PCWSTR String, SIZE_T limit)
{
	SIZE_T units = 0;

	while (units < limit && String[units])
		units++;
	return units;
}

/**
 * RtlInitUnicodeString() - describe a string that ends in a null
 * @DestinationString: set to it: MaximumLength has the null, Length has not
 * @SourceString: the string, which is not copied; NULL: an empty one without memory
 *
 * Of more than 32766 units only these are described.
 *
 * Context: any.
 */
static inline void RtlInitUnicodeString(PUNICODE_STRING DestinationString,
					PCWSTR SourceString)
{
	DestinationString->Buffer = (WCHAR *)SourceString;
	DestinationString->Length = 0;
	DestinationString->MaximumLength = 0;
	if (!SourceString)
		return;
	DestinationString->Length = sizeof(WCHAR) *
		kmcl_nt_wcsnlen(SourceString, U16_MAX / sizeof(WCHAR) - 1);
	DestinationString->MaximumLength = DestinationString->Length +
		sizeof(WCHAR);
}

/**
 * RtlInitEmptyUnicodeString() - describe a buffer for a string
 * @UnicodeString: set to an empty string
 * @Buffer: the buffer
 * @BufferSize: its bytes
 *
 * Context: any.
 */
static inline void RtlInitEmptyUnicodeString(PUNICODE_STRING UnicodeString,
					     PWCHAR Buffer, USHORT BufferSize)
{
	UnicodeString->Length = 0;
	UnicodeString->MaximumLength = BufferSize;
	UnicodeString->Buffer = Buffer;
}

/**
 * RtlCopyUnicodeString() - copy a string, as far as there is room
 * @DestinationString: its Buffer is written to; a null behind it if that has room
 * @SourceString: the string; NULL: an empty one
 *
 * Context: any.
 */
static inline void RtlCopyUnicodeString(PUNICODE_STRING DestinationString,
					PCUNICODE_STRING SourceString)
{
	USHORT room = DestinationString->MaximumLength;
	USHORT length = 0;

	if (SourceString) {
		length = min(SourceString->Length, room);
		memmove(DestinationString->Buffer, SourceString->Buffer,
			length);
	}
	DestinationString->Length = length;
	if (room - length >= (int)sizeof(WCHAR))
		DestinationString->Buffer[length / sizeof(WCHAR)] = 0;
}

/**
 * RtlAppendUnicodeStringToString() - put a string behind another
 * @Destination: what it is put behind; a null follows if that has room
 * @Source: the string
 *
 * Context: any.
 * Return: STATUS_SUCCESS; STATUS_BUFFER_TOO_SMALL, and nothing is written.
 */
static inline NTSTATUS
RtlAppendUnicodeStringToString(PUNICODE_STRING Destination,
			       PCUNICODE_STRING Source)
{
	UNICODE_STRING rest;
	USHORT length = Destination->Length;

	if (Source->Length > Destination->MaximumLength - length)
		return STATUS_BUFFER_TOO_SMALL;
	RtlInitEmptyUnicodeString(&rest,
				  Destination->Buffer + length / sizeof(WCHAR),
				  Destination->MaximumLength - length);
	RtlCopyUnicodeString(&rest, Source);
	Destination->Length = length + rest.Length;
	return STATUS_SUCCESS;
}

/**
 * RtlAppendUnicodeToString() - put a string that ends in a null behind another
 * @Destination: what it is put behind; a null follows if that has room
 * @Source: the string, or NULL
 *
 * Context: any.
 * Return: STATUS_SUCCESS; STATUS_BUFFER_TOO_SMALL, and nothing is written.
 */
static inline NTSTATUS RtlAppendUnicodeToString(PUNICODE_STRING Destination,
						PCWSTR Source)
{
	UNICODE_STRING source;

	RtlInitUnicodeString(&source, Source);
	return RtlAppendUnicodeStringToString(Destination, &source);
}

/* A to Z; the rest as it is */
static inline WCHAR kmcl_nt_upcase(WCHAR unit)
{
	return unit >= 'a' && unit <= 'z' ? unit - 'a' + 'A' : unit;
}

/**
 * RtlCompareUnicodeString() - compare two strings
 * @String1: one
 * @String2: the other
 * @CaseInSensitive: TRUE: a to z are as A to Z. Windows does so for other
 *	alphabets as well
 *
 * Context: any.
 * Return: below 0, 0 or above 0, as the first one is less than, equal to or greater
 * than the second.
 */
static inline LONG RtlCompareUnicodeString(PCUNICODE_STRING String1,
					   PCUNICODE_STRING String2,
					   BOOLEAN CaseInSensitive)
{
	USHORT length = min(String1->Length, String2->Length);
	WCHAR a, b;
	int i;

	for (i = 0; i < length / (int)sizeof(WCHAR); i++) {
		a = String1->Buffer[i];
		b = String2->Buffer[i];
		if (CaseInSensitive) {
			a = kmcl_nt_upcase(a);
			b = kmcl_nt_upcase(b);
		}
		if (a != b)
			return (LONG)a - b;
	}
	return (LONG)String1->Length - String2->Length;
}

/**
 * RtlEqualUnicodeString() - are two strings equal?
 * @String1: one
 * @String2: the other
 * @CaseInSensitive: as for RtlCompareUnicodeString()
 *
 * Context: any.
 * Return: TRUE if they are.
 */
static inline BOOLEAN RtlEqualUnicodeString(PCUNICODE_STRING String1,
					    PCUNICODE_STRING String2,
					    BOOLEAN CaseInSensitive)
{
	return !RtlCompareUnicodeString(String1, String2, CaseInSensitive);
}

static inline bool kmcl_nt_bad_size(SIZE_T units)
{
	return !units || units > NTSTRSAFE_MAX_CCH;
}

/**
 * RtlStringCbCopyA() - copy a string
 * @Destination: where to
 * @DestinationBytes: its size, with the null
 * @Source: the string
 *
 * Context: any.
 * Return: STATUS_SUCCESS; STATUS_BUFFER_OVERFLOW: it is cut off;
 * STATUS_INVALID_PARAMETER: the size is 0, or above NTSTRSAFE_MAX_CCH.
 */
static inline NTSTATUS RtlStringCbCopyA(PSTR Destination,
					SIZE_T DestinationBytes, PCSTR Source)
{
	SIZE_T length;

	if (kmcl_nt_bad_size(DestinationBytes))
		return STATUS_INVALID_PARAMETER;
	length = strnlen(Source, DestinationBytes);
	memmove(Destination, Source, min(length, DestinationBytes - 1));
	Destination[min(length, DestinationBytes - 1)] = 0;
	return length < DestinationBytes ? STATUS_SUCCESS :
		STATUS_BUFFER_OVERFLOW;
}

/**
 * RtlStringCbCatA() - put a string behind another
 * @Destination: what it is put behind, which ends in a null
 * @DestinationBytes: the size of that, with the null
 * @Source: the string
 *
 * Context: any.
 * Return: as RtlStringCbCopyA(), and STATUS_INVALID_PARAMETER if there is no null.
 */
static inline NTSTATUS RtlStringCbCatA(PSTR Destination,
				       SIZE_T DestinationBytes, PCSTR Source)
{
	SIZE_T length;

	if (kmcl_nt_bad_size(DestinationBytes))
		return STATUS_INVALID_PARAMETER;
	length = strnlen(Destination, DestinationBytes);
	if (length == DestinationBytes)
		return STATUS_INVALID_PARAMETER;
	return RtlStringCbCopyA(Destination + length, DestinationBytes - length,
				Source);
}

/* The null of a string that has to be in @size was found at @found, or not before that */
static inline NTSTATUS kmcl_nt_length(SIZE_T found, SIZE_T size, PSIZE_T Length)
{
	bool there = found < size;

	if (Length)
		*Length = there ? found : 0;
	return there ? STATUS_SUCCESS : STATUS_INVALID_PARAMETER;
}

/**
 * RtlStringCbLengthA() - get the length of a string
 * @String: the string
 * @Size: the bytes in which its null has to be
 * @Length: set to its length without the null, or NULL
 *
 * Context: any.
 * Return: STATUS_SUCCESS; STATUS_INVALID_PARAMETER: no string, no null there, or a
 * size above NTSTRSAFE_MAX_CCH; @Length is 0 then.
 */
static inline NTSTATUS RtlStringCbLengthA(PCSTR String, SIZE_T Size,
					  PSIZE_T Length)
{
	bool valid = String && Size <= NTSTRSAFE_MAX_CCH;

	return kmcl_nt_length(valid ? strnlen(String, Size) : Size, Size, Length);
}

/**
 * RtlStringCbPrintfA() - print to a string
 * @Destination: where to
 * @DestinationBytes: its size, with the null
 * @Format: that of Linux' printf functions, which the compiler checks
 * @...: what it prints
 *
 * Context: any.
 * Return: as RtlStringCbCopyA().
 */
static inline __printf(3, 4) NTSTATUS
RtlStringCbPrintfA(PSTR Destination, SIZE_T DestinationBytes, PCSTR Format, ...)
{
	va_list args;
	int length;

	if (kmcl_nt_bad_size(DestinationBytes))
		return STATUS_INVALID_PARAMETER;
	va_start(args, Format);
	length = vsnprintf(Destination, DestinationBytes, Format, args);
	va_end(args);
	return length < DestinationBytes ? STATUS_SUCCESS :
		STATUS_BUFFER_OVERFLOW;
}

/* A CHAR has one byte */
#define RtlStringCchCopyA(Destination, Size, Source) \
	RtlStringCbCopyA(Destination, Size, Source)
#define RtlStringCchCatA(Destination, Size, Source) \
	RtlStringCbCatA(Destination, Size, Source)
#define RtlStringCchLengthA(String, Size, Length) \
	RtlStringCbLengthA(String, Size, Length)
#define RtlStringCchPrintfA(Destination, Size, ...) \
	RtlStringCbPrintfA(Destination, Size, __VA_ARGS__)

/**
 * RtlStringCchCopyW() - copy a string of 16-bit units
 * @Destination: where to
 * @DestinationUnits: its size in units, with the null
 * @Source: the string
 *
 * Context: any.
 * Return: as RtlStringCbCopyA().
 */
static inline NTSTATUS RtlStringCchCopyW(PWSTR Destination,
					 SIZE_T DestinationUnits, PCWSTR Source)
{
	SIZE_T length;

	if (kmcl_nt_bad_size(DestinationUnits))
		return STATUS_INVALID_PARAMETER;
	length = kmcl_nt_wcsnlen(Source, DestinationUnits);
	memmove(Destination, Source,
		min(length, DestinationUnits - 1) * sizeof(WCHAR));
	Destination[min(length, DestinationUnits - 1)] = 0;
	return length < DestinationUnits ? STATUS_SUCCESS :
		STATUS_BUFFER_OVERFLOW;
}

/**
 * RtlStringCchLengthW() - get the length of a string of 16-bit units
 * @String: the string
 * @Size: the units in which its null has to be
 * @Length: set to its length in units without the null, or NULL
 *
 * Context: any.
 * Return: as RtlStringCbLengthA().
 */
static inline NTSTATUS RtlStringCchLengthW(PCWSTR String, SIZE_T Size,
					   PSIZE_T Length)
{
	bool valid = String && Size <= NTSTRSAFE_MAX_CCH;

	return kmcl_nt_length(valid ? kmcl_nt_wcsnlen(String, Size) : Size, Size,
			      Length);
}

/* A size in bytes; an odd one has no room for half a unit */
#define RtlStringCbCopyW(Destination, Bytes, Source) \
	RtlStringCchCopyW(Destination, (Bytes) / sizeof(WCHAR), Source)

/**
 * RtlStringCbLengthW() - get the length of a string of 16-bit units in bytes
 * @String: the string
 * @Size: the bytes in which its null has to be
 * @Length: set to its length in bytes without the null, or NULL
 *
 * Context: any.
 * Return: as RtlStringCbLengthA().
 */
static inline NTSTATUS RtlStringCbLengthW(PCWSTR String, SIZE_T Size,
					  PSIZE_T Length)
{
	NTSTATUS status = RtlStringCchLengthW(String, Size / sizeof(WCHAR),
					      Length);

	if (Length)
		*Length *= sizeof(WCHAR);
	return status;
}

#endif
