"""The forms of user-given values, and the ConfigMap made of them."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from wherry.ingress import values
from wherry.ingress.features.catalog import SETTINGS
from wherry.ingress.nginx.runtime import Runtime
from wherry.ingress.nginx.template import render
from wherry.ingress.route.model import Structure
from wherry.ingress.route.server import Server
from wherry.ingress.settings import READERS, Settings, read_settings, usual
from wherry.ingress.values import BadValue


@pytest.mark.parametrize("text", ["true", "True", "1", "t"])
def test_true_is_read_as_go_does(text: str) -> None:
    assert values.boolean(text) is True


@pytest.mark.parametrize("text", ["yes", "tRue", "", " true", "true\n"])
def test_other_words_are_no_booleans(text: str) -> None:
    with pytest.raises(BadValue, match="true"):
        values.boolean(text)


@pytest.mark.parametrize("text", ["0", "8m", "1024", "1G", "16k"])
def test_a_size_is_digits_and_a_unit(text: str) -> None:
    assert values.size(text) == text


@pytest.mark.parametrize("text", ["8mb", "-1", "m", "8m\n", "8 m", "1" * 20, "٣m"])
def test_anything_else_is_no_size(text: str) -> None:
    with pytest.raises(BadValue):
        values.size(text)


@pytest.mark.parametrize("text", ["0", "-5", "60s", "1.5", "", "1\n", "1000000", "٣"])
def test_seconds_are_positive_whole_numbers(text: str) -> None:
    with pytest.raises(BadValue, match="1 to 999999"):
        values.seconds(text)
    assert values.seconds("60") == 60


def test_every_option_is_a_setting() -> None:
    made = {"given", "everywhere", "denied"}
    assert {key.replace("-", "_") for key in READERS} == {f.name for f in fields(Settings)} - made
    assert not set(READERS) & set(SETTINGS)


def test_settings_take_what_is_good_and_name_the_rest() -> None:
    settings, problems = read_settings(
        {
            "proxy-body-size": "64m",
            "hsts": "false",
            "proxy-read-timeout": "soon",
            "ssl-protocols": "TLSv1.3 SSLv3",
            "no-such": "true",
            "use-geoip2": "true",
        }
    )
    assert (settings.given, settings.hsts, settings.ssl_protocols) == (
        {"proxy-body-size": "64m"},
        False,
        usual().ssl_protocols,
    )
    assert settings.common["proxy-read-timeout"] == 60
    assert [p.split("'")[1] for p in problems[:2]] == ["proxy-read-timeout", "ssl-protocols"]
    assert problems[2:] == ["these options are not supported and have no effect: no-such, use-geoip2"]


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("whitelist-source-range", "nonsense"),
        ("denylist-source-range", "10.0.0.0/8;"),
        ("block-cidrs", "x"),
        ("enable-modsecurity", "true"),
        ("modsecurity-snippet", "SecRuleEngine On"),
        ("enable-owasp-modsecurity-crs", "true"),
        ("bind-address-ipv4", "10.0.0.1"),
        ("limit-no-such", "1"),
        ("block-user-agents", "~("),
    ],
)
def test_a_key_that_restricts_access_and_cannot_be_honoured_closes_everything(key: str, text: str) -> None:
    settings, (problem,) = read_settings({key: text})
    assert settings.denied == f"{key} of the ConfigMap cannot be honoured"
    assert "everything answers 503" in problem


@pytest.mark.parametrize("key", ["enable-modsecurity", "allow-snippet-annotations", "bind-address-ipv4"])
def test_a_key_that_asks_for_nothing_closes_nothing(key: str) -> None:
    settings, _ = read_settings({key: "false"})
    assert not settings.denied


def test_strict_transport_security_is_put_together() -> None:
    assert Settings().hsts_header == "max-age=15724800; includeSubDomains"
    assert (
        Settings(hsts_include_subdomains=False, hsts_preload=True, hsts_max_age=1).hsts_header == "max-age=1; preload"
    )
    assert Settings(hsts=False).hsts_header == ""


@pytest.mark.parametrize(("wanted", "got"), [(100, 100), (65_535, 4_000)])
def test_a_worker_has_the_connections_asked_for_as_far_as_open_files_go(wanted: int, got: int) -> None:
    structure = Structure(settings=replace(usual(), max_worker_connections=wanted))
    assert f"worker_connections {got};" in render(structure, Runtime(Path("/run/x"), most_connections=4_000))


def test_ports_are_shared_with_another_nginx_where_the_config_map_says_so() -> None:
    settings, problems = read_settings({"reuse-port": "true"})
    assert not problems
    servers = (Server("_", False, ()), Server("a.test", False, ()))
    conf = render(Structure(servers, settings=settings), Runtime(Path("/run/x"), ipv6=True))
    assert conf.count("listen 80 default_server reuseport;") == 1
    assert conf.count("listen [::]:443 default_server reuseport ssl http2;") == 1
    assert conf.count("reuseport") == 4
