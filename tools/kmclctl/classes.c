// SPDX-License-Identifier: GPL-2.0
/*
 * The classes of devices that are known. Documentation/devices.rst has the same
 * table, and more about each, and a test compares the two.
 *
 * The GUIDs are those of the kernel's include/linux/hyperv.h, and for what only
 * OpenVMM's sources name, theirs.
 */
#include <stdio.h>
#include <string.h>

#include "kmclctl.h"

static const struct class classes[] = {
	{ "57164f39-9115-4e78-ab55-382f3bd5422d", "heartbeat",
	  "Heartbeat", "hv_utils", "Hyper-V" },
	{ "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6", "kvp",
	  "Data exchange", "hv_utils", "Hyper-V, OpenVMM" },
	{ "0e0b6031-5213-4934-818b-38d90ced39db", "shutdown",
	  "Guest shutdown", "hv_utils", "Hyper-V, OpenVMM" },
	{ "9527e630-d0ae-497b-adce-e80ab0175caf", "timesync",
	  "Time synchronization", "hv_utils", "Hyper-V, OpenVMM" },
	{ "35fa2e29-ea23-4236-96ae-3a6ebacba440", "vss",
	  "Backup (volume snapshot)", "hv_utils", "Hyper-V" },
	{ "34d14be3-dee4-41c8-9ae7-6b174977c192", "fcopy",
	  "Guest file copy", "uio_hv_generic", "Hyper-V" },
	{ "525074dc-8985-46e2-8057-a307dc18a502", "dynmem",
	  "Dynamic memory", "hv_balloon", "Hyper-V" },
	{ "f8615163-df3e-46c5-913f-f2d2f965ed0e", "network",
	  "Network adapter", "hv_netvsc", "Hyper-V, Azure, OpenVMM" },
	{ "ba6163d9-04a1-4d29-b605-72e2ffb1dc7f", "scsi",
	  "SCSI controller", "hv_storvsc", "Hyper-V, OpenVMM" },
	{ "32412632-86cb-44a2-9b5c-50d1417354f5", "ide",
	  "IDE controller", "hv_storvsc", "Hyper-V, OpenVMM" },
	{ "2f9bcc4a-0069-4af3-b76b-6fd0be528cda", "fc",
	  "Fibre Channel adapter", "hv_storvsc", "Hyper-V" },
	{ "44c4f61d-4444-4400-9d52-802e27ede19f", "pci",
	  "PCI Express pass-through", "hv_pci", "Hyper-V, Azure, OpenVMM" },
	{ "8c2eaf3d-32a7-4b09-ab99-bd1f1c86b501", "rdma",
	  "NetworkDirect (RDMA)", NULL, "Hyper-V" },
	{ "da0a7802-e377-4aac-8e77-0558eb1073f8", "video",
	  "Video adapter", "hyperv_drm", "Hyper-V, OpenVMM" },
	{ "f912ad6d-2b17-48ea-bd65-f927a61c7684", "keyboard",
	  "Keyboard", "hyperv_keyboard", "Hyper-V, OpenVMM" },
	{ "cfa8b69e-5b4a-4cc0-b98b-8ba1a1f3f95a", "mouse",
	  "Mouse", "hid_hyperv", "Hyper-V, OpenVMM" },
	{ "f8e65716-3cb3-4a06-9a60-1889c5cccab5", "avma",
	  "Windows activation", NULL, "Hyper-V" },
	{ "3375baf4-9e15-4b30-b765-67acb10d607b", "avma2",
	  "Windows activation, inherited", NULL, "Hyper-V" },
	{ "276aacf4-ac15-426c-98dd-7521ad3f01fe", "rdv",
	  "Remote Desktop virtualization", NULL, "Hyper-V" },
	{ "c376c1c3-d276-48d2-90a9-c04748072c60", "imc",
	  "Initial machine configuration", NULL, "Hyper-V, Azure, OpenVMM" },
	{ "8dedd1aa-9056-49e4-bfd6-1bf90dc38ef0", "get",
	  "Guest emulation transport", NULL, "OpenVMM" },
	{ "427b03e7-4ceb-4286-b5fc-486f4a1dd439", "crash",
	  "Guest crash dump", NULL, "OpenVMM" },
	{ "8b60ccf6-709f-4c11-90b5-229c959a9e6a", "serial",
	  "Serial port", NULL, "OpenVMM" },
};

const struct class *class_of_guid(const char *guid)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(classes); i++)
		if (!strcmp(classes[i].guid, guid))
			return &classes[i];
	return NULL;
}

const struct class *class_of_name(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(classes); i++)
		if (!strcmp(classes[i].name, name))
			return &classes[i];
	return NULL;
}

const char *class_words(const char *guid, char *buffer, size_t size)
{
	/* What linux/vm_sockets.h calls a port is the first field of the class */
	static const char vsock[] = "-facb-11e6-bd58-64006a7986d3";
	const struct class *class = class_of_guid(guid);
	unsigned int port;

	if (class)
		return class->words;
	if (strcmp(guid + 8, vsock) || sscanf(guid, "%8x", &port) != 1)
		return NULL;
	snprintf(buffer, size, "Socket, port %u", port);
	return buffer;
}

enum status classes_command(int argc, char **argv)
{
	static const struct column columns[] = {
		{ "NAME", TEXT }, { "CLASS", TEXT }, { "DEVICE", TEXT },
		{ "DRIVER", TEXT }, { "HOSTS", TEXT },
	};
	static const struct argp argp = {
		.children = common,
		.doc = "Print the classes of devices that kmclctl knows: the word for each, its GUID, what it is, the kernel's own driver, and who offers it.",
	};
	enum status status = parse(&argp, argc, argv, NULL);
	struct table *table;
	size_t i;

	if (status)
		return status;
	table = table_new("classes", columns, ARRAY_SIZE(columns));
	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		table_row(table);
		table_text(table, 0, classes[i].name);
		table_text(table, 1, classes[i].guid);
		table_text(table, 2, classes[i].words);
		table_text(table, 3, classes[i].driver);
		table_text(table, 4, classes[i].hosts);
	}
	status = table_show(table);
	table_free(table);
	return status;
}
