# SPDX-License-Identifier: GPL-2.0
"""figures - what ci/report knows about a figure of two kernels, and its summary"""

import math
import statistics

QUOTABLE = 5
TIME_UNITS = ((1e9, "s"), (1e6, "ms"), (1e3, "us"), (1, "ns"))

# What the summary shows, in words: counts, which do not depend on the machine,
# and times, ten at most.  Figures that were not measured are left out.
COUNTS = (
    ("set_off_waits", "grace periods waited for, half of the CPUs down as a list"),
    ("set_off_rebuilds", "rebuilds of the scheduling domains for that"),
    ("set_on_rebuilds", "rebuilds for the way back"),
    ("smt_off_waits", "grace periods waited for, SMT off"),
    ("smt_off_rebuilds", "rebuilds for that"),
    ("smt_on_rebuilds", "rebuilds for SMT on"),
    ("suspend_waits", "grace periods waited for, suspend and resume"),
    ("suspend_rebuilds", "rebuilds for that"),
    ("single_off_grace_periods", "grace periods while a CPU goes down"),
    ("single_off_ctxt", "context switches while a CPU goes down"),
    ("single_cycle_ipis", "IPIs while a CPU goes down and up"),
    ("smt_off_grace_periods", "grace periods while SMT goes off"),
    ("smt_off_ctxt", "context switches while SMT goes off"),
    ("smt_cycle_ipis", "IPIs while SMT goes off and on"),
)
TIMES = (
    ("irqsoff_p50", "interrupts off on a CPU that only waits in stop_machine()"),
    ("stop_p50", "stop_machine() that does nothing"),
    ("smt_off", "SMT off"),
    ("smt_on", "SMT on"),
    ("single_off", "one CPU down"),
    ("single_on", "one CPU up"),
    ("set_off", "half of the CPUs down as a list"),
    ("set_on", "half of the CPUs up as a list"),
    ("secondary_boot", "all CPUs up at boot"),
    ("ipi_p50", "a call to another CPU and back"),
)


def scale(values, unit):
    """The factor and the name under which values of this unit read best."""
    largest = max((abs(v) for v in values), default=0)
    if unit == "ns":
        for factor, name in TIME_UNITS:
            if largest >= factor:
                return factor, name
    return 1, "" if unit == "count" else unit


def number(value):
    """Three significant digits, but no digit of an integer part is dropped."""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    for limit, digits in ((100, 0), (10, 1), (1, 2)):
        if abs(value) >= limit:
            return f"{value:.{digits}f}"
    return f"{value:.3f}"


def side(values, factor, name):
    if not values:
        return "missing", ""
    unit = f" {name}" if name else ""
    low, high = min(values) / factor, max(values) / factor
    return (number(statistics.median(values) / factor) + unit,
            f"{number(low)} - {number(high)}")


def apart(a, b):
    return max(a) < min(b) or max(b) < min(a)


def by_chance(n):
    """One of how many figures comes apart by chance, with n values a side."""
    return math.comb(2 * n, n) // 2


def ratio(a, b):
    """Ratio of the medians B/A, and whether the two ranges are apart.

    Two ranges of one kernel come apart by chance: always with one value a
    side, in 1 of 10 cases with three, in 1 of 126 with five.  So fewer than
    five say nothing.
    """
    if not a or not b:
        return "-", ""
    base = statistics.median(a)
    if base == 0:
        text = "1.00" if statistics.median(b) == 0 else "-"
    else:
        text = f"{statistics.median(b) / base:.2f}"
    if set(a) == set(b) and len(set(a)) == 1:
        return text, "same"
    if min(len(a), len(b)) < QUOTABLE:
        return text, "few"
    return text, "apart" if apart(a, b) else "overlap"


def judged(a, b):
    """In a word: patched against mainline."""
    if set(a) == set(b) and len(set(a)) == 1:
        return "same"
    if min(len(a), len(b)) < 2 or not apart(a, b):
        return "undecided"
    return "less" if max(b) < min(a) else "more"


def summary(figures, wanted):
    """[what, mainline, patched, patched against mainline, n] of the figures that WANTED lists."""
    named = {name: (unit, values) for (name, unit), values in figures.items()}
    lines = []
    for name, words in wanted:
        unit, values = named.get(name, ("", {"A": [], "B": []}))
        a, b = values["A"], values["B"]
        if not a or not b:
            continue
        factor, short = scale(a + b, unit)
        cells = []
        for here in (a, b):
            middle, spread = side(here, factor, short)
            cells.append(f"{middle} ({spread})" if len(here) > 1 else middle)
        verdict = judged(a, b)
        if verdict in ("less", "more"):
            verdict = f"{verdict}: {ratio(a, b)[0]}"
        lines.append([words, *cells, verdict, f"{len(a)}/{len(b)}"])
    return lines
