"""Which APIServices lead to servers behind this one."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from wherry.apiserver.calls.remotes import Remotes
from wherry.objects import Object


def api_service(group: str, version: str, name: str = "", **spec: Any) -> Object:
    service = {"service": {"namespace": "demo", "name": "api"}}
    return {
        "metadata": {"name": name or f"{version}.{group}"},
        "spec": {
            "group": group,
            "version": version,
            "groupPriorityMinimum": 1,
            "versionPriority": 1,
            **service,
            **spec,
        },
    }


def test_one_that_names_no_version_is_none_of_them() -> None:
    """Discovery would have a group version that no client can read, and so none could read any other."""
    good = api_service("wardle.example.com", "v1")
    strange = [
        api_service("wardle.example.com", "fd00::/129"),
        api_service("wardle_example", "v1"),
        api_service("wardle.example.com", "v2", name="v3.wardle.example.com"),
        api_service("local.example.com", "v1", service=None),
    ]
    stored = {("", one["metadata"]["name"]): one for one in [good, *strange]}
    collection = SimpleNamespace(items=stored.values, get=stored.get)
    remotes = Remotes(SimpleNamespace(find=lambda _: collection), None, None)  # type: ignore[arg-type]
    assert list(remotes) == [good]
    assert remotes.of("wardle.example.com", "v1") == good
    assert remotes.of("wardle.example.com", "fd00::/129") is None
