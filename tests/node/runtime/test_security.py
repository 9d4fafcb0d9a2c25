"""Who a container runs as."""

from __future__ import annotations

from typing import Any

import pytest

from tests.node.build import container, pod
from wherry.node.runtime.security import User, UserError, bounding_set, resolve_user


def who(image: str = "", pod_context: Any = None, **context: Any) -> User:
    one = container(securityContext=context)
    return resolve_user(image, pod(one, securityContext=pod_context or {}), one)


def test_without_a_word_it_is_root():
    assert (who().uid, who().gid, who().home) == (0, 0, "/root")


def test_the_images_user_is_found_by_name():
    assert who("nobody").uid == 65534
    assert who("nobody:0").gid == 0


def test_the_containers_word_counts_before_the_pods_and_the_images():
    assert who("nobody", {"runAsUser": 1}, runAsUser=2).uid == 2
    assert who("nobody", {"runAsUser": 4242}).uid == 4242
    assert who("nobody", {"runAsGroup": 7}).gid == 7


def test_the_pods_groups_are_added():
    assert {1000, 2000} <= set(who("", {"supplementalGroups": [1000], "fsGroup": 2000}).groups)


@pytest.mark.parametrize(
    ("image", "context", "message"),
    [
        ("", {"runAsNonRoot": True}, "image will run as root"),
        ("nobody", {"runAsNonRoot": True, "runAsUser": 0}, "breaks non-root policy"),
        ("no-such-user", {}, "unable to find user no-such-user"),
        ("0:no-such-group", {}, "unable to find group no-such-group"),
    ],
)
def test_a_user_that_may_not_or_does_not_exist_is_refused(image: str, context: Any, message: str):
    with pytest.raises(UserError, match=message):
        who(image, **context)


def test_the_bounding_set_is_read_from_proc():
    assert bounding_set("Name:\tx\nCapBnd:\t0000000000000401\n") == {"CAP_CHOWN", "CAP_NET_BIND_SERVICE"}
