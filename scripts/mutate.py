#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Change the library's sources a little, and see whether a KUnit case notices.

What is changed is in mutations.py.
All changes of a sample are built into one kernel, each beside the code that it
changes; the parameter mutant= chooses one. The same kernel notes which cases evaluate
which change, and takes a list of the cases to run. So a change costs the start of a
kernel and those cases that execute it, the quickest first, until one fails:

found         the kernel complains, or two cases fail, or one does and fails again when
              it is run alone; otherwise it is not believed, and the next is tried. One
              fails, too, if it takes five times as long as without the change and 15
              seconds more, unless it does so without the change at that moment.
not executed  no case gets there: it survives
identical     the object file is the same with and without it: it is not counted
survived      all cases that execute it pass

What does not compile is left out before anything runs. Results are kept, one a line,
until a source changes: the same command goes on where it was stopped.
"""

import argparse
import collections
import contextlib
import concurrent.futures
import hashlib
import json
import os
import pathlib
import random
import re
import select
import shlex
import signal
import subprocess
import sys
import threading
import time

import mutations

SLACK = 15
QUICKEST = 40
MAX_CHANGES = 8192
# The kernel's command line has 4096 bytes.
MAX_LIST = 3500

HEADER = f"""\
/* Made by mutate.py: whether change n is the one that is made */
#ifndef __ASSEMBLY__
extern volatile int mutate_now;
extern volatile unsigned char mutate_reached[{MAX_CHANGES}];

static inline __attribute__((__always_inline__)) int mutant(int n)
{{
	if (!mutate_reached[n])
		mutate_reached[n] = 1;
	return __builtin_expect(mutate_now == n, 0);
}}
#endif
"""

RUNNER = f"""\

/* Made by mutate.py: runs the cases of a list, each as a suite of its own */
int mutate_now;
unsigned char mutate_reached[{MAX_CHANGES}];
static char *mutate_list;
core_param(mutant, mutate_now, int, 0444);

static int __init mutate_setup(char *list)
{{
	mutate_list = list;
	return 1;
}}
__setup("mutate_cases=", mutate_setup);

static void mutate_say(void)
{{
	char text[400];
	int i, n = 0;

	for (i = 0; i < {MAX_CHANGES}; i++) {{
		if (!mutate_reached[i])
			continue;
		n += scnprintf(text + n, sizeof(text) - n, " %d", i);
		if (n > 380) {{
			pr_info("mutate: reached%s\\n", text);
			n = 0;
		}}
	}}
	if (n)
		pr_info("mutate: reached%s\\n", text);
}}

static void mutate_case(struct kunit_suite *suite, struct kunit_case *c, int number)
{{
	static struct kunit_case cases[2];
	struct kunit_suite *copy = kmemdup(suite, sizeof(*suite), GFP_KERNEL);
	ktime_t start;

	if (!copy)
		return;
	cases[0] = *c;
	copy->test_cases = cases;
	memset(mutate_reached, 0, sizeof(mutate_reached));
	pr_info("mutate: begin %d %s.%s\\n", number, suite->name, c->name);
	start = ktime_get();
	__kunit_test_suites_init(&copy, 1, true);
	if (!mutate_now)
		mutate_say();
	pr_info("mutate: end %d %lld ms, reached %d\\n", number,
		ktime_ms_delta(ktime_get(), start), mutate_reached[mutate_now]);
	__kunit_test_suites_exit(&copy, 1);
	kfree(copy);
}}

static void mutate_cases(struct kunit_suite_set *set, int from, int to)
{{
	struct kunit_suite * const *suite;
	struct kunit_case *c;
	int n = 0;

	for (suite = set->start; suite < set->end; suite++)
		kunit_suite_for_each_test_case((*suite), c) {{
			if (n >= from && n <= to)
				mutate_case(*suite, c, n);
			n++;
		}}
	if (to < 0)
		pr_info("mutate: %d cases\\n", n);
}}

