// SPDX-License-Identifier: GPL-2.0
/*
 * The host that copies files: which messages it sends, with which contents, and what it
 * makes of the guest's answers. The guest is made of functions: see guest.h. One
 * thread.
 */
#include <unistd.h>

#include "../ic.h"
#include "guest.h"

static struct endpoint e;
static struct incoming in;
static struct ic_header header;
static uint8_t body[8192];
static struct fcopy_header operation;
static struct fcopy_start file;
static struct fcopy_data data;
static uint16_t name[FCOPY_NAME], path[FCOPY_NAME];

/* Read the next request. Return: false if there is none */
static bool request(void)
{
	if (!read_packet(&e, &in))
		return false;
	memcpy(&header, in.payload + sizeof(struct pipe_header), sizeof(header));
	memset(body, 0, sizeof(body));
	memcpy(body, in.payload + sizeof(struct pipe_header) + sizeof(header), header.bytes);
	memcpy(&operation, body, sizeof(operation));
	memcpy(&file, body, sizeof(file));
	memcpy(&data, body, sizeof(data));
	memcpy(name, file.name, sizeof(name));
	memcpy(path, file.path, sizeof(path));
	return true;
}

static void answer(uint32_t status)
{
	header.flags = IC_TRANSACTION | IC_RESPONSE;
	header.status = status;
	memcpy(in.payload + sizeof(struct pipe_header), &header, sizeof(header));
	assert_true(send_packet(&e, PKT_INBAND, 0, 0, in.payload, in.bytes));
	work();
}

static void negotiate(void)
{
	uint32_t version[] = { 1 | 1 << 16, 0, IC_VERSION(3, 0),
			       IC_VERSION(1, 1) };

	assert_true(request() && header.type == IC_NEGOTIATE);
	header.bytes = sizeof(version);
	memcpy(in.payload + sizeof(struct pipe_header) + sizeof(header),
	       version, sizeof(version));
	answer(0);
}

static void begin(const char *behaviour)
{
	begin_with(&e, behaviour);
	negotiate();
}

static bool started(void)
{
	return request() && header.type == IC_FCOPY &&
	       operation.operation == FCOPY_START;
}

/* A fragment of bytes that a seed has made, checked like the file's in the end */
static bool fragment(uint64_t offset, uint32_t bytes)
{
	return request() && operation.operation == FCOPY_DATA &&
	       header.bytes == sizeof(data) + data.bytes &&
	       data.offset == offset && data.bytes == bytes;
}

static bool is(enum fcopy_step step)
{
	return request() && header.bytes == sizeof(operation) &&
	       operation.operation == step;
}

static bool is_name(const uint16_t *units, const char *text)
{
	while (*text && *units == (unsigned char)*text) {
		units++;
		text++;
	}
	return !*text && !*units;
}

static void one_file(void **state)
{
	uint32_t crc = 0;

	begin("ic-fcopy name=a\\u0020\\u20ac,path=/srv/in,create=1,bytes=13000,seed=9");
	assert_true(started() && header.bytes == sizeof(file) && sizeof(file) == 1088);
	assert_true(is_name(path, "/srv/in") && file.flags == FCOPY_CREATE_PATH);
	assert_true(name[0] == 'a' && name[1] == ' ' &&
		    name[2] == 0x20ac && !name[3]);
	assert_int_equal(file.bytes, 13000);
	answer(0);
	assert_true(fragment(0, 6144));
	crc = crc32(crc, body + sizeof(data), 6144);
	/* Nothing before the answer */
	sleep_ns(SEC);
	assert_false(read_packet(&e, &in));
	answer(0);
	assert_true(fragment(6144, 6144));
	crc = crc32(crc, body + sizeof(data), 6144);
	answer(0);
	assert_true(fragment(12288, 712));
	crc = crc32(crc, body + sizeof(data), 712);
	answer(0);
	assert_true(is(FCOPY_COMPLETE));
	assert_int_equal(count("files_sent"), 0);
	answer(0);
	assert_false(request());
	assert_true(count("files_sent") == 1 && count("files_failed") == 0);
	assert_true(count("file_bytes") == 13000 && count("file_crc") == crc);
	assert_true(count("file_status") == 0 && !bus->errors);

	/* And another one, which is empty */
	assert_true(did("behave 0 ic-fcopy overwrite=1"));
	assert_true(started() && !file.bytes && file.flags == FCOPY_OVERWRITE);
	answer(0);
	assert_true(is(FCOPY_COMPLETE));
	answer(0);
	assert_true(count("files_sent") == 2 && !bus->errors);
	/* That was it, also when it is opened anew. */
	close_channel(&e);
	open_channel(&e);
	negotiate();
	assert_false(request());
	end();
}

