# SPDX-License-Identifier: GPL-2.0
"""
Sphinx configuration. scripts/docs.sh sets TOP, the top of this tree, and
srctree, an unpacked kernel whose kernel-doc extension reads the sources. Packages
are built with KERNEL_DOC, the program of that name, instead of srctree.
"""

import os
import sys

# pylint: disable=invalid-name

sys.path.insert(0, os.path.join(os.environ["TOP"], "Documentation"))
if "KERNEL_DOC" in os.environ:
    sys.path.insert(0, os.path.join(os.environ["TOP"], "Documentation/sphinx"))
    kerneldoc = ["kernel_doc"]
else:
    sys.path.insert(0, os.path.join(os.environ["srctree"], "Documentation/sphinx"))
    kerneldoc = ["kerneldoc", "automarkup"]

project = "vmbkmcl"
extensions = kerneldoc + ["sphinx.ext.graphviz", "myst_parser", "windows_names"]
graphviz_output_format = "svg"
myst_heading_anchors = 3
kerneldoc_srctree = os.environ["TOP"]

primary_domain = "c"
highlight_language = "none"
html_theme = "alabaster"
html_copy_source = False
html_static_path = []
