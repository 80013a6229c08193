/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Windows' lists: circular ones of LIST_ENTRY, and stacks of SINGLE_LIST_ENTRY.
 *
 * The list comes first and the entry second, the other way round than with
 * list_add(). What takes an entry from a list leaves the entry's own pointers as
 * they are. No locks: the caller serialises, in any context.
 */
#ifndef _KMCL_NTCOMPAT_LIST_H
#define _KMCL_NTCOMPAT_LIST_H

#include <linux/compiler.h>

#include "ntcompat_types.h"

typedef struct _LIST_ENTRY {
	struct _LIST_ENTRY *Flink;
	struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

typedef struct _SINGLE_LIST_ENTRY {
	struct _SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;

/**
 * InitializeListHead() - make an empty list
 * @ListHead: the list
 *
 * Context: any.
 */
static inline void InitializeListHead(PLIST_ENTRY ListHead)
{
	ListHead->Flink = ListHead;
	ListHead->Blink = ListHead;
}

/**
 * IsListEmpty() - is there no entry in a list?
 * @ListHead: the list
 *
 * Context: any.
 * Return: TRUE if there is none.
 */
static inline BOOLEAN IsListEmpty(const LIST_ENTRY *ListHead)
{
	return READ_ONCE(ListHead->Flink) == ListHead;
}

/* Put @Entry between two that are neighbours */
static inline void kmcl_nt_insert(PLIST_ENTRY Entry, PLIST_ENTRY Blink,
				  PLIST_ENTRY Flink)
{
	Entry->Flink = Flink;
	Entry->Blink = Blink;
	Flink->Blink = Entry;
	WRITE_ONCE(Blink->Flink, Entry);
}

/**
 * InsertHeadList() - put an entry at the start of a list
 * @ListHead: the list
 * @Entry: in no list
 *
 * Context: any.
 */
static inline void InsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry)
{
	kmcl_nt_insert(Entry, ListHead, ListHead->Flink);
}

/**
 * InsertTailList() - put an entry at the end of a list
 * @ListHead: the list
 * @Entry: in no list
 *
 * Context: any.
 */
static inline void InsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry)
{
	kmcl_nt_insert(Entry, ListHead->Blink, ListHead);
}

/**
 * RemoveEntryList() - take an entry from its list
 * @Entry: in a list
 *
 * Context: any.
 * Return: TRUE if the list is empty now.
 */
static inline BOOLEAN RemoveEntryList(PLIST_ENTRY Entry)
{
	PLIST_ENTRY flink = Entry->Flink, blink = Entry->Blink;

	flink->Blink = blink;
	WRITE_ONCE(blink->Flink, flink);
	return flink == blink;
}

/**
 * RemoveHeadList() - take the first entry from a list
 * @ListHead: the list
 *
 * Context: any.
 * Return: the entry; @ListHead itself if the list is empty.
 */
static inline PLIST_ENTRY RemoveHeadList(PLIST_ENTRY ListHead)
{
	PLIST_ENTRY entry = ListHead->Flink;

	RemoveEntryList(entry);
	return entry;
}

/**
 * RemoveTailList() - take the last entry from a list
 * @ListHead: the list
 *
 * Context: any.
 * Return: the entry; @ListHead itself if the list is empty.
 */
static inline PLIST_ENTRY RemoveTailList(PLIST_ENTRY ListHead)
{
	PLIST_ENTRY entry = ListHead->Blink;

	RemoveEntryList(entry);
	return entry;
}

/**
 * AppendTailList() - put a chain of entries at the end of a list
 * @ListHead: the list
 * @ListToAppend: any entry of a ring without a head; it becomes the first one of
 *	those that are added
 *
 * For the entries of another list, take its head out first, with
 * RemoveEntryList(), and pass one of them.
 *
 * Context: any.
 */
static inline void AppendTailList(PLIST_ENTRY ListHead,
				  PLIST_ENTRY ListToAppend)
{
	PLIST_ENTRY end = ListHead->Blink, last = ListToAppend->Blink;

	end->Flink = ListToAppend;
	ListHead->Blink = last;
	last->Flink = ListHead;
	ListToAppend->Blink = end;
}

/**
 * PushEntryList() - put an entry on a stack
 * @ListHead: the stack; its Next is NULL if it is empty
 * @Entry: in no stack
 *
 * Context: any.
 */
static inline void PushEntryList(PSINGLE_LIST_ENTRY ListHead,
				 PSINGLE_LIST_ENTRY Entry)
{
	Entry->Next = ListHead->Next;
	ListHead->Next = Entry;
}

/**
 * PopEntryList() - take the last entry that was put on a stack
 * @ListHead: the stack
 *
 * Context: any.
 * Return: the entry; NULL if the stack is empty.
 */
static inline PSINGLE_LIST_ENTRY PopEntryList(PSINGLE_LIST_ENTRY ListHead)
{
	PSINGLE_LIST_ENTRY entry = ListHead->Next;

	if (entry)
		ListHead->Next = entry->Next;
	return entry;
}

#endif
