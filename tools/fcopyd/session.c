// SPDX-License-Identifier: GPL-2.0
/*
 * The protocol: negotiation of versions as in all of Hyper-V's integration services,
 * and the four operations of copying a file. The answer to a message is that message,
 * with a status.
 *
 * The channel is a pipe, so that a message begins with the header that the kernel calls
 * icmsg_hdr, which include/linux/hyperv.h has and the headers for user space have not.
 *
 * After a rescind the host opens a new connection: it negotiates, and whoever wants the
 * file begins it anew, as no operation says where to go on. So all that is known of
 * the old connection is forgotten then.
 */
#include <endian.h>
#include <string.h>
#include <syslog.h>

#include "fcopyd.h"

#define TYPE_NEGOTIATE	0
#define TYPE_FCOPY	7

#define FLAG_TRANSACTION	1
#define FLAG_RESPONSE		4

#define VERSION(major, minor)	((uint32_t)(major) | (uint32_t)(minor) << 16)

/* All little-endian, as is every processor that Hyper-V has */
struct ic_header {
	uint32_t framework;
	uint16_t type;
	uint32_t version;
	uint16_t bytes;
	uint32_t status;
	uint8_t transaction, flags;
	uint16_t reserved;
} __attribute__((packed));

struct ic_negotiate {
	uint16_t frameworks, versions;
	uint32_t reserved;
	uint32_t version[2];	/* in the answer */
} __attribute__((packed));

_Static_assert(__BYTE_ORDER == __LITTLE_ENDIAN, "Hyper-V's guests are little-endian");

/**
 * session_init() - no connection yet
 */
void session_init(struct session *session, const struct store *store)
{
	memset(session, 0, sizeof(*session));
	session->store = store;
	session->copy.fd = -1;
	session->copy.dir_fd = -1;
}

/**
 * session_end() - the connection is no more, and its copy neither
 */
void session_end(struct session *session, const char *why)
{
	copy_drop(&session->copy, why);
	session->negotiated = false;
}

/* Whether a version is among @count, which are there */
static bool among(const uint8_t *list, unsigned int count, uint32_t version)
{
	uint32_t one;

	for (; count; count--, list += sizeof(one)) {
		memcpy(&one, list, sizeof(one));
		if (one == version)
			return true;
	}
	return false;
}

static void negotiate(struct session *session, struct ic_header *header,
		      uint8_t *body, size_t bytes)
{
	const size_t list = offsetof(struct ic_negotiate, version);
	struct ic_negotiate n = { 0 };
	uint32_t framework = VERSION(3, 0);

	session_end(session, "the host has begun a new connection");
	header->status = HV_E_FAIL;
	if (bytes < sizeof(n)) {
		log_line(LOG_ERR, "versions in a message of %zu bytes", bytes);
		return;
	}
	memcpy(&n, body, list);
	if ((n.frameworks + n.versions) * sizeof(uint32_t) <= bytes - list) {
		if (!among(body + list, n.frameworks, framework))
			framework = VERSION(1, 0);
		session->negotiated =
			among(body + list, n.frameworks, framework) &&
			among(body + list + n.frameworks * sizeof(uint32_t),
			      n.versions, VERSION(1, 1));
	}
	n.frameworks = session->negotiated;
	n.versions = session->negotiated;
	n.version[0] = session->negotiated ? framework : 0;
	n.version[1] = session->negotiated ? VERSION(1, 1) : 0;
	header->bytes = sizeof(n);
	memcpy(body, &n, sizeof(n));
	if (session->negotiated)
		header->status = HV_S_OK;
	else
		log_line(LOG_ERR, "the host has no version that is known here");
}

static uint32_t start(struct session *session, const uint8_t *body, size_t bytes)
{
	struct copy *copy = &session->copy;
	char name[W_MAX_PATH * 3 + 1], path[W_MAX_PATH * 3 + 1];
	char below[PATH_BYTES];
	struct hv_start_fcopy message;

	copy_drop(copy, "the host has begun another file");
	if (bytes < sizeof(message)) {
		log_line(LOG_ERR, "refused: a file begins with %zu bytes", bytes);
		return HV_E_FAIL;
	}
	memcpy(&message, body, sizeof(message));
	if (name_from_host(message.file_name, name, sizeof(name)) ||
	    name_from_host(message.path_name, path, sizeof(path))) {
		log_line(LOG_WARNING, "refused: a name that is no UTF-16, or has no end");
		return HV_E_FAIL;
	}
	if (!name_is_file(name) ||
	    name_below(session->store->path, path, below, sizeof(below))) {
		log_line(LOG_WARNING, "refused: a file that is not in %s, or cannot be",
			 session->store->path);
		return HV_E_FAIL;
	}
	return copy_begin(copy, session->store, below, name,
			  message.copy_flags, message.file_size);
}

static uint32_t data(struct session *session, const uint8_t *body, size_t bytes)
{
	const size_t offset = offsetof(struct hv_do_fcopy, data);
	struct hv_do_fcopy message;

	/* The last message need not have all of DATA_FRAGMENT. */
	if (bytes < offset)
		return HV_E_FAIL;
	memcpy(&message, body, offset);
	if (message.size > bytes - offset) {
		copy_drop(&session->copy, "the host's data are wrong");
		return HV_E_FAIL;
	}
	return copy_write(&session->copy, message.offset, body + offset,
			  message.size);
}

static uint32_t operation(struct session *session, const uint8_t *body,
			  size_t bytes)
{
	struct hv_fcopy_hdr header;

	if (bytes < sizeof(header))
		return HV_E_FAIL;
	memcpy(&header, body, sizeof(header));
	switch (header.operation) {
	case START_FILE_COPY:
		return start(session, body, bytes);
	case WRITE_TO_FILE:
		return data(session, body, bytes);
	case COMPLETE_FCOPY:
		return copy_complete(&session->copy, session->store);
	case CANCEL_FCOPY:
		copy_drop(&session->copy, "the host has cancelled it");
		return HV_S_OK;
	default:
		log_line(LOG_WARNING, "refused: the unknown operation %u",
			 header.operation);
		return HV_E_FAIL;
	}
}

/**
 * session_answer() - do what a message says, and make the answer of it
 * @message:	is changed
 * Return: bytes of the answer, of which there is none to 0
 */
size_t session_answer(struct session *session, void *message, size_t bytes)
{
	struct ic_header header;
	uint8_t *body = (uint8_t *)message + sizeof(header);

	if (bytes < sizeof(header)) {
		log_line(LOG_ERR, "ignored: a message of %zu bytes", bytes);
		return 0;
	}
	memcpy(&header, message, sizeof(header));
	/* It is of an older connection, if not an answer: answers are ours. */
	if (header.flags & FLAG_RESPONSE ||
	    (header.type != TYPE_NEGOTIATE && !session->negotiated))
		return 0;
	bytes -= sizeof(header);
	if (header.type == TYPE_NEGOTIATE) {
		negotiate(session, &header, body, bytes);
	} else if (header.type == TYPE_FCOPY) {
		header.status = operation(session, body, bytes);
	} else {
		log_line(LOG_WARNING, "refused: a message of the unknown type %u",
			 header.type);
		header.status = HV_E_FAIL;
	}
	header.flags = FLAG_TRANSACTION | FLAG_RESPONSE;
	memcpy(message, &header, sizeof(header));
	return sizeof(header) + bytes;
}
