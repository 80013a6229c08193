#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What heartbeat.py answers; where the host is, scripts/guest/wire/services.sh tests."""
import os
import socket
import struct
import sys
import threading
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv.pop(1))
import heartbeat  # noqa: E402  # pylint: disable=import-error,wrong-import-position


def message(kind, body, framework=3, service=3, status=0, flags=3, size=None):
    """A message, with the header of include/linux/hyperv.h."""
    return struct.pack("<HHHHHHIBBH", framework, 0, kind, service, 0,
                       len(body) if size is None else size, status, 77, flags, 0) + body


def versions(count, *numbers, reserved=0):
    """icmsg_negotiate: as many of the framework as of the service."""
    return struct.pack("<HHI", count, count, reserved) + struct.pack(
        f"<{len(numbers)}I", *numbers)


class Answers(unittest.TestCase):
    """Each request and its answer."""

    def test_heartbeat(self):
        """The number and what follows it."""
        self.assertEqual(
            heartbeat.answer(message(1, struct.pack("<Q", 41) + bytes(32))),
            message(1, struct.pack("<Q", 42) + bytes(32), flags=5))

    def test_newest_version(self):
        """Both sides have 3.0, and the message keeps its length."""
        self.assertEqual(
            heartbeat.answer(message(0, versions(2, 1, 3, 1, 3), 0, 0)),
            message(0, versions(1, 3, 3, 1, 3), 0, 0, flags=5, size=16))

    def test_older_version(self):
        """The host has 1.0 alone."""
        self.assertEqual(
            heartbeat.answer(message(0, versions(1, 1, 1), 0, 0)),
            message(0, versions(1, 1, 1), 0, 0, flags=5, size=16))

    def test_no_version(self):
        """None, of one of them or of both."""
        for numbers in ((900, 901), (3, 901)):
            answer = heartbeat.answer(message(0, versions(1, *numbers), 0, 0))
            self.assertEqual(answer[20:24], bytes(4))

    def test_more_than_there_is(self):
        """Counts beyond the message, and a number that is cut off."""
        for body in (versions(2, 3, 3), versions(65535, 3, 3), b"", b"1234"):
            for kind in (0, 1):
                if kind == 1 and len(body) >= 8:
                    continue
                answer = heartbeat.answer(message(kind, body))
                if kind == 0:
                    body = bytes(4)[:len(body)] + body[4:]
                self.assertEqual(answer, message(kind, body, status=0x80004005, flags=5))

    def test_loop(self):
        """Messages that come, on a socket in place of the channel."""
        host, guest = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        host.settimeout(10)
        with mock.patch.object(os, "open", lambda path, flags: guest.fileno()):
            threading.Thread(target=heartbeat.main, daemon=True).start()
            host.send(b"too short for a header"[:19])
            for number in (41, 43):
                host.send(message(1, struct.pack("<Q", number) + bytes(32)))
                self.assertEqual(
                    host.recv(4096),
                    message(1, struct.pack("<Q", number + 1) + bytes(32), flags=5))

    def test_unknown(self):
        """Another service's message."""
        self.assertEqual(heartbeat.answer(message(7, b"12345678")),
                         message(7, b"12345678", status=0x80004005, flags=5))


unittest.main()
