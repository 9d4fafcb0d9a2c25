from __future__ import annotations

from pathlib import Path

import pytest

from wherry.apiserver.storage.etcd.address import Address, parse


def test_an_address_names_members_and_a_prefix() -> None:
    assert parse("http://10.0.0.1:2379", "/wherry/demo") == Address(["http://10.0.0.1:2379"], "/wherry/demo")
    assert parse("http://10.0.0.1:2379/mine/too/", "/wherry/demo").prefix == "/mine/too"
    assert parse("http://a:1,http://b:2,http://[::1]:3/p") == Address(
        ["http://a:1", "http://b:2", "http://[::1]:3"], "/p"
    )


def test_certificates_are_files(tmp_path: Path) -> None:
    for name in ("ca.crt", "client.crt", "client.key"):
        (tmp_path / name).touch()
    text = f"https://a:1?ca={tmp_path}/ca.crt&cert={tmp_path}/client.crt&key={tmp_path}/client.key"
    assert parse(text) == Address(
        ["https://a:1"], "/wherry", tmp_path / "ca.crt", tmp_path / "client.crt", tmp_path / "client.key"
    )


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("127.0.0.1:2379", "is no URL such as http://127.0.0.1:2379"),
        ("", "is no URL"),
        ("http://:2379", "is no URL"),
        ("http://a:port", "is no URL"),
        ("http://a:99999", "is no URL"),
        ("http://a:1,https://b:2", "all http or all https"),
        ("http://a:1/p,http://b:2/q", "one prefix for all of them, not /p and /q"),
        ("http://me:secret@a:1", "users of etcd are not supported"),
        ("http://a:1/what ever", "is no prefix of keys"),
        ("http://a:1#p", "is no URL"),
        ("https://a:1?cacert=/x", "there is no option 'cacert'; choose from ca, cert, key"),
        ("https://a:1?ca=/no/such/file", "there is no such file"),
        ("https://a:1?key=/etc/passwd", "key= without cert="),
        ("http://a:1?ca=/etc/passwd", "http needs no files"),
    ],
)
def test_what_is_no_address_is_refused_by_name(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as caught:
        parse(text)
    assert "secret" not in str(caught.value)
