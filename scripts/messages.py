#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
usage: messages.py PAGE SOURCE...

Compare the messages of the modules' sources with a page that explains them. There a
term that is one literal and begins with a module's name is a message, in which a word in
capital letters stands for each conversion of its format. What a channel waits for is
the middle of one message; each of these has a term as well, which is indented. Fails if a
message has no term, or a term no message, or a message is not understood.
"""

import re
import sys

STRINGS = r'((?:"(?:[^"\\]|\\.)*"\s*)+)'
PRINTED = re.compile(
    r"\b(pr_(?:emerg|alert|crit|err|warn|notice|info)|dev_(?:err|warn|notice|info))"
    r"(?:_ratelimited|_once)?\s*\((?:[^;\"]*?,)?\s*" + STRINGS
)
WAITED = re.compile(
    r"\bkmcl_(?:wait|still_waiting)\s*\([^;\"]*?,\s*" + STRINGS
)
# One or more conversions with nothing between them
CONVERSION = re.compile(r"(?:%[-#+ 0]*\d*(?:\.\d+)?(?:hh|h|ll|l|z)?(?:p[A-Za-z]*|[a-z]))+")
TERM = re.compile(r"(?: +|(?=``(?:vmbkmcl|vmbkmcl_hv|kmcl_cdev|vmbkmcl-CLASS ID): ))``([^`]+)``\n")
CALL = re.compile(r"\b(?:pr|dev)_(?:emerg|alert|crit|err|warn|notice|info)(?:_\w+)?\s*\(")


def text_of(strings):
    """The string that C makes of adjacent literals."""
    parts = re.findall(r'"((?:[^"\\]|\\.)*)"', strings)
    return "".join(parts).replace('\\"', '"').removesuffix("\\n")


def pattern_of(text):
    """What a term has to be, to be the one of a format."""
    fixed = [re.escape(part) for part in CONVERSION.split(text)]
    return "[A-Z]+".join(fixed)


def messages_of(path):
    """Text and pattern of each message in a source."""
    with open(path, encoding="utf-8") as file:
        source = file.read()
    found = PRINTED.findall(source)
    if len(found) != len(CALL.findall(source)):
        sys.exit(f"{path}: a message has no format that is a string")
    module = "kmcl_cdev" if "/kmcl_cdev" in path else path.split("/")[1]
    for function, strings in found:
        text = text_of(strings)
        before = f"{module}: "
        if function.startswith("dev_"):
            before = "vmbkmcl-CLASS ID: "
        yield before + text, pattern_of(before + text)
    for strings in WAITED.findall(source):
        text = text_of(strings)
        if CONVERSION.sub("", text).strip():
            yield text, pattern_of(text)


def main():
    """Print what is missing on either side."""
    page, *sources = sys.argv[1:]
    with open(page, encoding="utf-8") as file:
        terms = [m[1] for m in map(TERM.fullmatch, file) if m]
    known = set()
    bad = False
    for path in sources:
        for text, pattern in messages_of(path):
            found = [term for term in terms if re.fullmatch(pattern, term)]
            known.update(found)
            if not found:
                print(f"{page} does not have this message of {path}: {text}")
                bad = True
    for term in terms:
        if term not in known:
            print(f"{page}: no source has the message {term}")
            bad = True
    return bad or not known


if __name__ == "__main__":
    sys.exit(main())
