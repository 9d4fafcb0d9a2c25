"""The annotations' frame and its house rules."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from wherry.ingress import annotations
from wherry.ingress.annotations.catalog import ANNOTATIONS
from wherry.ingress.annotations.parse import read_policy
from wherry.ingress.annotations.policy import Policy
from wherry.ingress.annotations.unsupported import is_canary

PREFIX = "nginx.ingress.kubernetes.io"


def test_every_annotation_has_a_field_in_the_policy_and_a_file_of_its_name() -> None:
    assert {a.field for a in ANNOTATIONS.values()} == {f.name for f in fields(Policy)} - {"denied"}
    files = {p.stem for p in Path(annotations.__file__).parent.glob("*.py")}
    assert {a.field for a in ANNOTATIONS.values()} == files - {
        "__init__",
        "catalog",
        "frame",
        "parse",
        "policy",
        "unsupported",
    }


@pytest.mark.parametrize("annotation", ANNOTATIONS.values(), ids=lambda a: a.name)
def test_every_annotation_has_a_doc(annotation: annotations.frame.Annotation) -> None:
    assert annotation.doc.endswith(".")


def test_values_become_typed_fields() -> None:
    policy, problems = read_policy(
        {
            f"{PREFIX}/rewrite-target": "/$2",
            f"{PREFIX}/ssl-redirect": "false",
            f"{PREFIX}/proxy-read-timeout": "90",
            f"{PREFIX}/backend-protocol": "https",
        }
    )
    assert policy == Policy(rewrite_target="/$2", ssl_redirect=False, proxy_read_timeout=90, backend_protocol="HTTPS")
    assert not problems
    assert policy.regex


def test_only_our_prefix_is_read() -> None:
    given = {"nginx.org/ssl-redirect": "x", f"{PREFIX}/ssl-redirect": "true", "mine/ssl-redirect": "false"}
    assert read_policy(given, "mine") == (Policy(ssl_redirect=False), [])


def test_an_unknown_annotation_is_named() -> None:
    policy, problems = read_policy({f"{PREFIX}/enable-cors": "true"})
    assert policy == Policy()
    assert problems == [f"annotation {PREFIX}/enable-cors is not supported and has no effect"]


@pytest.mark.parametrize("name", ["auth-url", "auth-tls-secret", "whitelist-source-range", "denylist-source-range"])
def test_what_restricts_access_denies(name: str) -> None:
    policy, (problem,) = read_policy({f"{PREFIX}/{name}": "x"})
    assert policy.denied == f"annotation {name} is not supported"
    assert "503" in problem


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("false", False), ("perhaps", True)])
def test_a_canary_says_so(text: str, expected: bool) -> None:
    assert is_canary({f"{PREFIX}/canary": text}, PREFIX) is expected
