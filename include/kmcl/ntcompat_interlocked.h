/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interlocked operations on plain integers and pointers, in any context. All of them
 * are full barriers, as on Windows.
 *
 * What they return differs: InterlockedIncrement(), InterlockedDecrement() and
 * InterlockedAdd() the new value, all others the old one. The order of the arguments
 * of InterlockedCompareExchange() is not that of cmpxchg().
 */
#ifndef _KMCL_NTCOMPAT_INTERLOCKED_H
#define _KMCL_NTCOMPAT_INTERLOCKED_H

#include <linux/atomic.h>
#include <linux/bits.h>
#include <linux/build_bug.h>

#include "ntcompat_types.h"

static_assert(sizeof(atomic_t) == sizeof(LONG));
static_assert(sizeof(atomic64_t) == sizeof(LONG64));

static inline atomic_t *kmcl_nt_atomic(LONG volatile *Target)
{
	return (atomic_t *)Target;
}

static inline atomic64_t *kmcl_nt_atomic64(LONG64 volatile *Target)
{
	return (atomic64_t *)Target;
}

/**
 * InterlockedIncrement() - add one to an integer
 * @Addend: the integer
 *
 * Context: any.
 * Return: the new value.
 */
static inline LONG InterlockedIncrement(LONG volatile *Addend)
{
	return atomic_inc_return(kmcl_nt_atomic(Addend));
}

/**
 * InterlockedDecrement() - subtract one from an integer
 * @Addend: the integer
 *
 * Context: any.
 * Return: the new value.
 */
static inline LONG InterlockedDecrement(LONG volatile *Addend)
{
	return atomic_dec_return(kmcl_nt_atomic(Addend));
}

/**
 * InterlockedAdd() - add to an integer
 * @Addend: the integer
 * @Value: what to add
 *
 * Context: any.
 * Return: the new value.
 */
static inline LONG InterlockedAdd(LONG volatile *Addend, LONG Value)
{
	return atomic_add_return(Value, kmcl_nt_atomic(Addend));
}

/**
 * InterlockedExchangeAdd() - add to an integer
 * @Addend: the integer
 * @Value: what to add
 *
 * Context: any.
 * Return: the old value.
 */
static inline LONG InterlockedExchangeAdd(LONG volatile *Addend, LONG Value)
{
	return atomic_fetch_add(Value, kmcl_nt_atomic(Addend));
}

/**
 * InterlockedAnd() - clear bits of an integer
 * @Destination: the integer
 * @Value: the bits that stay
 *
 * Context: any.
 * Return: the old value.
 */
static inline LONG InterlockedAnd(LONG volatile *Destination, LONG Value)
{
	return atomic_fetch_and(Value, kmcl_nt_atomic(Destination));
}

/**
 * InterlockedOr() - set bits of an integer
 * @Destination: the integer
 * @Value: the bits
 *
 * Context: any.
 * Return: the old value.
 */
static inline LONG InterlockedOr(LONG volatile *Destination, LONG Value)
{
	return atomic_fetch_or(Value, kmcl_nt_atomic(Destination));
}

/**
 * InterlockedXor() - invert bits of an integer
 * @Destination: the integer
 * @Value: the bits
 *
 * Context: any.
 * Return: the old value.
 */
static inline LONG InterlockedXor(LONG volatile *Destination, LONG Value)
{
	return atomic_fetch_xor(Value, kmcl_nt_atomic(Destination));
}

/**
 * InterlockedExchange() - set an integer
 * @Target: the integer
 * @Value: what to
 *
 * Context: any.
 * Return: the old value.
 */
static inline LONG InterlockedExchange(LONG volatile *Target, LONG Value)
{
	return atomic_xchg(kmcl_nt_atomic(Target), Value);
}

/**
 * InterlockedCompareExchange() - set an integer if it has a value
 * @Destination: the integer
 * @ExChange: what to
 * @Comperand: the value
 *
 * Context: any.
 * Return: the old value: @Comperand if it was set.
 */
static inline LONG InterlockedCompareExchange(LONG volatile *Destination,
					      LONG ExChange, LONG Comperand)
{
	return atomic_cmpxchg(kmcl_nt_atomic(Destination), Comperand, ExChange);
}

/**
 * InterlockedIncrement64() - add one to an integer of 64 bits
 * @Addend: the integer
 *
 * Context: any.
 * Return: the new value.
 */
static inline LONG64 InterlockedIncrement64(LONG64 volatile *Addend)
{
	return atomic64_inc_return(kmcl_nt_atomic64(Addend));
}

/**
 * InterlockedDecrement64() - subtract one from an integer of 64 bits
 * @Addend: the integer
 *
 * Context: any.
 * Return: the new value.
 */
