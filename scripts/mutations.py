# SPDX-License-Identifier: GPL-2.0
"""The changes that mutate.py makes: what can be changed in a source, and the source
with many changes, each beside what it changes.

comparison  == and !=, < and <=, > and >= are exchanged, and && and ||
negation    the condition of an if is negated
call        a statement that only calls something is removed
constant    a number is one more
error       an error code is another one

Lines that only say something (pr_warn() and the like, tracepoints), that only check
what holds anyway (lockdep_assert_held(), WARN_ON()), and what is outside of functions
are left alone.
"""

import collections
import difflib
import re

QUIET = re.compile(
    r"\b(pr_\w+|dev_\w+|trace_\w+|lockdep_\w+|WARN\w*|BUILD_BUG_ON\w*|static_assert|"
    r"might_sleep\w*|KMCL_TRACE\w*|MODULE_\w+|EXPORT_SYMBOL\w*|__acquire|__release)\("
)
EXCHANGED = {
    "==": "!=", "!=": "==", "<": "<=", "<=": "<", ">": ">=", ">=": ">",
    "&&": "||", "||": "&&",
}
OTHER_ERROR = {"-EINVAL": "-EIO", "-ENOMEM": "-EIO"}
# What a declaration is made with cannot be put into a block.
DECLARES = re.compile(r"([A-Z_0-9]+|guard|DEFINE_\w+|DECLARE_\w+)\(")

Change = collections.namedtuple("Change", "name line what start end instead")


def masked(text):
    """The text with blanks for what is in comments, strings and directives."""

    def blank(match):
        return re.sub(r"[^\n]", " ", match.group(0))

    return re.sub(
        r"/\*.*?\*/|//[^\n]*|\"(\\.|[^\"\\\n])*\"|'(\\.|[^'\\\n])*'"
        r"|^[ \t]*#([^\n]*\\\n)*[^\n]*",
        blank, text, flags=re.S | re.M)


def closing(text, start):
    """Where the parenthesis that opens at start is closed."""
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] in "([{") - (text[i] in ")]}")
        if not depth:
            return i
    return -1


def functions(text):
    """(start, end) of each function's body."""
    for match in re.finditer(r"^\{$", text, flags=re.M):
        end = text.find("\n}", match.end())
        if end > 0:
            yield match.end() + 1, end + 1


def changes(name, original):
    """All changes that can be made in a text."""
    text = masked(original)
    for begin, end in functions(text):
        at = begin
        for line in text[begin:end].split("\n"):
            if line and not QUIET.search(line):
                yield from changes_of_line(name, original, text, at, line)
            at += len(line) + 1


def changes_of_line(name, original, text, at, line):
    number = text.count("\n", 0, at) + 1

    def change(what, start, end, instead):
        return Change(name, number, what, start, end, instead)

    for match in re.finditer(r" (==|!=|<=|>=|<|>|&&|\|\|)(?= |$)", line):
        old = match.group(1)
        yield change("comparison", at + match.start(1), at + match.end(1),
                     EXCHANGED[old])
    match = re.match(r"\t+(?:\} else )?if \(", line)
    if match:
        start = at + match.end() - 1
        end = closing(text, start)
        yield change("negation", start, end + 1, f"(!{original[start:end + 1]})")
    match = re.match(r"\t+(?!return\b|if\b|for\b|while\b|switch\b|sizeof\b)\w+(\()", line)
    if match and not DECLARES.match(line.strip()):
        end = closing(text, at + match.start(1)) + 1
        before = text[:at].rstrip()
        if text[end] == ";" and (before[-1] in ";{}):" or before.endswith("else")):
            start = at + len(line) - len(line.lstrip())
            yield change("call", start, end + 1, "do { } while (0);")
    if not re.match(r"\t+case |\t+static |\t+(?:const )?\w+ \**\w+\[", line):
        for match in re.finditer(r"(?<![\w.\"])(\d+)(?=[uUlL]*\b)(?![\w.]*[xX])", line):
            yield change("constant", at + match.start(1), at + match.end(1),
                         str(int(match.group(1)) + 1))
    if not re.match(r"\t+case ", line):
        for match in re.finditer(r"-E[A-Z0-9]+\b", line):
            yield change("error", at + match.start(), at + match.end(),
                         OTHER_ERROR.get(match.group(0), "-EINVAL"))


def is_edge(text, i):
    """Whether the character ends an expression at its depth."""
    if text[i] in ";,?:":
        return True
    return text[i] == "=" and text[i + 1] != "=" and text[i - 1] not in "=!<>" or \
        text[i] == "=" and text[i - 2:i] in ("<<", ">>")


def expression(text, start, end):
    """(start, end) of the expression around that, within its parentheses."""
    depth, i = 0, start - 1
    while True:
        if text[i] in ")]}":
            if text[i] == "}" and not depth:
                break
            depth += 1
        elif text[i] in "([{":
            if not depth:
                break
            depth -= 1
        elif not depth and is_edge(text, i):
            break
        i -= 1
    left, depth, i = i + 1, 0, end
    while True:
        if text[i] in "([{":
            if text[i] == "{" and not depth:
                break
            depth += 1
        elif text[i] in ")]}":
            if not depth:
                break
            depth -= 1
        elif not depth and is_edge(text, i):
            break
        i += 1
    while text[left].isspace():
        left += 1
    begin = left
    for match in re.finditer(r"\b(return|else|do)\b\s*", text[left:start]):
        begin = left + match.end()
    return begin, i


def region(text, change):
    if change.what == "call":
        return change.start, change.end, True
    if change.what == "negation":
        return change.start + 1, change.end - 1, False
    return (*expression(text, change.start, change.end), False)


def changed(text, change):
    return text[:change.start] + change.instead + text[change.end:]


def beside(text, numbered):
    """The text with changes {number: change}, each beside what it changes; those that
    cannot be; and the lines of each."""
    mask = masked(text)
    out, regions = set(), []
    for number, change in numbered.items():
        start, end, statement = region(mask, change)
        if end <= start:
            out.add(number)
        else:
            regions.append((start, -end, not statement, number))
    regions.sort()
    groups = []
    for start, end, is_expression, number in regions:
        if groups and start < groups[-1][1]:
            if -end > groups[-1][1]:
                out.add(number)
            else:
                groups[-1][3].append(number)
        else:
            groups.append([start, -end, not is_expression, [number]])
    lines = {}
    for start, end, statement, numbers in reversed(groups):
        old = text[start:end]
        new = f"{{ {old} }}" if statement else f"({old})"
        new = new.replace("\n", " ") if "//" not in new else new
        for number in reversed(numbers):
            change = numbered[number]
            other = text[start:change.start] + change.instead + text[change.end:end]
            # A statement's first line has what the compiler complains about.
            other = re.sub(r"\s*\n\s*", " ", other)
            new = (f"if (mutant({number})) {{ {other} }} else {new}" if statement else
                   f"mutant({number}) ? ({other}) : {new}")
            lines[number] = (text.count("\n", 0, start) + 1, text.count("\n", 0, end) + 1)
        new = f"do {{ {new} }} while (0);" if statement else f"({new})"
        text = text[:start] + new + "\n" * old.count("\n") + text[end:]
    return text, out, lines


def difference(sources, change):
    old = sources[change.name].decode()
    lines = list(difflib.unified_diff(old.split("\n"), changed(old, change).split("\n"),
                                      lineterm="", n=0))
    return [line for line in lines[3:] if not line.startswith("@@")]


def identity(sources, change):
    """What a change is: a file may have two lines that are the same."""
    return " ".join([f"{change.name}:{change.line}", change.what,
                     *difference(sources, change)])
