// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl info: all that is known about a channel.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kmcl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kmclctl.h"

static enum status show(const struct kmcl_info *info,
			const struct kmcl_stats *stats,
			const struct kmcl_limits *limits)
{
	static const unsigned char none[KMCL_GUID_SIZE];
	char class[GUID_TEXT], instance[GUID_TEXT], words[40];

	guid_from_bytes(info->class_id, class);
	guid_from_bytes(info->instance_id, instance);
	const struct field fields[] = {
		{ .column = { "NAME", TEXT }, .text = info->name },
		{ .column = { "STATE", TEXT },
		  .text = channel_state(info->state) },
		{ .column = { "OPEN", TRUTH },
		  .number = info->flags & KMCL_INFO_OPEN },
		{ .column = { "DEVICE", TEXT },
		  .text = class_words(class, words, sizeof(words)) },
		{ .column = { "CLASS", TEXT },
		  .text = memcmp(info->class_id, none, sizeof(none)) ? class :
		  NULL },
		{ .column = { "INSTANCE", TEXT },
		  .text = memcmp(info->instance_id, none, sizeof(none)) ?
		  instance : NULL },
		{ .column = { "ANY_INSTANCE", TRUTH },
		  .number = info->flags & KMCL_INFO_ANY_INSTANCE },
		{ .column = { "MODE", TEXT },
		  .text = info->flags & KMCL_INFO_PIPE ? "pipe" : "raw" },
		{ .column = { "REOPEN", TEXT },
		  .text = info->flags & KMCL_INFO_REOPEN ? "auto" : "manual" },
		{ .column = { "KEEP", TEXT },
		  .text = info->flags & KMCL_INFO_DROP ? "none" : "all" },
		{ .column = { "PACKET_BYTES", NUMBER },
		  .number = info->packet_bytes },
		{ .column = { "RING_IN", NUMBER }, .number = info->ring_in },
		{ .column = { "RING_OUT", NUMBER }, .number = info->ring_out },
		{ .column = { "QUEUE_PACKETS", NUMBER },
		  .number = limits->queue_packets },
		{ .column = { "QUEUE_BYTES", NUMBER },
		  .number = limits->queue_bytes },
		{ .column = { "CHANGES", NUMBER }, .number = info->changes },
		{ .column = { "WRITTEN", NUMBER }, .number = stats->written },
		{ .column = { "WRITTEN_BYTES", NUMBER },
		  .number = stats->written_bytes },
		{ .column = { "ENDED", NUMBER }, .number = stats->ended },
		{ .column = { "CANCELLED", NUMBER },
		  .number = stats->cancelled },
		{ .column = { "QUEUED", NUMBER }, .number = stats->queued },
		{ .column = { "QUEUED_BYTES", NUMBER },
		  .number = stats->queued_bytes },
		{ .column = { "RECEIVED", NUMBER }, .number = stats->received },
		{ .column = { "RECEIVED_BYTES", NUMBER },
		  .number = stats->received_bytes },
		{ .column = { "READ", NUMBER }, .number = stats->read },
		{ .column = { "READ_BYTES", NUMBER },
		  .number = stats->read_bytes },
		{ .column = { "WAITING", NUMBER }, .number = stats->waiting },
		{ .column = { "WAITING_BYTES", NUMBER },
		  .number = stats->waiting_bytes },
		{ .column = { "TRUNCATED", NUMBER },
		  .number = stats->truncated },
		{ .column = { "REFUSED", NUMBER }, .number = stats->refused },
		{ .column = { "LOST", NUMBER }, .number = stats->lost },
		{ .column = { "REQUESTS", NUMBER }, .number = stats->requests },
		{ .column = { "REQUESTS_EXPIRED", NUMBER },
		  .number = stats->requests_expired },
		{ .column = { "OPENS", NUMBER }, .number = stats->opens },
		{ .column = { "CLOSES", NUMBER }, .number = stats->closes },
		{ .column = { "RESCINDS", NUMBER }, .number = stats->rescinds },
		{ .column = { "OPEN_FAILURES", NUMBER },
		  .number = stats->open_failures },
		{ .column = { "OPENERS", NUMBER }, .number = stats->openers },
	};

	return fields_show("info", fields, ARRAY_SIZE(fields));
}

enum status info_command(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse_name,
		.args_doc = "NAME",
		.children = common,
		.doc = "Print the state, the properties and the counters of a channel.",
	};
	struct kmcl_limits limits = { .size = sizeof(limits) };
	const char *name = NULL;
	enum status status = parse(&argp, argc, argv, &name);
	struct kmcl_stats stats;
	struct kmcl_info info;
	int fd, error;

	if (status)
		return status;
	fd = channel_open(name, O_RDONLY | O_NONBLOCK, &status);
	if (fd < 0)
		return status;
	status = channel_info(fd, name, &info);
	error = channel_get_stats(fd, &stats);
	if (!status && error)
		status = channel_errno(name, "asking for its counters", -error);
	if (!status && ioctl(fd, KMCL_IOC_GET_LIMITS, &limits))
		status = channel_errno(name, "asking for its limits", errno);
	close(fd);
	return status ? status : show(&info, &stats, &limits);
}
