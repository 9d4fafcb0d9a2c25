"""Image names are read as Docker reads them, and patterns match whole names."""

from __future__ import annotations

import pytest

from wherry.images.reference import Reference, matches, parse

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text", ["nginx", "nginx:latest", "library/nginx", "docker.io/nginx", "index.docker.io/library/nginx:latest"]
)
def test_one_image_has_many_names(text: str) -> None:
    assert parse(text) == Reference("nginx", "latest")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("docker.io/library/nginx:1.25", ("nginx", "1.25", "")),
        ("bitnami/nginx", ("bitnami/nginx", "latest", "")),
        ("docker.io/bitnami/nginx:1", ("bitnami/nginx", "1", "")),
        ("localhost/nginx", ("localhost/nginx", "latest", "")),
        ("registry:5000/a/b:c", ("registry:5000/a/b", "c", "")),
        ("library/a/b", ("library/a/b", "latest", "")),
        ("quay.io/library/nginx", ("quay.io/library/nginx", "latest", "")),
        (f"nginx@{DIGEST}", ("nginx", "", DIGEST)),
        (f"nginx:1.25@{DIGEST}", ("nginx", "1.25", DIGEST)),
    ],
)
def test_a_name_has_parts(text: str, parts: tuple[str, str, str]) -> None:
    assert parse(text) == parts


@pytest.mark.parametrize("text", ["", ":", "Nginx", "nginx:", "nginx@", "a//b", "x:a b", "-x", "x@sha256:1"])
def test_what_docker_cannot_read_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match="invalid reference format"):
        parse(text)


@pytest.mark.parametrize(
    ("pattern", "takes", "leaves"),
    [
        ("nginx", "docker.io/library/nginx:1.25", "nginx-ingress"),
        ("library/nginx", "nginx", "bitnami/nginx"),
        ("docker.io/nginx", f"nginx@{DIGEST}", "quay.io/nginx"),
        ("hello:*", "hello", "hello-world:1"),
        ("hello:1", "docker.io/library/hello:1", "hello:1.1"),
        ("hello:1.?", "hello:1.2", "hello:1.25"),
        ("nginx*", "nginx-ingress", "ngin"),
        ("*/library/nginx", "public.ecr.aws/docker/library/nginx:1", "public.ecr.aws/nginx/nginx"),
        ("192.168.51.209:5000/myblog*", "192.168.51.209:5000/myblog:v1", "192.168.51.209/myblog"),
        ("*", "anything/at:all", ""),
        (f"nginx@{DIGEST}", f"nginx:1@{DIGEST}", "nginx"),
    ],
)
def test_a_pattern_is_of_a_whole_name(pattern: str, takes: str, leaves: str) -> None:
    assert matches(parse(takes), pattern)
    assert not leaves or not matches(parse(leaves), pattern)