static inline LONG64 InterlockedDecrement64(LONG64 volatile *Addend)
{
	return atomic64_dec_return(kmcl_nt_atomic64(Addend));
}

/**
 * InterlockedAdd64() - add to an integer of 64 bits
 * @Addend: the integer
 * @Value: what to add
 *
 * Context: any.
 * Return: the new value.
 */
static inline LONG64 InterlockedAdd64(LONG64 volatile *Addend, LONG64 Value)
{
	return atomic64_add_return(Value, kmcl_nt_atomic64(Addend));
}

/**
 * InterlockedExchangeAdd64() - add to an integer of 64 bits
 * @Addend: the integer
 * @Value: what to add
 *
 * Context: any.
 * Return: the old value.
 */
static inline LONG64 InterlockedExchangeAdd64(LONG64 volatile *Addend,
					      LONG64 Value)
{
	return atomic64_fetch_add(Value, kmcl_nt_atomic64(Addend));
}

/**
 * InterlockedAnd64() - clear bits of an integer of 64 bits
 * @Destination: the integer
 * @Value: the bits that stay
 *
 * Context: any.
 * Return: the old value.
 */
static inline LONG64 InterlockedAnd64(LONG64 volatile *Destination,
				      LONG64 Value)
{
	return atomic64_fetch_and(Value, kmcl_nt_atomic64(Destination));
}

/**
 * InterlockedOr64() - set bits of an integer of 64 bits
 * @Destination: the integer
 * @Value: the bits
 *
 * Context: any.
 * Return: the old value.
 */
static inline LONG64 InterlockedOr64(LONG64 volatile *Destination, LONG64 Value)
{
	return atomic64_fetch_or(Value, kmcl_nt_atomic64(Destination));
}

/**
 * InterlockedXor64() - invert bits of an integer of 64 bits
 * @Destination: the integer
 * @Value: the bits
 *
 * Context: any.
 * Return: the old value.
 */
static inline LONG64 InterlockedXor64(LONG64 volatile *Destination,
				      LONG64 Value)
{
	return atomic64_fetch_xor(Value, kmcl_nt_atomic64(Destination));
}

/**
 * InterlockedExchange64() - set an integer of 64 bits
 * @Target: the integer
 * @Value: what to
 *
 * Context: any.
 * Return: the old value.
 */
static inline LONG64 InterlockedExchange64(LONG64 volatile *Target,
					   LONG64 Value)
{
	return atomic64_xchg(kmcl_nt_atomic64(Target), Value);
}

/**
 * InterlockedCompareExchange64() - set an integer if it has a value
 * @Destination: the integer
 * @ExChange: what to
 * @Comperand: the value
 *
 * Context: any.
 * Return: the old value: @Comperand if it was set.
 */
static inline LONG64 InterlockedCompareExchange64(LONG64 volatile *Destination,
						  LONG64 ExChange,
						  LONG64 Comperand)
{
	return atomic64_cmpxchg(kmcl_nt_atomic64(Destination), Comperand,
				ExChange);
}

/**
 * InterlockedBitTestAndSet() - set a bit of an integer
 * @Base: the integer
 * @Bit: the number of the bit, 0 to 31
 *
 * Context: any.
 * Return: 1 if it was set, else 0.
 */
static inline UCHAR InterlockedBitTestAndSet(LONG volatile *Base, LONG Bit)
{
	return (ULONG)atomic_fetch_or((int)BIT(Bit),
				      kmcl_nt_atomic(Base)) >> Bit & 1;
}

/**
 * InterlockedBitTestAndReset() - clear a bit of an integer
 * @Base: the integer
 * @Bit: the number of the bit, 0 to 31
 *
 * Context: any.
 * Return: 1 if it was set, else 0.
 */
static inline UCHAR InterlockedBitTestAndReset(LONG volatile *Base, LONG Bit)
{
	return (ULONG)atomic_fetch_andnot((int)BIT(Bit),
					  kmcl_nt_atomic(Base)) >> Bit & 1;
}

/**
 * InterlockedExchangePointer() - set a pointer
 * @Target: the pointer
 * @Value: what to
 *
 * Context: any.
 * Return: the old value.
 */
static inline PVOID InterlockedExchangePointer(PVOID volatile *Target,
					       PVOID Value)
{
	return xchg((PVOID *)Target, Value);
}

/**
 * InterlockedCompareExchangePointer() - set a pointer if it has a value
 * @Destination: the pointer
 * @ExChange: what to
 * @Comperand: the value
 *
 * Context: any.
 * Return: the old value: @Comperand if it was set.
 */
static inline PVOID
InterlockedCompareExchangePointer(PVOID volatile *Destination, PVOID ExChange,
				  PVOID Comperand)
{
	return cmpxchg((PVOID *)Destination, Comperand, ExChange);
}

#endif
