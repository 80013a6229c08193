// SPDX-License-Identifier: GPL-2.0
/*
 * The worked example of porting.rst: a driver for a sensor behind VMBus, as it
 * is after porting. Marked are the places that differ from its source on
 * Windows; the callbacks between them are as they were.
 *
 * State callbacks run in process context, completion routines and packet
 * callbacks perhaps in softirq context. SensorLock protects the last reading.
 */
#include <linux/device.h>		/* was: ntddk.h, wdf.h */
#include <linux/err.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <vmbuskernelmodeclientlibapi.h>

#define SENSOR_CLASS	GUID_INIT(0x3f0c8a11, 0x6e55, 0x4d0b, \
				  0xa2, 0x3c, 0x90, 0x51, 0x7b, 0x2e, 0x44, 0x08)
static const GUID SENSOR_TYPE = SENSOR_CLASS;	/* was: DEFINE_GUID() */

typedef struct _SENSOR_REQUEST {
	UINT32 Command;
	UINT32 IntervalMs;
} SENSOR_REQUEST;

typedef struct _SENSOR_CONTEXT {
	VMBCHANNEL Channel;
	PDEVICE_OBJECT Device;
	spinlock_t SensorLock;		/* was: KSPIN_LOCK */
	UINT64 LastReading;
	UINT64 Readings;
} SENSOR_CONTEXT, *PSENSOR_CONTEXT;

static EVT_VMB_CHANNEL_POST_STARTED SensorPostStarted;
static EVT_VMB_CHANNEL_SUSPEND SensorSuspend;
static EVT_VMB_CHANNEL_PROCESS_PACKET SensorProcessPacket;
static EVT_VMB_PACKET_COMPLETION_ROUTINE SensorCommandDone;

static VOID SensorCommandDone(VMBPACKET Packet, NTSTATUS Status, PVOID Buffer,
			      UINT32 BufferLength)
{
	if (!NT_SUCCESS(Status))
		pr_warn("sensor: command: %#x\n", Status); /* was: DbgPrintEx() */
	VmbPacketFree(Packet);
}

static VOID SensorPostStarted(VMBCHANNEL Channel)
{
	SENSOR_REQUEST request = { .Command = 1, .IntervalMs = 1000 };
	VMBPACKET packet = VmbPacketAllocate(Channel);
	NTSTATUS status;

	if (!packet)
		return;
	VmbPacketSetCompletionRoutine(packet, SensorCommandDone);
	status = VmbPacketSend(packet, &request, sizeof(request), NULL,
			       VMBUS_CHANNEL_FORMAT_FLAG_WAIT_FOR_COMPLETION);
	if (!NT_SUCCESS(status))
		VmbPacketFree(packet);
}

static VOID SensorSuspend(VMBCHANNEL Channel)
{
	/* Each packet is completed where it arrives: nothing is outstanding */
}

static VOID SensorProcessPacket(VMBCHANNEL Channel, VMBPACKETCOMPLETION Packet,
				PVOID Buffer, UINT32 BufferLength, UINT32 Flags)
{
	PSENSOR_CONTEXT context = VmbChannelGetPointer(Channel);
	unsigned long irq;		/* was: KIRQL */

	if (BufferLength < sizeof(UINT64)) {
		VmbChannelPacketFail(Packet);
		return;
	}
	spin_lock_irqsave(&context->SensorLock, irq); /* was: KeAcquireSpinLock() */
	memcpy(&context->LastReading, Buffer, sizeof(UINT64));
	context->Readings++;
	spin_unlock_irqrestore(&context->SensorLock, irq);
	VmbChannelPacketComplete(Packet, NULL, 0);
}

static NTSTATUS SensorCreateChannel(PSENSOR_CONTEXT Context)
{
	static DECLARE_CONST_UNICODE_STRING(name, L"Sensor");
	VMB_CHANNEL_STATE_CHANGE_CALLBACKS callbacks;
	NTSTATUS status;

	status = VmbChannelAllocate(Context->Device, FALSE, &Context->Channel);
	if (!NT_SUCCESS(status))
		return status;
	VmbChannelSetPointer(Context->Channel, Context);

	VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT(&callbacks);
	callbacks.EvtChannelSuspend = SensorSuspend;
	callbacks.EvtChannelPostStarted = SensorPostStarted;
	status = VmbChannelInitSetStateChangeCallbacks(Context->Channel,
						       &callbacks);
	if (NT_SUCCESS(status))
		status = VmbChannelInitSetProcessPacketCallbacks(Context->Channel,
								 SensorProcessPacket,
								 NULL);
	if (NT_SUCCESS(status))
		status = VmbChannelInitSetFriendlyName(Context->Channel, &name);
	/* New: nobody calls AddDevice, so the driver says what it drives */
	if (NT_SUCCESS(status))
		status = VmbClientChannelInitSetTargetPnp(Context->Channel,
							  &SENSOR_TYPE, NULL,
							  NULL);
	if (NT_SUCCESS(status))
		status = VmbChannelEnable(Context->Channel);
	if (!NT_SUCCESS(status))
		VmbChannelCleanup(Context->Channel);
	return status;
}

static PSENSOR_CONTEXT Sensor;

/* was: DriverEntry and EvtDriverDeviceAdd */
static int __init sensor_init(void)
{
	NTSTATUS status;

	Sensor = kzalloc(sizeof(*Sensor), GFP_KERNEL); /* was: ExAllocatePool2() */
	if (!Sensor)
		return -ENOMEM;
	spin_lock_init(&Sensor->SensorLock);
	Sensor->Device = root_device_register("vmb_sensor");
	if (IS_ERR(Sensor->Device)) {
		int ret = PTR_ERR(Sensor->Device);

		kfree(Sensor);
		return ret;
	}

	status = SensorCreateChannel(Sensor);
	if (!NT_SUCCESS(status)) {
		root_device_unregister(Sensor->Device);
		kfree(Sensor);
		return -EIO;
	}
	return 0;
}

/* was: EvtDriverUnload, and cleaning up the device */
static void __exit sensor_exit(void)
{
	/* Returns when EvtChannelClosed has: no callback runs from here on */
	VmbChannelDisable(Sensor->Channel);
	VmbChannelCleanup(Sensor->Channel);
	root_device_unregister(Sensor->Device);
	kfree(Sensor);
}

module_init(sensor_init);
module_exit(sensor_exit);

/* was: the hardware id in the INF file. Loads the module with the device */
static const struct hv_vmbus_device_id sensor_ids[] = {
	{ .guid = SENSOR_CLASS },
	{ }
};
MODULE_DEVICE_TABLE(vmbus, sensor_ids);

MODULE_DESCRIPTION("A ported driver: the example of porting.rst");
MODULE_LICENSE("GPL");			/* or one that is compatible with it */
MODULE_SOFTDEP("pre: vmbkmcl_hv");	/* if there is a VMBus */
