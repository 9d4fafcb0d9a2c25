"""What goes to Services, by the metrics of every node's proxy: `wherry top services`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

from wherry.objects import Object, metadata
from wherry.objects.errors import ApiError
from wherry.objects.meaning import pods
from wherry.objects.resource import PODS
from wherry.proxy.counters import LABELS, PREFIX, Counts, Series
from wherry.proxy.set_mode import NAMESPACE, SELECTOR, Asking

METRICS_PORT = 10249
COUNTING = "wherry_proxy_counting"
_FIELDS = {
    (f"{PREFIX}_connections_total", ""): "connections",
    **{(f"{PREFIX}_{what}_total", way): f"{what}_{way}" for what in ("packets", "bytes") for way in ("to", "from")},
}


@dataclass(frozen=True, slots=True)
class Top:
    """What all proxies have counted, and why some have not."""

    by_series: Mapping[Series, Counts]
    problems: tuple[str, ...] = ()


async def asked(client: Asking) -> Top:
    """Ask every proxy for its metrics, through the API; raises `ApiError` where that does not tell of proxies."""
    proxies = (await client.list(PODS, NAMESPACE, labels=SELECTOR)).items
    if not proxies:
        return Top({}, (f"there is no pod {SELECTOR} in {NAMESPACE}",))
    return added(dict(await asyncio.gather(*(_of(client, pod) for pod in proxies))))


def added(texts: Mapping[str, str | Exception]) -> Top:
    """Return what the metrics of the nodes' proxies tell together; an exception says why those of one are not had."""
    totals: dict[Series, Counts] = {}
    problems = []
    for node, text in sorted(texts.items()):
        if isinstance(text, Exception):
            problems.append(f"{node}: the metrics of its proxy are not had: {text}")
            continue
        by_series, problem = read(text, node)
        problems += [problem] if problem else []
        for series, counts in by_series.items():
            totals[series] = totals.get(series, Counts()) + counts
    return Top(totals, tuple(problems))


async def _of(client: Asking, pod: Object) -> tuple[str, str | Exception]:
    path = PODS.path(NAMESPACE, f"{metadata.key(pod)[1]}:{METRICS_PORT}", "proxy/metrics")
    try:
        return pods.node_of(pod), str(await client.request("GET", path))
    except ApiError as error:
        return pods.node_of(pod), OSError(f"{error} (metricsBindAddress says where they are)")


def read(text: str, node: str) -> tuple[dict[Series, Counts], str]:
    """Return what a proxy's metrics tell, and why it does not count, "" if it does. Pure."""
    fields: dict[Series, dict[str, int]] = {}
    problem = f"{node}: its proxy counts nothing of Services: it is none of wherry's"
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == COUNTING:
                why = sample.labels["problem"]
                problem = f"{node}: its proxy does not count: {why}" if why else ""
            elif field := _FIELDS.get((sample.name, sample.labels.get("direction", ""))):
                series = Series(*(sample.labels[label] for label in LABELS))
                fields.setdefault(series, {})[field] = int(sample.value)
    return {series: Counts(**values) for series, values in fields.items()}, problem


def by_port(found: Mapping[Series, Counts]) -> dict[Series, Counts]:
    """Return the same by Service port, all endpoints together."""
    totals: dict[Series, Counts] = {}
    for series, counts in found.items():
        port = series._replace(endpoint="")
        totals[port] = totals.get(port, Counts()) + counts
    return totals


def table(rows: Iterable[tuple[Series, Counts]], *, endpoints: bool) -> list[str]:
    """Return the lines of a table for people, in the order given."""
    head = ("SERVICE", *(("ENDPOINT",) if endpoints else ()), "CONNECTIONS", "PACKETS", "BYTES TO", "BYTES FROM")
    cells = [head]
    for series, c in rows:
        name = f"{series.namespace}/{series.service}" + (f":{series.port}" if series.port else "")
        numbers = (c.connections, c.packets_to + c.packets_from, c.bytes_to, c.bytes_from)
        cells.append((name, *((series.endpoint,) if endpoints else ()), *map(str, numbers)))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    words = 2 if endpoints else 1
    return ["  ".join(_aligned(row, widths, words)).rstrip() for row in cells]


def _aligned(row: Sequence[str], widths: Sequence[int], words: int) -> Iterator[str]:
    for i, (cell, width) in enumerate(zip(row, widths, strict=True)):
        yield cell.ljust(width) if i < words else cell.rjust(width)
