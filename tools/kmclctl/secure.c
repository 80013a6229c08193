// SPDX-License-Identifier: GPL-2.0
/*
 * kmclctl doctor: what the machine requires of modules, and whether ours are loaded, or
 * else would be: Secure Boot, the kernel's lockdown, and signatures by keys that the
 * kernel has.
 */
#include <dirent.h>
#include <fcntl.h>
#include <keyutils.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

#define EFI	"/sys/firmware/efi"
#define EFIVARS	EFI "/efivars"
#define SECURE_BOOT \
	EFIVARS "/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SECURITY	"/sys/kernel/security"

/* Where DKMS has the certificate of the key that it signs with, on Ubuntu and elsewhere */
#define UBUNTU_KEY	"/var/lib/shim-signed/mok/MOK.der"
#define DKMS_KEY	"/var/lib/dkms/mok.pub"

static bool has_entries(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry = NULL;

	if (!dir)
		return false;
	while ((entry = readdir(dir)) && *entry->d_name == '.')
		;
	closedir(dir);
	return entry;
}

/* The variable of the firmware: four bytes of attributes, and one that is 1 or 0 */
static void secure_boot(struct doctor *doctor)
{
	unsigned char variable[5];
	int fd = open(SECURE_BOOT, O_RDONLY | O_CLOEXEC);
	ssize_t length = -1;

	if (fd >= 0) {
		length = read(fd, variable, sizeof(variable));
		close(fd);
	}
	if (length == sizeof(variable) && variable[4] == 1)
		finding(doctor, "Secure Boot", NOTE, NULL,
			"on: kernels of distributions need signatures on modules");
	else if (length == sizeof(variable))
		finding(doctor, "Secure Boot", GOOD, NULL, "off");
	else if (access(EFI, F_OK))
		finding(doctor, "Secure Boot", GOOD, NULL,
			"none: this machine was not started by UEFI");
	else if (fd >= 0)
		finding(doctor, "Secure Boot", UNKNOWN, "mokutil --sb-state",
			"the firmware's variable cannot be read");
	else if (has_entries(EFIVARS))
		finding(doctor, "Secure Boot", GOOD, NULL,
			"none: the firmware does not have it");
	else
		finding(doctor, "Secure Boot", UNKNOWN,
			"mount -t efivarfs none " EFIVARS,
			"the firmware's variables are not there");
}

/* The word in brackets, of a choice that the kernel offers */
static bool chosen(const char *choice, char *word, size_t size)
{
	const char *from = choice ? strchr(choice, '[') : NULL;
	const char *to = from ? strchr(from, ']') : NULL;

	if (!to)
		return false;
	snprintf(word, size, "%.*s", (int)(to - from - 1), from + 1);
	return true;
}

static void lockdown(struct doctor *doctor)
{
	char *enforce = read_file("/sys/module/module/parameters",
				  "sig_enforce");
	char *choice = read_file(SECURITY, "lockdown");
	char word[32];

	doctor->signatures = enforce && *enforce == 'Y';
	if (!choice && has_entries(SECURITY)) {
		finding(doctor, "Lockdown", GOOD, NULL,
			"none: the kernel does not have it");
	} else if (!chosen(choice, word, sizeof(word))) {
		finding(doctor, "Lockdown", UNKNOWN,
			"mount -t securityfs none " SECURITY,
			"there is no " SECURITY "/lockdown");
	} else if (!strcmp(word, "none")) {
		finding(doctor, "Lockdown", GOOD, NULL, "none");
	} else {
		doctor->signatures = true;
		finding(doctor, "Lockdown", NOTE, NULL,
			"%s: modules need a signature, nobody writes to debugfs%s, and hibernation is refused",
			word, strcmp(word, "integrity") ?
			" or reads tracefs" : "");
	}
	finding(doctor, "Signatures", doctor->signatures ? NOTE : GOOD, NULL,
		doctor->signatures ? "modules without one are refused" :
		"modules without one are loaded");
	free(choice);
	free(enforce);
}

void doctor_secure(struct doctor *doctor)
{
	secure_boot(doctor);
	lockdown(doctor);
}

/*
 * Which key it was is not in the signature, only the name of who has signed, and that is
 * the same for the keys that DKMS makes on different machines.
 */
static int is_signer(key_serial_t parent __attribute__((unused)),
		     key_serial_t key __attribute__((unused)), char *description,
		     int length, void *data)
{
	/* "type;uid;gid;permissions;" and what the key is called, "NAME: NUMBER" */
	const char *signer = data, *name;
	size_t size = strlen(signer);
	int fields = 4;

	if (length <= 0 || strncmp(description, "asymmetric;", 11))
		return 0;
	for (name = description; fields && (name = strchr(name, ';')); fields--)
		name++;
	return name && !strncmp(name, signer, size) && name[size] == ':';
}

enum trust {
	TRUSTED, FIRMWARE, STRANGE, HIDDEN
};

