"""What a provider makes can be read with its key, for its name, and not otherwise."""

from __future__ import annotations

import subprocess

import pytest

from wherry.apiserver.storage.encryption.providers import AesCbc, AesGcm, Provider, SecretBox

SECRET, OTHER = bytes(range(32)), bytes(range(1, 33))
KEY = "/core/secrets/demo/pass"
MAKERS = {"aesgcm": AesGcm, "aescbc": AesCbc, "secretbox": SecretBox}
PROVING = [AesGcm, SecretBox]
VALUES = [b"", b"x", b"sixteen bytes ..", b'{"data":{"word":"c2VjcmV0"}}' * 100]


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("value", VALUES, ids=len)
def test_a_value_comes_back(name: str, value: bytes) -> None:
    provider = MAKERS[name]("key1", SECRET)
    sealed = provider.seal(KEY, value)
    assert sealed.startswith(f"k8s:enc:{name}:v1:key1:".encode())
    assert not value or value not in sealed[len(provider.prefix) :] or len(value) < 8
    assert provider.open(KEY, sealed) == value


@pytest.mark.parametrize("name", MAKERS)
def test_equal_values_do_not_look_equal(name: str) -> None:
    provider = MAKERS[name]("key1", SECRET)
    assert provider.seal(KEY, b"the same") != provider.seal(KEY, b"the same")


@pytest.mark.parametrize("make", PROVING)
def test_another_key_of_that_name_opens_nothing(make: type[Provider]) -> None:
    sealed = make("key1", SECRET).seal(KEY, b"value")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="is wrong"):
        make("key1", OTHER).open(KEY, sealed)  # type: ignore[call-arg]


@pytest.mark.parametrize("make", PROVING)
@pytest.mark.parametrize("at", [0, 13, -1])
def test_a_changed_byte_is_noticed(make: type[Provider], at: int) -> None:
    provider = make("key1", SECRET)  # type: ignore[call-arg]
    sealed = bytearray(provider.seal(KEY, b"a value of some length"))
    sealed[len(provider.prefix) + at if at >= 0 else at] ^= 1
    with pytest.raises(ValueError, match="is wrong"):
        provider.open(KEY, bytes(sealed))


@pytest.mark.parametrize("make", MAKERS.values())
@pytest.mark.parametrize("length", [0, 1, 11, 17])
def test_what_was_cut_short_is_no_value(make: type[Provider], length: int) -> None:
    provider = make("key1", SECRET)  # type: ignore[call-arg]
    sealed = provider.seal(KEY, b"a value of some length")[: len(provider.prefix) + length]
    with pytest.raises(ValueError):
        provider.open(KEY, sealed)


def test_aesgcm_is_bound_to_the_name_it_was_written_under() -> None:
    provider = AesGcm("key1", SECRET)
    with pytest.raises(ValueError, match="tag is wrong"):
        provider.open("/core/secrets/demo/other", provider.seal(KEY, b"value"))


def test_aescbc_is_what_openssl_makes() -> None:
    vector = bytes(range(16))
    command = ["openssl", "enc", "-aes-256-cbc", "-K", SECRET.hex(), "-iv", vector.hex()]
    made = subprocess.run(command, input=b"from elsewhere", capture_output=True, check=True).stdout
    provider = AesCbc("key1", SECRET)
    assert provider.open(KEY, provider.prefix + vector + made) == b"from elsewhere"
