#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""coverage.py COUNTS PERCENT [NOTES]

Adds up gcov's counts (its JSON, one object a line) for drivers/vmbkmcl/, where
an inline function of a header occurs in several objects. Without NOTES: prints
lines and branches of each file and what was not executed; fails below PERCENT
of the lines. With NOTES: fails if a function that has such lines does not
stand there as `function()`.
"""
import collections
import json
import os
import sys

DIRECTORY = "drivers/vmbkmcl/drivers/vmbkmcl/"


def read(path):
    """Per file: count and function of each line, count of each branch."""
    lines = collections.defaultdict(dict)
    branches = collections.defaultdict(collections.Counter)
    with open(path, encoding="utf-8") as counts:
        files = [f for unit in counts for f in json.loads(unit)["files"]]
    for f in files:
        if DIRECTORY not in f["file"]:
            continue
        name = os.path.basename(f["file"])
        for line in f["lines"]:
            number = line["line_number"]
            before = lines[name].get(number, (0, ""))[0]
            lines[name][number] = (before + line["count"],
                                   line.get("function_name", ""))
            for i, branch in enumerate(line["branches"]):
                branches[name][number, i] += branch["count"]
    return lines, branches


def part(done, total):
    percent = 100 * done / total if total else 100
    return f"{percent:6.1f} % of {total:4}"


def report(lines, branches, least):
    done = total = taken = ways = 0
    print(f"{'file':24} {'lines':>16}  {'branches':>16}")
    for name in sorted(lines):
        hit = sum(1 for count, _ in lines[name].values() if count)
        way = sum(1 for count in branches[name].values() if count)
        print(f"{name:24} {part(hit, len(lines[name])):>16}  "
              f"{part(way, len(branches[name])):>16}")
        done, total = done + hit, total + len(lines[name])
        taken, ways = taken + way, ways + len(branches[name])
    print(f"{'all':24} {part(done, total):>16}  {part(taken, ways):>16}")

    print("\nnot executed:")
    for name in sorted(lines):
        for number, (count, function) in sorted(lines[name].items()):
            if not count:
                print(f"  {name}:{number} {function}()")
    return total > 0 and 100 * done >= least * total


def explained(lines, notes):
    with open(notes, encoding="utf-8") as f:
        text = f.read()
    open_ones = {(name, function) for name in lines
                 for count, function in lines[name].values() if not count}
    missing = [f"{name}: {function}()" for name, function in sorted(open_ones)
               if f"`{function}()`" not in text]
    for entry in missing:
        print(f"not explained: {entry}")
    return not missing


def main():
    lines, branches = read(sys.argv[1])
    if len(sys.argv) > 3:
        good = explained(lines, sys.argv[3])
    else:
        good = report(lines, branches, float(sys.argv[2]))
    sys.exit(0 if good else 1)


main()