/* Those of .machine, which are the owner's, are in .secondary_trusted_keys as well */
static enum trust find_signer(char *signer)
{
	static const struct {
		const char *name;
		enum trust trust;
	} keyrings[] = {
		{ ".builtin_trusted_keys", TRUSTED },
		{ ".secondary_trusted_keys", TRUSTED },
		{ ".platform", FIRMWARE },
	};
	enum trust trust = HIDDEN;
	key_serial_t id;
	size_t i;

	for (i = 0; i < sizeof(keyrings) / sizeof(*keyrings); i++) {
		id = find_key_by_type_and_desc("keyring", keyrings[i].name, 0);
		if (id < 0)
			continue;
		trust = STRANGE;
		if (recursive_key_scan(id, is_signer, signer) > 0)
			return keyrings[i].trust;
	}
	return trust;
}

/* One of the values that are in a module's file, allocated; NULL without it */
static char *value_of(const struct kmod_list *values, const char *key)
{
	const struct kmod_list *entry;

	kmod_list_foreach(entry, values)
		if (!strcmp(kmod_module_info_get_key(entry), key))
			return need(strdup(kmod_module_info_get_value(entry)));
	return NULL;
}

static void unknown_key(struct doctor *doctor, const char *name,
			const char *path, const char *signer)
{
	static const char text[] =
		"not loaded; %s is signed by '%s', which is no key of this kernel";

	if (access(EFI, F_OK))
		finding(doctor, name, BAD,
			"start the machine by UEFI, or without module.sig_enforce and lockdown",
			text, path, signer);
	else if (access(UBUNTU_KEY, F_OK))
		finding(doctor, name, BAD,
			"enrol the key ('mokutil --import " DKMS_KEY "', then restart)",
			text, path, signer);
	else
		finding(doctor, name, BAD,
			"enrol the key ('mokutil --import " UBUNTU_KEY "', then restart)",
			text, path, signer);
}

static void module_file(struct doctor *doctor, const char *name,
			const char *path, char *signer)
{
	char advice[80];

	snprintf(advice, sizeof(advice), "modprobe %s", name);
	if (!doctor->signatures) {
		finding(doctor, name, BAD, advice, "not loaded; %s is there",
			path);
		return;
	}
	if (!signer || !*signer) {
		finding(doctor, name, BAD,
			"have DKMS build it, which signs it ('make dkms-install')",
			"not loaded; %s has no signature, and would be refused",
			path);
		return;
	}
	switch (find_signer(signer)) {
	case TRUSTED:
		finding(doctor, name, BAD, advice,
			"not loaded; %s is there, signed by '%s', a key of this kernel",
			path, signer);
		break;
	case FIRMWARE:
		finding(doctor, name, BAD, advice,
			"not loaded; %s is there, signed by '%s', a key of the firmware, which most distributions' kernels accept",
			path, signer);
		break;
	case STRANGE:
		unknown_key(doctor, name, path, signer);
		break;
	case HIDDEN:
		finding(doctor, name, BAD, "run this as root",
			"not loaded; %s is there, signed by '%s'; only root sees the kernel's keys",
			path, signer);
		break;
	}
}

/* The kernel notes whether a module that it has loaded was signed */
static void module_loaded(struct doctor *doctor, const char *name,
			  const char *directory, const char *signer)
{
	char *version = read_file(directory, "version");
	char *taint = read_file(directory, "taint");
	const char *with = version ? ", version " : "";
	const char *number = version ? version : "";

	if (taint && strchr(taint, 'E'))
		finding(doctor, name, GOOD, NULL,
			"loaded%s%s, without a signature by a key of this kernel",
			with, number);
	else if (signer && *signer)
		finding(doctor, name, GOOD, NULL, "loaded%s%s, signed by '%s'",
			with, number, signer);
	else
		finding(doctor, name, GOOD, NULL, "loaded%s%s", with, number);
	free(taint);
	free(version);
}

void doctor_module(struct doctor *doctor, const char *name)
{
	char directory[PATH_MAX], *signer = NULL;
	struct kmod_list *values = NULL;
	struct kmod_module *mod = NULL;
	const char *path = NULL;

	snprintf(directory, sizeof(directory), "/sys/module/%s", name);
	if (doctor->kmod &&
	    !kmod_module_new_from_name(doctor->kmod, name, &mod)) {
		path = kmod_module_get_path(mod);
		if (path && kmod_module_get_info(mod, &values) > 0)
			signer = value_of(values, "signer");
	}
	if (!access(directory, F_OK))
		module_loaded(doctor, name, directory, signer);
	else if (path)
		module_file(doctor, name, path, signer);
	else
		finding(doctor, name, BAD,
			"make && make modules_install && depmod, or make dkms-install",
			"not loaded, and not built for this kernel");
	free(signer);
	if (values)
		kmod_module_info_free_list(values);
	if (mod)
		kmod_module_unref(mod);
}
