from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.objects import names

LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)


def test_generated_names_fit_and_end_in_five_safe_characters() -> None:
    assert re.fullmatch(f"web-[{names.ALPHABET}]{{5}}", names.generate("web-"))
    assert len(names.generate("a" * 80)) == 63
    assert len(names.generate("a" * 80, 20)) == 20
    assert names.random_suffix(10) != names.random_suffix(10)


def test_a_template_hash_depends_on_the_content_alone() -> None:
    template = {"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"containers": [{"name": "c"}]}}
    reordered = {"spec": {"containers": [{"name": "c"}]}, "metadata": {"labels": {"b": "2", "a": "1"}}}
    assert names.template_hash(template) == names.template_hash(reordered)
    assert names.template_hash(template) != names.template_hash(template, 1)
    assert names.template_hash(template) != names.template_hash(template | {"x": 1})
    assert re.fullmatch(f"[{names.ALPHABET}]{{1,10}}", names.template_hash(template))


def test_a_template_hash_stays_the_same_from_release_to_release() -> None:
    """Another value would make every Deployment roll out anew after an upgrade."""
    assert names.template_hash({"spec": {"containers": [{"image": "a", "name": "b"}]}}) == "5f8f8667fc"


@pytest.mark.parametrize("name", ["a", "a-1", "0", "a" * 63])
def test_good_labels_pass(name: str) -> None:
    assert names.dns_label(name) == []


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("", [LABEL]),
        ("A", [LABEL]),
        ("-a", [LABEL]),
        ("a_b", [LABEL]),
        ("a\n", [LABEL]),
        ("a.b", ["must not contain dots"]),
        ("a" * 64, ["must be no more than 63 characters"]),
    ],
)
def test_bad_labels_are_explained(name: str, messages: list[str]) -> None:
    assert names.dns_label(name) == messages


def test_a_service_name_must_start_with_a_letter() -> None:
    assert names.service_name("web-1") == []
    assert names.service_name("1-web") == [
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
        "character, "
        "and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
        "'[a-z]([-a-z0-9]*[a-z0-9])?')"
    ]


def test_subdomains_and_wildcards() -> None:
    assert names.dns_subdomain("myblog.devops.cn") == []
    assert names.wildcard_subdomain("*.devops.cn") == []
    assert names.dns_subdomain("a..b")[0].startswith("a lowercase RFC 1123 subdomain must consist of")
    assert names.wildcard_subdomain("*devops.cn")[0].startswith("a wildcard DNS-1123 subdomain must start with '*.'")
    assert names.dns_subdomain("a" * 254) == ["must be no more than 253 characters"]


@pytest.mark.parametrize(
    ("name", "messages"),
    [("system:node", []), (".", ["may not be '.'"]), ("a/b%", ["may not contain '/'", "may not contain '%'"])],
)
def test_a_path_segment_only_has_to_be_safe_in_a_url(name: str, messages: list[str]) -> None:
    assert names.path_segment(name) == messages


@pytest.mark.parametrize("key", ["a", "example.com/A_b.c", "kubernetes.io/hostname", "a" * 63])
def test_good_label_keys_pass(key: str) -> None:
    assert names.label_key(key) == []


@pytest.mark.parametrize(
    ("key", "starts"),
    [
        ("", ["name part must be non-empty", "name part must consist of"]),
        ("/a", ["prefix part must be non-empty"]),
        ("A/a", ["prefix part a lowercase RFC 1123 subdomain"]),
        ("a/b/c", ["a valid label key must consist of"]),
        ("a" * 64, ["name part must be no more than 63 bytes"]),
        ("-a", ["name part must consist of"]),
    ],
)
def test_bad_label_keys_are_explained(key: str, starts: list[str]) -> None:
    messages = names.label_key(key)
    assert len(messages) == len(starts)
    assert all(message.startswith(start) for message, start in zip(messages, starts, strict=True))


def test_label_values_may_be_empty_and_are_at_most_63_bytes() -> None:
    assert names.label_value("") == []
    assert names.label_value("v1.2_3") == []
    assert names.label_value("a" * 64) == ["must be no more than 63 bytes"]
    assert names.label_value("a b")[0].startswith("a valid label must be an empty string or consist of")


@pytest.mark.parametrize(
    ("name", "messages"),
    [
        ("http", []),
        ("h2-c", []),
        ("a" * 16, ["must be no more than 15 characters"]),
        ("80", ["must contain at least one letter (a-z)"]),
        ("a--b", ["must not contain consecutive hyphens"]),
        ("-a", ["must not begin or end with a hyphen"]),
        ("HTTPs", ["must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"]),
    ],
)
def test_port_names_are_iana_service_names(name: str, messages: list[str]) -> None:
    assert names.port_name(name) == messages


def test_config_keys_are_file_names() -> None:
    assert names.config_key("my.cnf") == []
    assert names.config_key("..") == ["must not be '..'"]
    assert names.config_key("..x") == ["must not start with '..'"]
    assert names.config_key("a/b")[0].startswith("a valid config key must consist of")


def test_environment_names_are_printable_without_an_equals_sign() -> None:
    assert names.env_name("MY ENV.1") == []
    assert names.env_name("") == ["environment variable name must be non-empty"]
    assert names.env_name("a=b")[0].startswith("a valid environment variable name must consist only of printable ASCII")


def test_a_generate_name_may_end_in_a_dash() -> None:
    assert names.dns_label(names.as_prefix("web-")) == []
    assert names.dns_label(names.as_prefix("-")) != []


@given(st.from_regex(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", fullmatch=True))
def test_every_service_name_is_a_label_and_a_subdomain(name: str) -> None:
    assert not names.service_name(name)
    assert not names.dns_label(name)
    assert not names.dns_subdomain(name)
