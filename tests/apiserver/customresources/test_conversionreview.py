"""What is made of a conversion webhook's answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wherry.apiserver.customresources import conversionreview
from wherry.apiserver.customresources.conversionreview import Unreadable
from wherry.objects import Object

TO = "harbour.example/v2"
META: Object = {"name": "one", "namespace": "demo", "uid": "u", "labels": {"a": "b"}, "finalizers": ["f"]}
BOAT: Object = {"apiVersion": "harbour.example/v1", "kind": "Boat", "metadata": META, "spec": {"length": 3}}


def made(**changes: Any) -> Object:
    return {"apiVersion": TO, "kind": "Boat", "metadata": META, "spec": {"feet": 10}} | changes


def answer(*objects: Object, version: str = "v1", **response: Any) -> bytes:
    said = {"uid": "1", "convertedObjects": list(objects), "result": {"status": "Success"}, **response}
    return json.dumps(
        {"kind": "ConversionReview", "apiVersion": f"apiextensions.k8s.io/{version}", "response": said}
    ).encode()


def read(data: bytes, version: str = "v1") -> list[Object]:
    return conversionreview.read(data, version, "1", [BOAT], TO)


def test_labels_and_annotations_are_the_webhooks_and_no_other_metadata() -> None:
    changed = {**META, "labels": {"c": "d"}, "annotations": {"e": "f"}, "finalizers": [], "generation": 7}
    (found,) = read(answer(made(metadata=changed)))
    assert found["metadata"] == {
        "name": "one",
        "namespace": "demo",
        "uid": "u",
        "finalizers": ["f"],
        "labels": {"c": "d"},
        "annotations": {"e": "f"},
    }
    assert found["spec"] == {"feet": 10}


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "the answer is no ConversionReview"),
        (b"{}", "expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got , Kind="),
        (answer(made(), uid="2"), 'expected response.uid="1", got "2"'),
        (answer(made(), result={"status": "Failed", "message": "no idea"}), "^no idea$"),
        (answer(made(), result={"status": "Failed"}), "response.result.status was 'Failed', not 'Success'"),
        (answer(made(), result=None), "response.result.status was '', not 'Success'"),
        (answer(), "it returned 0 objects, expected 1"),
        (answer(made(), made()), "it returned 2 objects, expected 1"),
        (
            answer(made(apiVersion="harbour.example/v1")),
            r"invalid object at index 0: invalid groupVersion \(expected harbour.example/v2, received harbour",
        ),
        (answer(made(kind="Ship")), r"invalid kind \(expected Boat, received Ship\)"),
        (answer(made(metadata=None)), "it has no metadata"),
        (answer(made(metadata={**META, "name": "two"})), "must have the same name: one != two"),
        (answer(made(metadata={**META, "namespace": ""})), "must have the same namespace: demo != "),
        (answer(made(metadata={**META, "uid": "v"})), "must have the same uid: u != v"),
        (answer(made(metadata={**META, "labels": {"a": 1}})), "metadata.labels is no map of strings"),
        (answer(made(metadata={**META, "labels": {"-": "x"}})), "metadata.labels: Invalid value"),
    ],
)
def test_an_answer_that_is_none_is_told(data: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        read(data)


def test_of_v1beta1_neither_kind_nor_uid_is_looked_at() -> None:
    assert read(answer(made(), version="v1beta1", uid="2"), "v1beta1")


def test_reviews_are_sent_in_the_first_version_that_both_know() -> None:
    assert conversionreview.version_of(["v3", "v1beta1", "v1"]) == "v1beta1"
    with pytest.raises(Unreadable, match="no supported conversion review versions"):
        conversionreview.version_of(["v3"])
