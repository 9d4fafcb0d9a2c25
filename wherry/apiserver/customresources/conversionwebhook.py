"""Custom resources from one version to another by asking a webhook, which alone knows how.

Source: apiextensions-apiserver pkg/apiserver/conversion (webhook_converter.go, metrics.go).
"""

from __future__ import annotations

import hashlib
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from wherry.apiserver.calls.webhook import CallFailed, Webhooks
from wherry.apiserver.customresources import conversionreview
from wherry.apiserver.customresources.conversionreview import Unreadable
from wherry.apiserver.kind import Unconverted
from wherry.objects import Object
from wherry.objects.errors import InternalError
from wherry.objects.structural.pruning import pruned
from wherry.objects.structural.shape import Shape
from wherry.telemetry import metrics

TIMEOUT_SECONDS = 30.0
MOST_BYTES, MOST_OBJECTS = 2 << 20, 500
"""What one review has at most: its answer must fit into `webhook.LARGEST_ANSWER`."""
FRESH_SECONDS = 10.0
"""How long an answer counts for further requests: the webhook may be another one meanwhile."""
FAILED_SECONDS = 1.0
"""How long a failure counts for the write that begins again after it."""
FEWEST_KEPT = 4096

_seconds = metrics.histogram(
    "apiserver_crd_webhook_conversion_duration_seconds",
    "Time to a conversion webhook's answer.",
    ("crd_name", "from_version", "to_version", "succeeded"),
)


class _Answer(NamedTuple):
    """A translated object, or why there is none; its metadata is of no account but for labels and annotations."""

    object: Object | None
    at: float
    why: str = ""


class _Asked(NamedTuple):
    """An object that is to be translated, as it is sent."""

    key: bytes
    object: Object
    data: bytes


class WebhookConversion:
    """Strategy Webhook: the `Converter` of a definition.

    `shapes`: each version by its apiVersion; `storage`: the apiVersion that objects are written in; `webhook`: the
    definition's `spec.conversion.webhook`. Answers are kept by what they are answers to: what is converted twice in a
    request, or is made anew as a write begins again, is asked about once.
    """

    def __init__(
        self,
        definition: str,
        shapes: Mapping[str, Shape],
        storage: str,
        webhook: Object,
        calls: Webhooks,
        clock: Callable[[], float] = time.monotonic,
    ):
        self._definition = definition
        self._shapes = shapes
        self._storage = storage
        self._webhook = webhook
        self._calls = calls
        self._clock = clock
        self._most = FEWEST_KEPT
        self._answers: OrderedDict[bytes, _Answer] = OrderedDict()

    async def ready(self, objects: Sequence[Object], api_version: str) -> None:
        """See `Converter.ready`."""
        self._most = max(self._most, 2 * len(objects))
        foreign = [obj for obj in objects if obj["apiVersion"] != api_version]
        stale = self._clock() - FRESH_SECONDS
        missing = [asked for asked in (_asked(obj, api_version) for obj in foreign) if self._is_due(asked, stale)]
        for batch in _batches(missing):
            await self._ask(batch, api_version)

    def convert(self, obj: Object, api_version: str) -> Object:
        """See `Converter.convert`."""
        if obj["apiVersion"] == api_version:
            return obj
        answer = self._answers.get(_asked(obj, api_version).key)
        if answer is None or (answer.object is None and answer.at < self._clock() - FAILED_SECONDS):
            raise Unconverted(self, obj, api_version)
        if answer.object is None:
            raise InternalError.of(answer.why)
        changed = answer.object["metadata"]
        kept = {key: value for key, value in obj["metadata"].items() if key not in _CHANGING}
        return {**answer.object, "metadata": {**kept, **{key: changed[key] for key in _CHANGING if key in changed}}}

    async def stored(self, obj: Object) -> Object:
        """See `Converter.stored`."""
        await self.ready([obj], self._storage)
        return self.convert(obj, self._storage)

    def _is_due(self, asked: _Asked, stale: float) -> bool:
        answer = self._answers.get(asked.key)
        if answer is None or answer.object is None or answer.at < stale:
            return True
        self._answers.move_to_end(asked.key)
        return False

    async def _ask(self, batch: Sequence[_Asked], api_version: str) -> None:
        first, started = batch[0].object, time.monotonic()
        labels = (self._definition, first["apiVersion"].rpartition("/")[2], api_version.rpartition("/")[2])
        try:
            converted = await self._converted(batch, api_version)
        except (CallFailed, Unreadable) as error:
            _seconds.labels(*labels, "false").observe(time.monotonic() - started)
            kind = f"{first['apiVersion']}, Kind={first['kind']}"
            why = f"conversion webhook for {kind} failed: {error}"
            self._keep(batch, [_Answer(None, self._clock(), why)] * len(batch))
            raise InternalError.of(why) from error
        _seconds.labels(*labels, "true").observe(time.monotonic() - started)
        shape, now = self._shapes.get(api_version), self._clock()
        known = (pruned(made, shape.schema if shape else None, [], is_object=True) for made in converted)
        self._keep(
            batch, [_Answer({**k, "metadata": m["metadata"]}, now) for k, m in zip(known, converted, strict=True)]
        )

    def _keep(self, batch: Sequence[_Asked], answers: Sequence[_Answer]) -> None:
        for asked, answer in zip(batch, answers, strict=True):
            self._answers[asked.key] = answer
            self._answers.move_to_end(asked.key)
        while len(self._answers) > self._most:
            self._answers.popitem(last=False)

    async def _converted(self, batch: Sequence[_Asked], api_version: str) -> list[Object]:
        version = conversionreview.version_of(self._webhook.get("conversionReviewVersions") or ())
        uid = str(uuid.uuid4())
        body = conversionreview.review(version, uid, [msgspec.Raw(asked.data) for asked in batch], api_version)
        data = await self._calls.post(self._webhook.get("clientConfig") or {}, body, TIMEOUT_SECONDS)
        return conversionreview.read(data, version, uid, [asked.object for asked in batch], api_version)


_CHANGING = ("labels", "annotations")
_PASSING = ("uid", "creationTimestamp")


def _asked(obj: Object, api_version: str) -> _Asked:
    """Return an object with what it is known by: what an attempt to write draws anew each time does not count."""
    meta = {key: value for key, value in obj["metadata"].items() if key != "managedFields"}
    data = msgspec.json.encode({**obj, "metadata": meta})
    if "resourceVersion" in meta:
        known = data
    else:
        lasting = {key: value for key, value in meta.items() if key not in _PASSING}
        known = msgspec.json.encode({**obj, "metadata": lasting})
    return _Asked(hashlib.blake2b(known, digest_size=16, key=api_version.encode()[:64]).digest(), obj, data)


def _batches(asked: Sequence[_Asked]) -> Iterator[list[_Asked]]:
    batch: list[_Asked] = []
    size = 0
    for one in asked:
        if batch and (len(batch) >= MOST_OBJECTS or size + len(one.data) > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += len(one.data)
    if batch:
        yield batch
