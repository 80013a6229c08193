#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Results of the benchmark: collect them, show them, plot them, compare them.

usage: bench.py collect RESULTS LOG...
       bench.py table RESULTS
       bench.py plot RESULTS DIRECTORY
       bench.py check RESULTS BASELINE
       bench.py update RESULTS BASELINE
       bench.py names BASELINE [KERNEL]

RESULTS and BASELINE are JSON: {KERNEL: {"with": TEXT, "cases": {CASE: {KEY:
NUMBER}}}}. A LOG, whose name ends in -KERNEL.log, is that of a guest, with lines
"kmcl_bench: CASE KEY=NUMBER..." and one that names kernel and compiler, the TEXT.
"check" fails if a number of the baseline has changed by more than 3 %, or by 10 % if
the baseline is of another kernel or compiler; "update" replaces the numbers that the
baseline has. "names" prints the kernels, or the cases of one.
"""

import json
import pathlib
import re
import sys

TOLERANCE = 0.03
TOLERANCE_ELSEWHERE = 0.10
LINE = re.compile(r"kmcl_bench: ([a-z]\S*((?: \w+=\d+)+))\s*$")
WITH = re.compile(r"kmcl_bench: with (.*\S)\s*$")


def load(name):
    return json.loads(pathlib.Path(name).read_text(encoding="utf-8"))


def store(name, results):
    text = json.dumps(results, indent="\t") + "\n"
    pathlib.Path(name).write_text(text, encoding="utf-8")


def collect(results, logs):
    found = {}
    for log in logs:
        kernel = re.fullmatch(r".*-([^-]+)\.log", log).group(1)
        of = found.setdefault(kernel, {"with": "", "cases": {}})
        with open(log, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                match = WITH.search(line)
                # The kernel's own name and compiler come first, if both are there
                if match and not of["with"]:
                    of["with"] = match.group(1)
                match = LINE.search(line)
                if match:
                    name, *pairs = match.group(1).split()
                    of["cases"][name] = {key: int(number) for key, number in
                                   (pair.split("=") for pair in pairs)}
    store(results, found)
    return all(of["with"] and of["cases"] for of in found.values())


def cases_of(results):
    return ((kernel, of["cases"]) for kernel, of in results.items())


def ratio(values):
    if values.get("raw") and "kmcl" in values:
        return f"{values['kmcl'] / values['raw']:.2f}"
    return ""


def table(results):
    for kernel, cases in cases_of(load(results)):
        width = max(map(len, cases), default=0)
        width = max(width, len("Linux ") + len(kernel))
        print(f"Linux {kernel:<{width - 6}} {'raw':>8} {'kmcl':>8} {'ratio':>6}")
        for name, values in cases.items():
            rest = "  ".join(f"{key} {number}" for key, number in values.items()
                             if key not in ("raw", "kmcl"))
            print(f"{name:<{width}} {values.get('raw', ''):>8} "
                  f"{values.get('kmcl', ''):>8} {ratio(values):>6}  {rest}".rstrip())
    return True


def plot(results, directory):
    # Debian's python3-matplotlib, which only this needs
    import matplotlib
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "vmbkmcl"
    from matplotlib import pyplot

    for kernel, cases in cases_of(load(results)):
        pairs = {name: values for name, values in cases.items() if ratio(values)
                 and not name.startswith(("locked/", "irq-off/", "memory", "user/"))}
        names = list(pairs)
        figure, axes = pyplot.subplots(figsize=(8, 1 + 0.3 * len(names)))
        axes.barh(names, [values["kmcl"] / values["raw"] for values in pairs.values()],
                  color="tab:blue")
        axes.axvline(1, color="black", linewidth=1)
        axes.invert_yaxis()
        axes.set_xlabel(f"instructions on Linux {kernel}, hv_vmbus = 1")
        figure.tight_layout()
        figure.savefig(f"{directory}/ratios-{kernel}.svg", metadata={"Date": None})
        pyplot.close(figure)

        sizes = {"B": 1, "KiB": 1024}
        figure, axes = pyplot.subplots(figsize=(8, 5))
        for what in ("send", "receive"):
            points = []
            for name, values in pairs.items():
                match = re.fullmatch(rf"{what}/(\d+)(B|KiB)/burst64", name)
                if match:
                    size = int(match.group(1)) * sizes[match.group(2)]
                    points.append((size, values))
            points.sort(key=lambda point: point[0])
            for key, style in (("raw", "--"), ("kmcl", "-")):
                axes.plot([size for size, _ in points],
                          [values[key] for _, values in points], style,
                          marker="o", label=f"{what}, {key}")
        axes.set(xscale="log", yscale="log", xlabel="bytes of payload",
                 ylabel=f"instructions per packet, Linux {kernel}")
        axes.legend()
        figure.tight_layout()
        figure.savefig(f"{directory}/sizes-{kernel}.svg", metadata={"Date": None})
        pyplot.close(figure)
    return True


def check(results, baseline):
    good = True
    now = load(results)
    for kernel, before in load(baseline).items():
        after = now.get(kernel, {"with": "nothing", "cases": {}})
        tolerance = TOLERANCE
        if after["with"] != before["with"]:
            tolerance = TOLERANCE_ELSEWHERE
            print(f"The baseline is of {before['with']},\nthis is {after['with']}: "
                  f"{tolerance:.0%} instead of {TOLERANCE:.0%}")
        for name, values in before["cases"].items():
            for key, old in values.items():
                number = after["cases"].get(name, {}).get(key)
                if number is None:
                    word = "missing"
                elif abs(number - old) > tolerance * old:
                    word = f"{old} before, {number / old - 1:+.1%}"
                else:
                    print(f"ok      {name} {key}: {number}")
                    continue
                print(f"FAILED  {name} {key}: {number} ({word})")
                good = False
    return good


def update(results, baseline):
    now = load(results)
    wanted = {}
    for kernel, cases in cases_of(load(baseline)):
        found = now[kernel]["cases"]
        wanted[kernel] = {"with": now[kernel]["with"], "cases": {
            name: {key: found[name][key] for key in values}
            for name, values in cases.items()}}
    store(baseline, wanted)
    return True


def names(results, kernel=None):
    found = load(results)
    print(*(found[kernel]["cases"] if kernel else found))
    return True


def main():
    commands = {"collect": collect, "table": table, "plot": plot, "check": check,
                "update": update, "names": names}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    what, *args = sys.argv[1:]
    if what == "collect":
        args = [args[0], args[1:]]
    sys.exit(0 if commands[what](*args) else 1)


if __name__ == "__main__":
    main()
