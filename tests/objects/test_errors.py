from __future__ import annotations

import pytest

from wherry.objects import errors, fields
from wherry.objects.errors import ApiError, Invalid


@pytest.mark.parametrize("cls", ApiError.codes.values(), ids=lambda cls: cls.__name__)
def test_an_error_survives_its_way_as_a_status(cls: type[ApiError]) -> None:
    sent = cls("why", details={"name": "a"})
    got = ApiError.from_status(sent.status())
    assert type(got) is cls
    assert got.status() == sent.status()


@pytest.mark.parametrize(
    ("body", "code", "cls", "message"),
    [
        ({}, 404, errors.NotFound, "HTTP 404"),
        ({}, 409, errors.Conflict, "HTTP 409"),
        ({"message": "no such page"}, 404, errors.NotFound, "no such page"),
        ({"reason": "Brewing"}, 418, ApiError, "Brewing"),
    ],
)
def test_an_answer_that_is_no_status_is_told_by_its_code(
    body: dict[str, str], code: int, cls: type[ApiError], message: str
) -> None:
    error = ApiError.from_status(body, code)
    assert (type(error), error.code, error.message) == (cls, code, message)


def test_an_invalid_object_is_told_what_is_wrong_with_each_field() -> None:
    twice = fields.required("spec.ports")
    one = Invalid.of("Service", "a", [twice])
    assert one.message == 'Service "a" is invalid: spec.ports: Required value'
    several = Invalid.of("Ingress", "b", [twice, twice, fields.forbidden("spec.x", "no")], "networking.k8s.io")
    assert several.message == (
        'Ingress.networking.k8s.io "b" is invalid: [spec.ports: Required value, spec.x: Forbidden: no]'
    )
    assert several.details is not None
    assert several.details["causes"][2] == {
        "reason": "FieldValueForbidden",
        "message": "Forbidden: no",
        "field": "spec.x",
    }


def test_an_object_of_a_group_is_named_with_it() -> None:
    assert errors.NotFound.of("pods", "a").message == 'pods "a" not found'
    assert errors.AlreadyExists.of("deployments", "a", "apps").message == 'deployments.apps "a" already exists'
