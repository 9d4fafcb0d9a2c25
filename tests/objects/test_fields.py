from __future__ import annotations

import pytest

from wherry.objects import fields
from wherry.objects.errors import FieldError


@pytest.mark.parametrize(
    ("error", "type", "text"),
    [
        (fields.required("spec.ports", ""), "FieldValueRequired", "spec.ports: Required value"),
        (fields.required("a", "must be given"), "FieldValueRequired", "a: Required value: must be given"),
        (fields.invalid("a", "x", "why"), "FieldValueInvalid", 'a: Invalid value: "x": why'),
        (fields.invalid("a", 99999, "why"), "FieldValueInvalid", "a: Invalid value: 99999: why"),
        (fields.invalid("a", True, "why"), "FieldValueInvalid", "a: Invalid value: true: why"),
        (fields.invalid("a", None, "why"), "FieldValueInvalid", "a: Invalid value: null: why"),
        (fields.invalid("a", {"k": ["<"]}, "w"), "FieldValueInvalid", 'a: Invalid value: {"k":["\\u003c"]}: w'),
        (fields.invalid("a", 'say "hi"', "w"), "FieldValueInvalid", 'a: Invalid value: "say \\"hi\\"": w'),
        (
            fields.not_supported("a", "x", ["A", "B"]),
            "FieldValueNotSupported",
            'a: Unsupported value: "x": supported values: "A", "B"',
        ),
        (fields.not_supported("a", "x", []), "FieldValueNotSupported", 'a: Unsupported value: "x"'),
        (fields.duplicate("a", "x"), "FieldValueDuplicate", 'a: Duplicate value: "x"'),
        (fields.forbidden("a", "no"), "FieldValueForbidden", "a: Forbidden: no"),
        (fields.not_found("a", "x"), "FieldValueNotFound", 'a: Not found: "x"'),
        (fields.too_long("a", 63), "FieldValueTooLong", "a: Too long: may not be more than 63 bytes"),
        (fields.too_long("a", 1), "FieldValueTooLong", "a: Too long: may not be more than 1 byte"),
        (fields.too_many("a", 5, 3), "FieldValueTooMany", "a: Too many: 5: must have at most 3 items"),
        (fields.internal("a", "boom"), "InternalError", "a: Internal error: boom"),
    ],
    ids=str,
)
def test_an_error_reads_as_kubernetes_prints_it(error: FieldError, type: str, text: str) -> None:
    assert error.type == type
    assert str(error) == text