static void mutate_run(struct kunit_suite_set *set)
{{
	int from, to, n;

	if (!mutate_now)
		mutate_say();
	mutate_cases(set, -1, -1);
	while (mutate_list && sscanf(mutate_list, "%d-%d%n", &from, &to, &n) >= 2) {{
		mutate_cases(set, from, to);
		mutate_list += n;
		if (*mutate_list)
			mutate_list++;
	}}
	pr_info("mutate: the end\\n");
}}
"""

STARTED = set()


@contextlib.contextmanager
def running(process):
    """Ends the process, and what it has started, at the latest with this program."""
    STARTED.add(process)
    try:
        yield
    finally:
        end(process)
        process.wait()
        STARTED.discard(process)


def end(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def stop(*_):
    for process in list(STARTED):
        end(process)
    os._exit(143)


def write(path, text):
    """Make writes a file only when it is another one, so that make leaves it alone."""
    data = text if isinstance(text, bytes) else text.encode()
    if not path.exists() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(data)


class Kernel:
    """The User Mode Linux kernel with all changes of a sample."""

    def __init__(self, args, chosen):
        self.args = args
        self.changes = dict(enumerate(chosen, 1))
        self.complains = re.compile(args.warnings)
        self.log = args.out / "build.log"
        self.boot = 60.0

    def make(self, *targets):
        with open(self.log, "w", encoding="utf-8") as log:
            make = subprocess.Popen(
                ["make", "-s", "-k", "ARCH=um", f"O={self.args.out}",
                 f"-j{self.args.jobs}", *targets],
                cwd=self.args.linux, stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True)
            with running(make):
                return make.wait() == 0

    def configure(self):
        subprocess.run(
            [sys.executable, "tools/testing/kunit/kunit.py", "config",
             f"--kunitconfig={self.args.tree}/kunit/.kunitconfig",
             f"--build_dir={self.args.out}"],
            cwd=self.args.linux, check=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL)
        name = "lib/kunit/executor.c"
        text = (self.args.source / name).read_text(encoding="utf-8")
        runs = "kunit_exec_run_tests(&suite_set, true);"
        where = "int kunit_run_all_tests(void)"
        if text.count(runs) != 1 or text.count(where) != 1:
            sys.exit(f"mutate: {name} of this kernel is another one")
        text = text.replace(runs, "mutate_run(&suite_set);")
        text = text.replace(where, RUNNER + "\n" + where)
        write(self.args.linux / name, text)

    def write(self, sources):
        """The tree with all changes; returns the lines of each, by file."""
        lines, out = {}, set()
        for name, text in sources.items():
            numbered = {n: c for n, c in self.changes.items() if c.name == name}
            if numbered:
                text, bad, lines[name] = mutations.beside(text.decode(), numbered)
                out |= bad
            elif name in ("drivers/vmbkmcl/Kbuild", "drivers/clients/Kbuild",
                          "kunit/Kbuild"):
                up = "../" * name.count("/")
                text = text.decode() + f"\nccflags-y += -include $(src)/{up}mutate.h\n"
            write(self.args.tree / name, text)
        write(self.args.tree / "mutate.h", HEADER)
        keep = {self.args.tree / name for name in (*sources, "mutate.h")}
        for path in self.args.tree.rglob("*"):
            if path.is_file() and path not in keep:
                path.unlink()
        return lines, out

    def build(self, sources):
        while True:
            lines, out = self.write(sources)
            built = not out and self.make("drivers/vmbkmcl/") and self.make("linux")
            if built:
                return
            if not out:
                for name, line in re.findall(
                        r"([\w./-]+\.[ch]):(\d+):\d+: error:",
                        self.log.read_text(encoding="utf-8", errors="replace")):
                    for number, (first, last) in next(
                            (v for k, v in lines.items() if name.endswith("/" + k)),
                            {}).items():
                        if first <= int(line) <= last:
                            out.add(number)
            if not out:
                sys.exit(f"mutate: the kernel does not build: {self.log}")
            for number in sorted(out):
                change = self.changes.pop(number)
                print(f"left out, does not compile: {change.name}:{change.line}: "
                      f"{change.what}", flush=True)

    def run(self, number, cases, times=None):
        """Runs the cases with a change (0: none). Returns what was not content, with
        the case, and the log. It ends with the second case that fails, or with the
        first that passes after one has failed."""
        listed = ",".join(f"{c}-{c}" if isinstance(c, int) else c for c in cases)
        kernel = subprocess.Popen(
            [f"{self.args.out}/linux", "mem=512M", "console=tty", "seccomp=on",
             "ncpus=2", "kunit.enable=1", "kunit_shutdown=halt", f"mutant={number}",
             f"mutate_cases={listed}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True)
        log, case, failed, rest = [], None, {}, b""
        limit = 3 * self.boot + SLACK
        until = time.monotonic() + limit
        with running(kernel), kernel.stdout:
            while True:
                left = until - time.monotonic()
                if left <= 0 or not select.select([kernel.stdout], [], [], left)[0]:
                    failed.setdefault(case, f"takes longer than {limit:.0f} s")
                    return failed, log
                data = os.read(kernel.stdout.fileno(), 65536)
                if not data:
                    failed.setdefault(case, "it did not get to the end")
                    return failed, log
                *whole, rest = (rest + data).split(b"\n")
                for line in whole:
                    line = line.decode(errors="replace").strip()
                    log.append(line)
                    if line == "mutate: the end":
                        return failed, log
                    if self.complains.search(line):
                        failed[case] = line
                        return failed, log
                    if line.startswith("not ok ") and case is not None:
                        failed.setdefault(case, line)
                    match = re.match(r"mutate: (begin|end) (\d+)", line)
                    if not match:
                        continue
                    now, ended = int(match.group(2)), match.group(1) == "end"
                    if ended and failed and (now not in failed or len(failed) > 1):
                        return failed, log
                    case = None if ended else now
                    usual = (times or {}).get(now, 120000) / 1000
                    limit = SLACK + (0 if ended else 5 * usual)
                    until = time.monotonic() + limit

    def record(self):
        """The cases: {number: (name, ms, changes that it executes)}; those of a start."""
        began = time.monotonic()
        failed, log = self.run(0, [])
        if failed:
            sys.exit(f"mutate: the kernel does not start: {failed}")
        self.boot = time.monotonic() - began
        total = next(int(m.group(1)) for m in
                     (re.match(r"mutate: (\d+) cases", s) for s in log) if m)
        at_boot = set()
        for line in log:
            if line.startswith("mutate: reached "):
                at_boot |= {int(n) for n in line.split()[2:]}
        cases, lock = {}, threading.Lock()

        def part(first, last):
            while first <= last:
                failed, log = self.run(0, [f"{first}-{last}"])
                name, reached = "", set()
                for line in log:
                    words = line.split()
                    if line.startswith("mutate: begin "):
                        name, reached = words[3], set()
                    elif line.startswith("mutate: reached "):
                        reached |= {int(n) for n in words[2:]}
                    elif line.startswith("mutate: end "):
                        with lock:
                            cases[int(words[2])] = (name, int(words[3]), reached)
                        first = int(words[2]) + 1
                if not failed:
                    return
                print(f"not used, fails alone and without a change: {failed}",
                      flush=True)
                if None in failed:
                    return
                with lock:
                    for case in failed:
                        cases.pop(case, None)
                first = max(first, *(case + 1 for case in failed))

        size = -(-total // (4 * self.args.jobs))
        with concurrent.futures.ThreadPoolExecutor(self.args.jobs) as pool:
            for future in [pool.submit(part, i, min(i + size, total) - 1)
                           for i in range(0, total, size)]:
                future.result()
        return cases, at_boot


class Sample:
    def __init__(self, args, kernel, cases, at_boot):
        self.args, self.kernel = args, kernel
        self.cases = cases
        self.times = {n: ms for n, (_, ms, _) in cases.items()}
        self.at_boot = at_boot

    def sure(self, number, failed):
        """Whether a change is found: the kernel complains, two cases fail, or the
        one that fails does so again, alone."""
        case, why = next(iter(failed.items()))
        if len(failed) > 1 or self.kernel.complains.search(why):
            return True
        for _ in range(3):
            once, _ = self.kernel.run(number, [] if case is None else [case],
                                      self.times)
            if not once:
                continue
            # Is it the machine that is slow?
            if any("takes longer" in w for w in once.values()) and \
                    self.kernel.run(0, [case] if case else [], self.times)[0]:
                continue
            return True
        return False

    def name(self, case):
        return self.cases[case][0] if case in self.cases else "(start)"

    def judge(self, number, first):
        """The quickest cases that execute a change come first, for all changes."""
        reach = [n for n, (_, _, reached) in self.cases.items()
                 if number in reached or number in self.at_boot]
        reach.sort(key=lambda n: self.times[n])
        if not reach and number not in self.at_boot:
            return "not executed", ""
        more = first and len(reach) > QUICKEST
        reach = reach[:QUICKEST] if first else reach[QUICKEST:]
        doubted = []
        while reach:
            now, size = [], 0
            for case in reach:
                size += 2 * len(str(case)) + 2
                if size > MAX_LIST:
                    break
                now.append(case)
            failed, _ = self.kernel.run(number, now, self.times)
            if not failed:
                reach = reach[len(now):]
                continue
            why = "; ".join(f"{self.name(c)}: {w}" for c, w in failed.items())
            if self.sure(number, failed):
                return "found", why
            doubted.append(f"once: {why}")
            if None in failed or len(doubted) > 5:
                break
            reach = reach[max(reach.index(c) for c in failed) + 1:]
        return "alive" if more else "survived", "; ".join(doubted)


def same_object(args, sources, change):
    """Whether the compiler makes the same of the source with and without the change."""
    if not change.name.endswith(".c"):
        return False
    stem = pathlib.Path(change.name).stem
    folder = args.out / "drivers/vmbkmcl" / pathlib.Path(change.name).parent
    command = (folder / f".{stem}.o.cmd").read_text(encoding="utf-8").split("\n")[0]
    words = shlex.split(command.split(":= ", 1)[1].split(" ; ")[0])
    # A place of its own: includes are looked for beside the source
    place = args.tree.parent / "same" / pathlib.Path(change.name).parent
    for path in sources:
        if path.endswith(".h"):
            write(args.tree.parent / "same" / path, sources[path])
    objects = []
    text = sources[change.name].decode()
    for what in (text, mutations.changed(text, change)):
        source, result = place / f"{stem}.c", place / f"{stem}.o"
        write(source, what)
        words[words.index("-o") + 1] = str(result)
        words[-1] = str(source)
        ready = [w for w in words if not w.startswith("-Wp,-MMD")]
        if subprocess.run(ready, cwd=args.out, check=False, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode:
            return False
        subprocess.run(["objcopy", "--strip-debug", result], check=True)
        objects.append(result.read_bytes())
    return objects[0] == objects[1]


def explained(path):
    """The survivors that the list explains: file and the line as it was."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return set(re.findall(r"^- `([\w./]+)`:\s+`(.+?)`\s+-> ", text, flags=re.M))


