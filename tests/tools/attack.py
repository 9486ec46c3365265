"""Carry out every attack that docs/trust.md has a promise for, and say which ones it holds.

``python -m tests.tools.attack`` (``make attack``) runs the tests that the page names, those in
processes of their own too, and prints a line for each of its rows. It ends with 1 where one is
broken or was not tried; where some of its tests were skipped (root cannot be denied anything), it
is held in part. The suite runs most of the same tests, ``make fuzz`` their properties on
more inputs.
"""

import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "trust.md"
HELD, PARTLY, UNTRIED, BROKEN = "held", "held in part", "NOT TRIED", "BROKEN"


@dataclass
class Outcome:
    """What became of one test: its seconds, and the words for how it ended."""

    seconds: float = 0.0
    words: set[str] = field(default_factory=set)


class Outcomes(dict[str, Outcome]):
    """A plugin of pytest that keeps the outcome of each test, by its name."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add a phase of a test to its outcome."""
        outcome = self.setdefault(report.nodeid, Outcome())
        outcome.seconds += report.duration
        if report.when == "call" or not report.passed:
            outcome.words.add(report.outcome)


def read_promises(page: str) -> dict[str, list[str]]:
    """Return the faults of the page of promises, and the tests that each names."""
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")]
    return {
        cells[0].removeprefix("| "): re.findall(r"`([\w/]+\.py(?:::\w+)?)`", cells[-1])
        for cells in rows[1:]
    }


def verdict(names: list[str], outcomes: Mapping[str, Outcome]) -> tuple[str, int, float]:
    """Return whether the tests of a promise hold it, how many ran, and their seconds."""
    found = [
        [
            outcome
            for test, outcome in outcomes.items()
            if re.split(r"\[|::" if "::" not in name else r"\[", test)[0] == f"tests/{name}"
        ]
        for name in names
    ]
    every = [outcome for of_name in found for outcome in of_name]
    words = {word for outcome in every for word in outcome.words}
    tried = ["passed" in {word for each in of_name for word in each.words} for of_name in found]
    how = BROKEN if "failed" in words else HELD if all(tried) else PARTLY if any(tried) else UNTRIED
    return how, len(every), sum(outcome.seconds for outcome in every)


def main() -> None:
    """Run all attacks and print the table."""
    promises, outcomes, began = read_promises(PAGE.read_text("utf-8")), Outcomes(), time.monotonic()
    tests = dict.fromkeys(f"tests/{name}" for names in promises.values() for name in names)
    options = ["-q", "-n", "2", "--dist", "worksteal", "-m", "not wheel and not browser"]
    pytest.main([f"--rootdir={ROOT}", *options, *tests], plugins=[outcomes])
    verdicts = {fault: verdict(names, outcomes) for fault, names in promises.items()}
    lines = [f"\n{'':12}  attacks  seconds  fault"]
    lines += [
        f"{how:12}  {n_attacks:7}  {seconds:7.1f}  {fault}"
        for fault, (how, n_attacks, seconds) in verdicts.items()
    ]
    held = sum(how in (HELD, PARTLY) for how, *_ in verdicts.values())
    lines += [f"{held} of {len(verdicts)} held in {time.monotonic() - began:.0f} s\n"]
    sys.stdout.write("\n".join(lines))
    sys.exit(held < len(verdicts))


if __name__ == "__main__":
    main()
