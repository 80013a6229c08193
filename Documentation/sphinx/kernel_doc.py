# SPDX-License-Identifier: GPL-2.0
"""
The directive kernel-doc where there is no kernel tree, only its program
kernel-doc, in the environment variable KERNEL_DOC. Packages are built so.
"""

import os
import subprocess

from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.statemachine import StringList


class KernelDoc(Directive):
    """What kernel-doc prints for a file, or for some of its functions"""

    required_arguments = 1
    has_content = True
    option_spec = {"export": directives.unchanged, "functions": directives.unchanged}

    def run(self):
        top = os.environ["TOP"]
        command = [os.environ["KERNEL_DOC"], "-rst"]
        if "export" in self.options:
            command.append("-export")
        for name in self.options.get("functions", "").split():
            command += ["-function", name]
        text = subprocess.run(command + [self.arguments[0]], cwd=top, check=True,
                              stdout=subprocess.PIPE, text=True).stdout
        section = nodes.section(document=self.state.document)
        self.state.nested_parse(StringList(text.splitlines(), self.arguments[0]),
                                0, section, match_titles=1)
        return section.children


def setup(app):
    """Called by Sphinx"""
    app.add_directive("kernel-doc", KernelDoc)
    return {"parallel_read_safe": True}