static void file_of_the_host(void **state)
{
	char place[] = "/tmp/vmbhost-fcopy-XXXXXX", line[200];
	int fd = mkstemp(place);

	assert_true(fd >= 0 && write(fd, "contents", 8) == 8);
	snprintf(line, sizeof(line), "ic-fcopy file=%s", place);
	begin(line);
	assert_true(started() && file.bytes == 8 && is_name(name, "file"));
	answer(0);
	assert_true(fragment(0, 8) && !memcmp(body + sizeof(data), "contents", 8));
	answer(0);
	assert_true(is(FCOPY_COMPLETE));
	answer(0);
	assert_int_equal(count("file_crc"), crc32(0, "contents", 8));

	/* It becomes shorter meanwhile: that is no fault of the guest's. */
	snprintf(line, sizeof(line), "behave 0 ic-fcopy size=4,file=%s", place);
	assert_true(did(line) && started());
	answer(0);
	assert_true(fragment(0, 4) && !ftruncate(fd, 6));
	answer(0);
	assert_true(!request() && count("files_failed") == 1 && !bus->errors);
	close(fd);
	unlink(place);
	assert_false(did(line));
	assert_false(did("add " CLASS " ic-fcopy file=/dev/zero"));
	end();
}

static void errors_of_the_guest(void **state)
{
	/* At the start there is nothing to cancel. */
	begin("ic-fcopy bytes=9000");
	assert_true(started());
	answer(0x80070050);
	assert_true(!request() && count("files_failed") == 1);
	assert_int_equal(count("file_status"), 0x80070050ll);
	/* Later there is; what the guest says to that is of no interest. */
	assert_true(did("behave 0 ic-fcopy bytes=9000"));
	assert_true(started());
	answer(0);
	assert_true(fragment(0, 6144));
	answer(0x80070070);
	assert_true(is(FCOPY_CANCEL));
	answer(0x80004005);
	assert_true(!request() && count("files_failed") == 2);
	assert_int_equal(count("files_cancelled"), 1);
	assert_true(count("file_status") == 0x80070070ll && !bus->errors);
	end();
}

static void cancelled(void **state)
{
	begin("ic-fcopy bytes=90,size=10,cancel=2");
	assert_true(started());
	answer(0);
	assert_true(fragment(0, 10));
	answer(0);
	assert_true(fragment(10, 10));
	answer(0);
	assert_true(is(FCOPY_CANCEL));
	answer(0);
	assert_true(!request() && count("files_cancelled") == 1);
	assert_true(!count("files_sent") && !count("files_failed"));

	/* Another file while one is copied, and its last message has no answer */
	assert_true(did("behave 0 ic-fcopy bytes=90,size=10"));
	assert_true(started());
	answer(0);
	assert_true(fragment(0, 10));
	assert_true(did("behave 0 ic-fcopy bytes=5"));
	assert_false(read_packet(&e, &in));
	answer(0);
	assert_true(is(FCOPY_CANCEL));
	answer(0);
	assert_true(started() && file.bytes == 5);
	assert_false(bus->errors);
	end();
}

/* The protocol has no way to go on in the middle. */
static void interrupted(void **state)
{
	begin("ic-fcopy bytes=90,size=10");
	assert_true(started());
	answer(0);
	assert_true(fragment(0, 10));
	answer(0);
	assert_true(fragment(10, 10));
	inbox_count = 0;
	assert_true(did("rescind 0"));
	POST(MSG_RELID_RELEASED, msg_relid, .relid = e.relid);
	assert_true(did("offer 0"));
	open_channel(&e);
	negotiate();
	assert_true(started());
	answer(0);
	assert_true(fragment(0, 10));
	assert_false(bus->errors);
	end();
}

