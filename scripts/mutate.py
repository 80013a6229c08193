#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Change the library's sources a little, and see whether a KUnit suite notices.

One change at a time:

comparison  == and !=, < and <=, > and >= are exchanged, and && and ||
negation    the condition of an if is negated
call        a statement that only calls something is removed
constant    a number is one more
error       an error code is another one

Lines that only say something (pr_warn() and the like, tracepoints), that only check
what holds anyway (lockdep_assert_held(), WARN_ON()), and definitions outside of
functions are left alone. A change is found if it does not boot, if a suite fails, if
the kernel complains, or if the suites take three times as long as without it. One
that does not build is not counted.
"""

import argparse
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

TOTALS = re.compile(r"^# Totals: pass:(\d+) fail:0 ")
QUIET = re.compile(
    r"\b(pr_\w+|dev_\w+|trace_\w+|lockdep_\w+|WARN\w*|BUILD_BUG_ON|static_assert|"
    r"might_sleep\w*|KMCL_TRACE\w*|MODULE_\w+|EXPORT_SYMBOL\w*|__acquire|__release)\("
)
EXCHANGED = {
    "==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">",
    "&&": "||", "||": "&&",
}
OTHER_ERROR = {"-EINVAL": "-EIO", "-ENOMEM": "-EIO"}


def masked(text):
    """The text with blanks for what is in comments, strings and directives."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    return re.sub(
        r"/\*.*?\*/|//[^\n]*|\"(\\.|[^\"\\\n])*\"|'(\\.|[^'\\\n])*'"
        r"|^[ \t]*#([^\n]*\\\n)*[^\n]*",
        blank, text, flags=re.S | re.M)


def balanced(text):
    depth = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return False
    return depth == 0


def changes(line):
    """(what, start, end, instead) of each change that can be made in a masked line."""
    if not line.startswith("\t") or QUIET.search(line):
        return
    for match in re.finditer(r" (==|!=|<=|>=|<|>|&&|\|\|)(?= |$)", line):
        old = match.group(1)
        yield "comparison", match.start(1), match.end(1), EXCHANGED[old]
    match = re.match(r"\t+(?:\} else )?if \((.*)\)(?: \{)?$", line)
    if match and balanced(match.group(1)):
        start, end = match.span(1)
        yield "negation", start, end, f"!({line[start:end]})"
    match = re.match(r"\t+((?!return\b|if\b|for\b|while\b|switch\b)\w+\(.*\));$", line)
    if match and balanced(match.group(1)):
        yield "call", match.start(1), match.end(1), "do { } while (0)"
    for match in re.finditer(r"(?<![\w.\"])(\d+)(?=[uUlL]*\b)(?![\w.]*[xX])", line):
        if not re.match(r"\t+case ", line):
            yield "constant", match.start(1), match.end(1), str(int(match.group(1)) + 1)
    for match in re.finditer(r"-E[A-Z0-9]+\b", line):
        other = OTHER_ERROR.get(match.group(0), "-EINVAL")
        yield "error", match.start(), match.end(), other


def candidates(tree, files):
    for name in files:
        lines = masked((tree / name).read_text(encoding="utf-8")).split("\n")
        for number, line in enumerate(lines):
            for change in changes(line):
                yield name, number, change


class Kernel:
    """A User Mode Linux kernel with the suites, and how long these take."""

    def __init__(self, args):
        self.args = args
        self.limit = 1200
        self.bad = re.compile(r"^\s*not ok |" + args.warnings)

    def configure(self):
        subprocess.run(
            [sys.executable, "tools/testing/kunit/kunit.py", "config",
             f"--kunitconfig={self.args.tree}/kunit/.kunitconfig",
             f"--build_dir={self.args.out}", "--kconfig_add=CONFIG_WERROR=n"],
            cwd=self.args.linux, check=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL)

    def build(self):
        with open(f"{self.args.out}/build.log", "w", encoding="utf-8") as log:
            return subprocess.run(
                ["make", "-s", "ARCH=um", f"O={self.args.out}",
                 f"-j{self.args.jobs}", "linux"],
                cwd=self.args.linux, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, check=False).returncode == 0

    def test(self):
        """None, or why the suites are not content: the first line that says so."""
        kernel = subprocess.Popen(
            ["timeout", "--signal=KILL", str(int(self.limit)),
             f"{self.args.out}/linux", "mem=512M", "console=tty", "seccomp=on",
             "ncpus=2", "kunit.enable=1", "kunit_shutdown=halt"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace",
            start_new_session=True)
        why = "it did not get to the end"
        try:
            for line in kernel.stdout:
                if self.bad.search(line):
                    why = line.strip()
                    break
                if TOTALS.match(line):
                    why = None
        finally:
            try:
                subprocess.run(["pkill", "-KILL", "-s", str(kernel.pid)], check=False)
                kernel.kill()
            except ProcessLookupError:
                pass
            kernel.wait()
        return why


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ("tree", "linux", "out", "survivors"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    for name in ("jobs", "seed", "number"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--warnings", required=True)
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    kernel = Kernel(args)
    kernel.configure()
    if not kernel.build():
        sys.exit(f"mutate: the kernel does not build: {args.out}/build.log")
    began = time.monotonic()
    why = kernel.test()
    if why:
        sys.exit(f"mutate: the suites fail without a change: {why}")
    kernel.limit = 3 * (time.monotonic() - began) + 30

    every = list(candidates(args.tree, args.files))
    chosen = random.Random(args.seed).sample(every, min(args.number, len(every)))
    print(f"{len(every)} changes are possible; the suites take"
          f" {(kernel.limit - 30) / 3:.0f} s", flush=True)
    found, unbuilt, survivors = 0, 0, []
    for i, (name, number, (what, start, end, instead)) in enumerate(chosen, 1):
        path = args.tree / name
        text = path.read_text(encoding="utf-8")
        lines = text.split("\n")
        line = lines[number]
        lines[number] = line[:start] + instead + line[end:]
        title = f"{name}:{number + 1}: {what}: {line.strip()} -> {lines[number].strip()}"
        path.write_text("\n".join(lines), encoding="utf-8")
        if not kernel.build():
            unbuilt += 1
            result = "does not build"
        else:
            why = kernel.test()
            if why:
                found += 1
                result = f"found: {why}"
            else:
                survivors.append(title)
                result = "SURVIVED"
        print(f"{i}: {title}\n\t{result}", flush=True)
        path.write_text(text, encoding="utf-8")
        args.survivors.write_text("".join(f"{s}\n" for s in survivors), encoding="utf-8")
    built = found + len(survivors)
    print(f"{built} changes were built, {unbuilt} were not; {found} were found, "
          f"{len(survivors)} were not: {100 * found / max(built, 1):.1f} %")


main()
