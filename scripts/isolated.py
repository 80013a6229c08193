#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
usage: isolated.py KERNEL PAGE

Compare the last column of the table of classes in PAGE with allowed_in_isolated of
hv_vmbus, in the sources of a kernel. A class that hv_vmbus does not know is not
allowed.
"""

import re
import sys
import uuid
from pathlib import Path

DEVICE = re.compile(r"(HV_\w+_GUID),(?:(?!\n\t\},).)*?allowed_in_isolated = (true|false)", re.S)
CLASS = re.compile(r"#define (HV_\w+_GUID) \\\n\s*\.guid = GUID_INIT\(([^)]*)\)")
ROW = re.compile(r"^   \* - ``\w+``\n     - ``(\S+)``\n(?:     .*\n)*?     - (yes|no)$", re.M)


def guid_of(numbers):
    """The usual form of the eleven numbers of GUID_INIT()."""
    first, second, third, *rest = (
        int(n, 16) for n in numbers.replace("\\", "").split(",")
    )
    return str(uuid.UUID(f"{first:08x}{second:04x}{third:04x}{bytes(rest).hex()}"))


def main():
    """Print the rows that are wrong."""
    kernel, page = Path(sys.argv[1]), Path(sys.argv[2])
    header = (kernel / "include/linux/hyperv.h").read_text("utf-8")
    source = (kernel / "drivers/hv/channel_mgmt.c").read_text("utf-8")
    classes = {name: guid_of(numbers) for name, numbers in CLASS.findall(header)}
    allowed = {classes[name]: word == "true" for name, word in DEVICE.findall(source)}
    rows = dict(ROW.findall(page.read_text("utf-8")))
    bad = [
        guid
        for guid in allowed.keys() | rows.keys()
        if rows.get(guid) != ("yes" if allowed.get(guid) else "no")
    ]
    for guid in bad:
        print(f"{page}: {guid} has {rows.get(guid)}")
    return bool(bad) or True not in allowed.values()


if __name__ == "__main__":
    sys.exit(main())
