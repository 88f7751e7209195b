"""Subjects measured in turn, round after round, so that what else the machine does falls on all of them alike."""

import os
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.instruments.load import Sample

Subject = Callable[[], Awaitable[Sample]]


@dataclass(frozen=True)
class Outcome:
    """All rounds of one subject."""

    samples: list[Sample]

    @property
    def rate(self) -> float:
        """Median of the rounds, a second."""
        return statistics.median(sample.rate for sample in self.samples)

    def quantile_ms(self, share: float) -> float:
        """Over all rounds together."""
        return quantile([one for sample in self.samples for one in sample.times], share) * 1000

    def slower_than(self, reference: "Outcome") -> float:
        """How many times; the median of the rounds' own ratios, in which the neighbours' load is the same."""
        pairs = zip(self.samples, reference.samples, strict=True)
        return statistics.median(theirs.rate / ours.rate for ours, theirs in pairs)


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def interleaved(subjects: Mapping[str, Subject], rounds: int) -> dict[str, Outcome]:
    """One round unmeasured, for caches and connections."""
    taken: dict[str, list[Sample]] = {name: [] for name in subjects}
    for number in range(rounds + 1):
        for name, subject in subjects.items():
            sample = await subject()
            if number:
                taken[name].append(sample)
    return {name: Outcome(samples) for name, samples in taken.items()}


def cpu_seconds(pid: int) -> float:
    """What a process has used so far, in user and system mode (resolution 10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
