"""What a conversion webhook is sent (ConversionReview), and what may come back. Pure.

Source: apiextensions-apiserver pkg/apiserver/conversion/webhook_converter.go; k8s.io/apiextensions-apiserver
pkg/apis/apiextensions/v1 (ConversionReview).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from wherry.apiserver.kinds.apiextensions.spec import REVIEW_VERSIONS
from wherry.apiserver.kinds.common import objectmeta
from wherry.objects import Object, fields

GROUP, KIND = "apiextensions.k8s.io", "ConversionReview"


class Unreadable(ValueError):
    """The answer is none; the text tells why."""


class _Response(msgspec.Struct):
    """A ConversionResponse."""

    uid: str = ""
    convertedObjects: list[dict[str, Any]] | None = None
    result: dict[str, Any] | None = None


class _Review(msgspec.Struct):
    """A ConversionReview that comes back."""

    kind: str = ""
    apiVersion: str = ""
    response: _Response | None = None


def version_of(wanted: Sequence[str]) -> str:
    """Return the version of reviews to be sent to somebody who reads the `wanted` ones; raises `Unreadable`."""
    found = next((version for version in wanted if version in REVIEW_VERSIONS), None)
    if found is None:
        raise Unreadable("no supported conversion review versions")
    return found


def review(version: str, uid: str, objects: Sequence[msgspec.Raw], api_version: str) -> bytes:
    """Return the review of a request to translate `objects`, each encoded already, to an apiVersion."""
    request = {"uid": uid, "desiredAPIVersion": api_version, "objects": objects}
    return msgspec.json.encode({"kind": KIND, "apiVersion": f"{GROUP}/{version}", "request": request})


def read(data: bytes, version: str, uid: str, originals: Sequence[Object], api_version: str) -> list[Object]:
    """Return what `originals` are in another version, by the answer to their review; raises `Unreadable`."""
    try:
        found = msgspec.json.decode(data, type=_Review)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable(f"the answer is no {KIND}: {error}") from error
    response = found.response
    if version == "v1" and (found.apiVersion, found.kind) != (f"{GROUP}/v1", KIND):
        raise Unreadable(
            f"expected webhook response of {GROUP}/v1, Kind={KIND}, got {found.apiVersion}, Kind={found.kind}"
        )
    if response is None:
        raise Unreadable("no response provided")
    if version == "v1" and response.uid != uid:  # of v1beta1 upstream has never looked at it
        raise Unreadable(f"expected response.uid={fields.quote(uid)}, got {fields.quote(response.uid)}")
    result = response.result or {}
    if result.get("status") != "Success":
        status = result.get("status", "")
        raise Unreadable(result.get("message") or f"response.result.status was '{status}', not 'Success'")
    converted = response.convertedObjects or []
    if len(converted) != len(originals):
        raise Unreadable(f"it returned {len(converted)} objects, expected {len(originals)}")
    return [_restored(i, *pair, api_version) for i, pair in enumerate(zip(originals, converted, strict=True))]


def _restored(index: int, original: Object, converted: Object, api_version: str) -> Object:
    """Return a translated object with the metadata it had: labels and annotations alone are the webhook's to change."""
    meta = converted.get("metadata")
    if (found := converted.get("apiVersion")) != api_version:
        raise _invalid(index, f"invalid groupVersion (expected {api_version}, received {found})")
    if (found := converted.get("kind")) != original["kind"]:
        raise _invalid(index, f"invalid kind (expected {original['kind']}, received {found})")
    if not isinstance(meta, dict):
        raise _invalid(index, "it has no metadata")
    before = original["metadata"]
    for key in ("name", "namespace", "uid"):
        if meta.get(key, "") != before.get(key, ""):
            raise _invalid(index, f"must have the same {key}: {before.get(key, '')} != {meta.get(key, '')}")
    kept = {key: value for key, value in before.items() if key not in ("labels", "annotations")}
    return {**converted, "metadata": {**kept, **_labels_and_annotations(index, meta)}}


def _labels_and_annotations(index: int, meta: Object) -> Object:
    found: Object = {}
    for key, check in (("labels", objectmeta.validate_labels), ("annotations", objectmeta.validate_annotations)):
        values = meta.get(key)
        if not values:
            continue
        if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
            raise _invalid(index, f"metadata.{key} is no map of strings")
        if errors := check(f"metadata.{key}", values):
            raise _invalid(index, "; ".join(map(str, errors)))
        found[key] = values
    return found


def _invalid(index: int, why: str) -> Unreadable:
    return Unreadable(f"it returned an invalid object at index {index}: {why}")