def digest(*parts):
    total = hashlib.sha256()
    for part in parts:
        total.update(part if isinstance(part, bytes) else str(part).encode())
        total.update(b"\0")
    return total.hexdigest()[:16]


def read_results(path):
    if not path.exists():
        return {}
    return {r["change"]: r for r in
            map(json.loads, path.read_text(encoding="utf-8").splitlines())}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    for name in ("top", "source", "tree", "linux", "out", "explained"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    for name in ("jobs", "seed", "number"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--first", type=int, default=1,
                        help="the changes of the sample before this one are not run")
    parser.add_argument("--warnings", required=True)
    parser.add_argument("--keep", action="store_true",
                        help="a change that was found stays so when only the suites "
                        "are others now")
    parser.add_argument("--sources", nargs="+", required=True)
    parser.add_argument("--files", nargs="+", required=True)
    return parser.parse_args()


def prepare(args, sources):
    """The kernel with the sample, built, and what its cases execute."""
    every = [c for name in args.files
             for c in mutations.changes(name, sources[name].decode())]
    chosen = random.Random(args.seed).sample(
        every, min(args.number, len(every), MAX_CHANGES - 1))
    print(f"{len(every)} changes are possible", flush=True)
    kernel = Kernel(args, chosen)
    state = args.tree.parent / "state.json"
    stamp = digest(*[p for item in sorted(sources.items()) for p in item],
                   HEADER, RUNNER, chosen)
    kept = json.loads(state.read_text(encoding="utf-8")) if state.exists() else {}
    if kept.get("stamp") == stamp:
        kernel.changes = {n: c for n, c in kernel.changes.items()
                          if n not in kept["out"]}
        kernel.boot = kept["boot"]
        return kernel, {int(n): (c[0], c[1], set(c[2])) for n, c in
                        kept["cases"].items()}, set(kept["at_boot"]), stamp
    state.unlink(missing_ok=True)
    kernel.write(sources)
    kernel.configure()
    kernel.build(sources)
    began = time.monotonic()
    cases, at_boot = kernel.record()
    print(f"{len(cases)} cases, {time.monotonic() - began:.0f} s to see what they "
          f"execute; {kernel.boot:.1f} s to start a kernel", flush=True)
    state.write_text(json.dumps({
        "stamp": stamp, "boot": kernel.boot, "at_boot": sorted(at_boot),
        "out": [n for n in range(1, len(chosen) + 1) if n not in kernel.changes],
        "cases": {n: (c[0], c[1], sorted(c[2])) for n, c in cases.items()}}),
        encoding="utf-8")
    return kernel, cases, at_boot, stamp


def main():
    args = arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    args.out.mkdir(exist_ok=True)
    sources = {name: (args.top / name).read_bytes() for name in args.sources}
    library = digest(*[p for item in sorted(sources.items()) for p in item
                       if not item[0].startswith("kunit/")])
    kernel, cases, at_boot, stamp = prepare(args, sources)
    kernel.changes = {n: c for n, c in kernel.changes.items() if n >= args.first}
    sample = Sample(args, kernel, cases, at_boot)
    results = args.tree.parent / "results"
    old = {change: r for change, r in read_results(results).items()
           if r["stamp"] == stamp or
           args.keep and r["library"] == library and r["result"] == "found"}
    done, lock = {}, threading.Lock()

    def one(number, change, first):
        what = mutations.identity(sources, change)
        result = old.get(what)
        if not result or result["result"] == "alive" and not first:
            began = time.monotonic()
            verdict, why = sample.judge(number, first)
            if verdict not in ("found", "alive") and same_object(args, sources, change):
                verdict = "identical"
            spent = time.monotonic() - began + (result["seconds"] if result else 0)
            result = {"change": what, "result": verdict, "why": why, "stamp": stamp,
                      "library": library, "seconds": spent}
            with lock, results.open("a", encoding="utf-8") as out:
                out.write(json.dumps(result) + "\n")
            old[what] = result
        with lock:
            if result["result"] != "alive" and number not in done:
                done[number] = result
                text = "\n\t".join(mutations.difference(sources, change))
                print(f"{len(done)}/{len(kernel.changes)} {change.name}:{change.line}: "
                      f"{change.what}\n\t{text}\n\t{result['result']} "
                      f"({result['seconds']:.0f} s) {result['why']}", flush=True)

    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for first in (True, False):
            for future in [pool.submit(one, *item, first)
                           for item in kernel.changes.items()]:
                future.result()
            if first:
                print(f"{len(kernel.changes) - len(done)} left after the quickest "
                      f"{QUICKEST} cases of each", flush=True)

    known = explained(args.explained)
    count = collections.Counter(r["result"] for r in done.values())
    unknown = 0
    for number, result in sorted(done.items()):
        change = kernel.changes[number]
        if result["result"] not in ("survived", "not executed"):
            continue
        diff = mutations.difference(sources, change)
        first = diff[0][1:].strip() if diff else ""
        is_known = (change.name, first) in known
        unknown += not is_known
        print(f"{result['result']}{', explained' if is_known else ''}: "
              f"{change.name}:{change.line}\n\t" + "\n\t".join(diff))
    left = count["survived"] + count["not executed"]
    total = count["found"] + left
    spent = sum(r["seconds"] for r in done.values())
    print(f"{total} changes, {count['found']} found, {left} not ({unknown} of them "
          f"not explained), {count['identical']} more identical: "
          f"{100 * count['found'] / max(total, 1):.1f} %, "
          f"{spent / max(len(done), 1):.1f} s each")
    return 1 if unknown else 0


sys.exit(main())
