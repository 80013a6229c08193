#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
usage: makefile.py KBUILD DIRECTORY: print the Makefile of a directory of the kernel's tree,
made of a Kbuild file of this one: the objects whose sources are in the directory. A comment
goes with the line that follows it.
"""

import os
import re
import sys

WIDTH = 80

# What the preprocessor needs, by directory
FLAGS = {
    "kmcl": "",
    "vmbus": "ccflags-y += -I$(src)/.. -I$(srctree)/drivers/hv\n",
    "cdev": "",
    "tests": "ccflags-y += -I$(src)/..\n",
}

# The directories below that of the library, and what builds them
BELOW = [
    ("vmbus", "CONFIG_VMBKMCL_HV"),
    ("cdev", "CONFIG_VMBKMCL_CDEV"),
    ("tests", "CONFIG_VMBKMCL_KUNIT_TEST"),
]

# Lines that only this tree needs: for older kernels, samples, gcov
NOT_HERE = re.compile(r"^ccflags-|^include |-fprofile|VMBKMCL_GCOV|VMBKMCL_CLIENTS")


class Line:  # pylint: disable=too-few-public-methods
    """A line, and the comment above it"""

    def __init__(self, text, comment):
        self.text = text
        self.comment = comment

def read(path):
    """The lines of a Kbuild file, without its licence"""
    lines, comment = [], []
    with open(path, encoding="utf-8") as kbuild:
        text = kbuild.read().replace("\\\n", " ")
    for line in text.split("\n")[1:]:
        if line.startswith("#"):
            comment.append(re.sub(r"first: .*", "first: none uses what a later one has.", line))
        else:
            lines.append(Line(line, comment))
            comment = []
    return lines


def filtered(lines, directory):
    """Those with something to build"""
    modules = {m.group(1) for line in lines for m in [re.match(r"(\w+)-[y$]", line.text)] if m}

    def there(name):
        return name[:-2] in modules - {"obj"} or \
            os.path.exists(os.path.join(directory, name[:-2] + ".c"))

    kept = []
    for line in lines:
        if NOT_HERE.search(line.text):
            continue
        flags = re.match(r"CFLAGS_(\S+)", line.text)
        if flags and not there(flags.group(1)):
            continue
        match = re.match(r"(\S+ [:+]=)(.*)", line.text)
        if match and ".o" in match.group(2) and not flags:
            names = [name for name in match.group(2).split() if there(name)]
            if not names:
                continue
            line.text = " ".join([match.group(1)] + names)
        kept.append(line)
    return kept


def without_empty(lines):
    """The same without conditions that have nothing in them"""
    for i, line in enumerate(lines):
        after = next((j for j in range(i + 1, len(lines)) if lines[j].text), None)
        if line.text.startswith("if") and after and lines[after].text == "endif":
            return without_empty(lines[:i] + lines[after + 1:])
    return lines


def wrapped(text):
    """A list of objects in as many lines as it needs"""
    lines = []
    while len(text) > WIDTH and text.endswith(".o"):
        cut = text.rindex(" ", 0, WIDTH - 2)
        lines.append(text[:cut] + " \\")
        text = "\t" + text[cut + 1:]
    return "\n".join(lines + [text])


def main():
    """Print the Makefile"""
    kbuild, directory = sys.argv[1:]
    name = os.path.basename(directory)
    lines = without_empty(filtered(read(kbuild), directory))
    text = "# SPDX-License-Identifier: GPL-2.0\n\n" + FLAGS[name] + "\n"
    for line in lines:
        text += "".join(c + "\n" for c in line.comment) + wrapped(line.text) + "\n"
    if name == "kmcl":
        text += "\n" + "".join(
            f"obj-$({option}) += {below}/\n" for below, option in BELOW
            if os.path.isdir(os.path.join(directory, below)))
    print(re.sub(r"\n{3,}", "\n\n", text).strip())


main()
