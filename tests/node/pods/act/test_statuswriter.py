"""Writing a pod's status: the newest, when it differs, until it is through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.fake.client import FakeClient
from tests.node.build import pod
from wherry.node.pods.act.statuswriter import StatusWriter
from wherry.objects import Object
from wherry.objects.errors import ServiceUnavailable
from wherry.objects.resource import PODS


@pytest.fixture
def client() -> FakeClient:
    made = FakeClient()
    made.put(pod(status={"phase": "Pending", "qosClass": "Burstable", "message": "old"}))
    return made


@pytest.fixture
async def writer(client: FakeClient) -> AsyncIterator[StatusWriter]:
    made = StatusWriter(client, current(client))
    task = asyncio.create_task(made.run())
    yield made
    task.cancel()


def current(client: FakeClient) -> Object:
    found = client.peek(PODS, "myblog", "demo")
    assert found is not None
    return found


def patches(client: FakeClient) -> int:
    return len([call for call in client.calls if call.verb == "patch"])


async def test_what_is_left_out_is_removed_and_the_rest_kept(client: FakeClient, writer: StatusWriter):
    writer.offer({"phase": "Running", "qosClass": "Burstable"})
    await writer.flush()
    assert current(client)["status"] == {"phase": "Running", "qosClass": "Burstable"}


async def test_several_statuses_in_a_row_are_one_write(client: FakeClient, writer: StatusWriter):
    for ip in ("1", "2", "3"):
        writer.offer({"phase": "Running", "podIP": ip})
    await writer.flush()
    assert (patches(client), current(client)["status"]["podIP"]) == (1, "3")


async def test_the_same_status_is_not_written_again(client: FakeClient, writer: StatusWriter):
    writer.offer(dict(current(client)["status"]))
    await writer.flush()
    assert patches(client) == 0


async def test_an_unreachable_server_is_tried_again(client: FakeClient, writer: StatusWriter):
    client.fail(ServiceUnavailable("away"), verb="patch")
    writer.offer({"phase": "Running"})
    await writer.flush()
    assert current(client)["status"]["phase"] == "Running"


async def test_another_pod_of_the_same_name_is_not_written_to(client: FakeClient, writer: StatusWriter):
    client.remove(PODS, "myblog", "demo")
    client.put(pod(meta={"uid": "another"}, status={"phase": "Pending"}))
    writer.offer({"phase": "Running"})
    await writer.flush()
    assert current(client)["status"]["phase"] == "Pending"


async def test_the_basis_is_ours_with_what_others_have_added(client: FakeClient, writer: StatusWriter):
    writer.offer({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
    foreign = {"type": "example.com/lb", "status": "True"}
    api = pod(status={"phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}, foreign]})
    basis = writer.basis(api)["status"]
    assert basis["phase"] == "Running"
    assert basis["conditions"] == [{"type": "Ready", "status": "True"}, foreign]


async def test_what_somebody_else_writes_over_ours_is_put_right(client: FakeClient, writer: StatusWriter):
    writer.offer({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]})
    await writer.flush()
    before = current(client)
    doubt = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
    await client.patch(PODS, "myblog", doubt, "demo", subresource="status")
    writer.seen(before)  # an event that comes late means nothing
    writer.seen(current(client))
    await writer.flush()
    assert current(client)["status"]["conditions"] == [{"type": "Ready", "status": "True"}]


async def test_a_condition_of_somebody_elses_is_kept_as_they_have_it_now(client: FakeClient, writer: StatusWriter):
    def gate(status: str) -> Object:
        return {"type": "example.com/lb", "status": status}

    for status in ("True", "False"):
        conditions = [*writer.basis(current(client))["status"].get("conditions", [])]
        conditions = [*(c for c in conditions if c["type"] != gate("")["type"]), gate(status)]
        await client.patch(PODS, "myblog", {"status": {"conditions": conditions}}, "demo", subresource="status")
        writer.seen(current(client))
        basis = writer.basis(current(client))["status"]
        writer.offer({**basis, "phase": status, "conditions": [{"type": "Ready", "status": status}, gate("True")]})
        await writer.flush()
    assert current(client)["status"]["conditions"] == [{"type": "Ready", "status": "False"}, gate("False")]


READY: Object = {"type": "Ready", "status": "True"}
FOREIGN: Object = {"type": "example.com/lb", "status": "True"}


async def test_conditions_that_somebody_takes_away_come_back_and_theirs_stay(client: FakeClient, writer: StatusWriter):
    writer.offer({"phase": "Running", "conditions": [READY, {"type": "Initialized", "status": "True"}]})
    await writer.flush()
    replaced = {"status": {"conditions": [{**READY, "status": "False", "reason": "Because"}, FOREIGN]}}
    await client.patch(PODS, "myblog", replaced, "demo", subresource="status")
    writer.seen(current(client))
    await writer.flush()
    found = {c["type"]: c for c in current(client)["status"]["conditions"]}
    assert found == {"Ready": READY, "Initialized": {"type": "Initialized", "status": "True"}, FOREIGN["type"]: FOREIGN}


async def test_what_somebody_writes_in_the_same_moment_is_put_right_where_it_is_ours_and_kept_where_it_is_theirs(
    client: FakeClient, writer: StatusWriter, monkeypatch: pytest.MonkeyPatch
):
    """Theirs comes before ours, and ours is about something else: no later event tells of it."""
    writer.offer({"phase": "Running", "conditions": [READY]})
    await writer.flush()
    patch = client.patch

    async def be_second(*words: Any, **options: Any) -> Object:
        monkeypatch.undo()
        theirs = {"status": {"conditions": [{**READY, "status": "False"}, FOREIGN]}}
        await patch(PODS, "myblog", theirs, "demo", subresource="status")
        return await patch(*words, **options)

    monkeypatch.setattr(client, "patch", be_second)
    writer.offer({"phase": "Running", "podIP": "10.244.1.2", "conditions": [READY]})
    await writer.flush()
    status = current(client)["status"]
    assert status["podIP"] == "10.244.1.2"
    assert {c["type"]: c for c in status["conditions"]} == {"Ready": READY, FOREIGN["type"]: FOREIGN}