/* What differs from a right one, when the guest takes everything */
static void faults(void **state)
{
	unsigned int i;

	begin("ic-fcopy fault=operation");
	assert_true(is(99));
	end();
	begin("ic-fcopy fault=data-first");
	assert_true(fragment(0, 6144));
	answer(0x80004005);
	assert_false(request());
	end();
	begin("ic-fcopy fault=complete-first,bytes=5");
	assert_true(is(FCOPY_COMPLETE));
	end();
	begin("ic-fcopy fault=cut");
	assert_true(started() && header.bytes < sizeof(file));
	end();
	begin("ic-fcopy fault=huge");
	assert_true(started() && file.bytes == UINT64_MAX);
	end();
	begin("ic-fcopy fault=short,bytes=20");
	assert_true(started() && file.bytes == 21);
	answer(0);
	assert_true(fragment(0, 20));
	answer(0);
	assert_true(is(FCOPY_COMPLETE));
	end();
	begin("ic-fcopy fault=long,bytes=20");
	assert_true(started() && file.bytes == 19);
	answer(0);
	assert_true(fragment(0, 20));
	end();
	for (i = 0; i < 4; i++) {
		static const struct {
			const char *fault;
			uint64_t first, second;
		} offset[] = {
			{ "beyond", 20, 20 }, { "overlap", 0, 9 },
			{ "hole", 0, 11 }, { "far", UINT64_MAX - 5, UINT64_MAX - 5 },
		};
		char line[100];

		snprintf(line, sizeof(line), "ic-fcopy bytes=20,size=10,fault=%s",
			 offset[i].fault);
		begin(line);
		assert_true(started() && file.bytes == 20);
		answer(0);
		assert_true(fragment(offset[i].first, 10));
		answer(0);
		assert_true(fragment(offset[i].second, 10));
		assert_false(bus->errors);
		end();
	}
	begin("ic-fcopy fault=fragment,bytes=20");
	assert_true(started());
	answer(0);
	assert_true(request() && data.bytes == 21 && header.bytes == sizeof(data) + 20);
	end();
	begin("ic-fcopy fault=twice,bytes=20,size=10");
	assert_true(started());
	answer(0);
	assert_true(fragment(0, 10));
	answer(0);
	assert_true(started());
	answer(0);
	assert_true(fragment(0, 10));
	answer(0);
	assert_true(fragment(10, 10));
	answer(0);
	assert_true(is(FCOPY_COMPLETE));
	answer(0);
	assert_true(!request() && !bus->errors);
	end();
}

/* Names take up to all the room there is. */
static void names(void **state)
{
	char line[400], text[262];

	memset(text, 'n', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	begin("ic-fcopy");
	assert_true(started());
	answer(0x80004005);
	snprintf(line, sizeof(line), "behave 0 ic-fcopy name=%.260s", text);
	assert_true(did(line));
	assert_true(started() && name[259] == 'n' && is_name(path, "/tmp"));
	snprintf(line, sizeof(line), "behave 0 ic-fcopy name=%.261s", text);
	assert_false(did(line));
	assert_false(did("behave 0 ic-fcopy name=\\u12"));
	assert_false(did("behave 0 ic-fcopy name=\\u12g4"));
	assert_false(did("behave 0 ic-fcopy name=\xc3\xa4"));
	assert_false(did("behave 0 ic-fcopy size=6145"));
	assert_false(did("behave 0 ic-fcopy size=0"));
	assert_false(did("behave 0 ic-fcopy overwrite=2"));
	assert_true(did("behave 0 ic-fcopy path=a/../\\ud800"));
	end();
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_file),
		cmocka_unit_test(file_of_the_host),
		cmocka_unit_test(errors_of_the_guest),
		cmocka_unit_test(cancelled),
		cmocka_unit_test(interrupted),
		cmocka_unit_test(faults),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
