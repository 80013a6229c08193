#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Answers Hyper-V's heartbeat, by which the host knows that the guest is alive.

    heartbeat.py /dev/kmcl/heartbeat

The channel is a pipe of the class 57164f39-9115-4e78-ab55-382f3bd5422d that keeps no
message when it closes; see
Documentation/heartbeat.rst.
"""
import os
import struct
import sys

NEGOTIATE, HEARTBEAT = 0, 1
TRANSACTION, RESPONSE = 1, 4
E_FAIL = 0x80004005

# icmsg_hdr of the kernel: versions of framework and service, each 3.0 as 3, the type
# between them; bytes of the body; status; transaction, flags
HEADER = struct.Struct("<IHIHIBBH")


def choose(versions):
    """Our version: 3.0 or 1.0, if the host has it; else 0."""
    return next((wanted for wanted in (3, 1) if wanted in versions), 0)


def negotiate(body):
    """Body of the answer: one version of each, or none."""
    frameworks, services, _ = struct.unpack_from("<HHI", body)
    versions = struct.unpack_from(f"<{frameworks + services}I", body, 8)
    framework = choose(versions[:frameworks])
    service = choose(versions[frameworks:])
    count = 1 if framework and service else 0
    return struct.pack("<HHIII", count, count, 0, framework, service)


def answer(message):
    """The message, with what the host wants to know in it."""
    header = list(HEADER.unpack_from(message))
    body = bytearray(message[HEADER.size:])
    try:
        if header[1] == NEGOTIATE:
            chosen = negotiate(body)
            header[3] = len(chosen)
            body[:len(chosen)] = chosen
        elif header[1] == HEARTBEAT:
            number, = struct.unpack_from("<Q", body)
            struct.pack_into("<Q", body, 0, number + 1)
        else:
            header[4] = E_FAIL
    except struct.error:
        header[4] = E_FAIL
        if header[1] == NEGOTIATE:      # no version
            body[:4] = bytes(4)
    header[6] = TRANSACTION | RESPONSE
    return HEADER.pack(*header) + bytes(body)[:len(message) - HEADER.size]


def main():
    """Answer each message; while the channel is closed, os.read() waits."""
    device = os.open(sys.argv[1] if sys.argv[1:] else "/dev/kmcl/heartbeat", os.O_RDWR)
    while True:
        message = os.read(device, 4096)
        if len(message) < HEADER.size:
            continue
        try:
            os.write(device, answer(message))
        except BrokenPipeError:
            pass        # The host has closed this connection; the next one begins anew.


if __name__ == "__main__":
    main()
