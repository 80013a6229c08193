# SPDX-License-Identifier: GPL-2.0
"""
A Sphinx extension: below each of Windows' functions the Linux ones that it calls, and
below each of these the Windows ones that call it, as links. The headers in include/kmcl
and the titles of the kernel-doc comments in drivers/vmbkmcl say which these are.

As a program, it gets the directory of the pages that were made, and Windows' names, and
looks for these links.
"""

import os
import re
import sys
from pathlib import Path

from docutils import nodes
from sphinx import addnodes

FUNCTION = re.compile(
    r"^static inline [^;{}()]*?\b([A-Za-z]\w+)\([^;{}]*?\)\n\{\n(.*?)^\}", re.M | re.S
)
TITLE = re.compile(r"/\*\*\n \* (kmcl_\w+)\(\) - (.*?)\n \* @", re.S)
EXPORTED = re.compile(r"^EXPORT_SYMBOL_GPL\((kmcl_\w+)\)", re.M)
# What many of them call besides their counterparts
OTHERS = {"kmcl_ntstatus", "kmcl_channel_is_server"}
# It fills in a structure, as an initializer does in Linux
STRUCTURES = {"VMB_CHANNEL_STATE_CHANGE_CALLBACKS_INIT"}


def windows_names(top):
    """Pairs of a Windows name and the Linux name of the same function."""
    drivers = [p.read_text("utf-8") for p in sorted(top.glob("drivers/vmbkmcl/*.c"))]
    exported = {name for text in drivers for name in EXPORTED.findall(text)} - OTHERS
    pairs = []
    for header in sorted(top.glob("include/kmcl/*.h")):
        for windows, body in FUNCTION.findall(header.read_text("utf-8")):
            if windows.startswith(("Vmb", "Kmcl", "VMB")):
                pairs += [(windows, linux) for linux in re.findall(r"\b(kmcl_\w+)\(", body)]
    for text in drivers:
        for linux, title in TITLE.findall(text):
            pairs += [(windows, linux) for windows in re.findall(r"\b(?:Vmb|Kmcl)\w+", title)]
    return sorted({pair for pair in pairs if pair[1] in exported})


def link(name):
    """A reference to a function, which Sphinx resolves later."""
    xref = addnodes.pending_xref("", refdomain="c", reftype="func", reftarget=name)
    xref += nodes.literal("", f"{name}()", classes=["xref", "c", "c-func"])
    return xref


def add_links(app, doctree):
    """Put a line with links into the description of each function."""
    for desc in doctree.findall(addnodes.desc):
        names = {i[2:] for sig in desc.children[:-1] for i in sig.get("ids", [])}
        for name in names & app.kmcl_names.keys():
            what, others = app.kmcl_names[name]
            line = nodes.paragraph("", f"{what}: ", classes=["kmcl-names"])
            for number, other in enumerate(others):
                line += [nodes.Text(", ")] * bool(number) + [link(other)]
            desc.children[-1].insert(0, line)


def setup(app):
    """Called by Sphinx."""
    names = {}
    for windows, linux in windows_names(Path(os.environ["TOP"])):
        names.setdefault(windows, ("Linux", []))[1].append(linux)
        names.setdefault(linux, ("Windows", []))[1].append(windows)
    app.kmcl_names = names
    app.connect("doctree-read", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def parts(directory):
    """The HTML of each function, by its name."""
    found = {}
    for page in sorted(directory.glob("*.html")):
        for part in page.read_text("utf-8").split('<dt class="sig sig-object c"')[1:]:
            for name in re.findall(r'id="c\.(\w+)"', part):
                found.setdefault(name, []).append(part)
    return found


def main():
    """Print the names without a link, and those without one back."""
    html = parts(Path(sys.argv[1]))
    pairs = windows_names(Path(os.environ["TOP"]))
    bad = [f"{name} has no Linux name" for name in sys.argv[2:]
           if name not in {windows for windows, _ in pairs} | STRUCTURES]
    for pair in pairs:
        for name, other in (pair, pair[::-1]):
            if not any(re.search(rf'<p class="kmcl-names">.*#c\.{other}"', part)
                       for part in html.get(name, [])):
                bad.append(f"{name} has no link to {other}")
    print("\n".join(bad), end="\n" * bool(bad))
    return bool(bad) or not pairs


if __name__ == "__main__":
    sys.exit(main())
