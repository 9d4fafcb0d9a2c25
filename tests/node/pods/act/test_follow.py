"""What is told of a running container, from its beginning to its end."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from tests.node.build import NOW, container, pod, run, seen
from wherry.node.pods.act.follow import Follower
from wherry.node.pods.act.node import NodeServices
from wherry.node.pods.plan.events import Event
from wherry.node.pods.plan.update import update
from wherry.node.runtime.conmon import Exit


class Ending:
    """The containers of a node on which every container ends at once, with status 1."""

    async def wait(self, _: Any) -> Exit:
        return Exit(1, NOW)

    def bundle(self, _: str) -> Path:
        return Path("/nowhere")

    def log_path(self, *_: Any) -> Path:
        return Path("/nowhere")


async def test_a_container_that_was_never_ready_is_at_no_moment_called_so_while_it_ends() -> None:
    state, said = seen(run()), []

    def post(event: Event) -> None:
        nonlocal state
        state = update(state, event)
        [last] = state.runs["web"]
        said.append(last.running and state.health_of(last).ready)

    node = SimpleNamespace(
        containers=Ending(),
        events=SimpleNamespace(event=lambda *_, **__: None),
        probe_target=lambda *_: None,
    )
    probed = pod(container(readinessProbe={"tcpSocket": {"port": 80}, "initialDelaySeconds": 60}))
    await Follower(cast(NodeServices, node), probed, run(), lambda: state, post).run()
    assert len(said) >= 2
    assert not any(said)
    assert not state.runs["web"][0].running
    assert not state.health
