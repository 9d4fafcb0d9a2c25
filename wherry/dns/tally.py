"""What is counted for each query, in numbers that one thread adds to.

prometheus_client's own take a lock for every step, for threads that are not here, and cost ten times as much: with a
handful of them a query, that was a tenth of its time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

T = TypeVar("T")


class Labelled(Collector, Generic[T]):
    """A metric with labels; `labels` returns the numbers of one set of values, which may be kept."""

    def __init__(self, name: str, help: str, labels: Sequence[str]):
        self._name, self._help, self._labels = name, help, tuple(labels)
        self._numbers: dict[tuple[str, ...], T] = {}

    def labels(self, *values: str) -> T:
        """Return the numbers of these labels, from nothing if there are none."""
        found = self._numbers.get(values)
        if found is None:
            found = self._numbers[values] = self._new()
        return found

    def _new(self) -> T:
        raise NotImplementedError


class Number:
    """How often something happened."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0

    def inc(self, times: int = 1) -> None:
        """It happened again."""
        self.value += times


class Count(Labelled[Number]):
    """A counter."""

    def __init__(self, name: str, help: str, labels: Sequence[str] = ()):
        super().__init__(name, help, labels)
        if not labels:
            self.labels()  # it is 0 from the beginning

    def inc(self, times: int = 1) -> None:
        """Count where there are no labels."""
        self._numbers[()].value += times

    def _new(self) -> Number:
        return Number()

    def collect(self) -> Iterator[Metric]:
        """Return what has been counted."""
        family = CounterMetricFamily(self._name, self._help, labels=self._labels)
        for labels, number in self._numbers.items():
            family.add_metric(labels, number.value)
        yield family


class Observed:
    """How many observations there are up to each bound, and their sum."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]):
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def add(self, value: float, times: int = 1) -> None:
        """Observe `value` so many times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times


class Tally(Labelled[Observed]):
    """A histogram that takes many equal observations at a time (kept answers are counted when somebody looks)."""

    def __init__(self, name: str, help: str, labels: Sequence[str], bounds: Sequence[float]):
        super().__init__(name, help, labels)
        self._bounds = tuple(bounds)

    def _new(self) -> Observed:
        return Observed(self._bounds)

    def collect(self) -> Iterator[Metric]:
        """Return what has been observed."""
        family = HistogramMetricFamily(self._name, self._help, labels=self._labels)
        for labels, observed in self._numbers.items():
            buckets, sum = [], 0
            for bound, count in zip((*self._bounds, float("inf")), observed.counts, strict=True):
                sum += count
                buckets.append(("+Inf" if bound == float("inf") else str(float(bound)), sum))
            family.add_metric(labels, buckets, observed.total)
        yield family
