"""The scheduler on a client that raises from any call, and objects that do: in the end all pods have a node."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from tests.fake.chaos import Chaos, ChaosClient
from tests.fake.client import FakeClient
from tests.scheduler.builders import node, pod
from tests.virtual import in_virtual_time
from wherry.objects.meaning.pods import node_of
from wherry.objects.resource import NODES, PODS
from wherry.scheduler.config import SchedulerConfig
from wherry.scheduler.run import make


def meddle(client: FakeClient, dice: random.Random, turn: int) -> None:
    match dice.randrange(6):
        case 0 | 1 | 2:
            client.put(pod(f"p{turn}", cpu="1"))
        case 3:
            bound = [p for p in client.peek_all(PODS) if node_of(p)]
            if bound:
                gone = dice.choice(bound)["metadata"]
                client.remove(PODS, gone["name"], gone["namespace"])
        case 4:
            client.put(node(f"n{dice.randrange(3)}", cpu=str(dice.randrange(2, 9))))
        case 5:
            client.expire()


@pytest.mark.parametrize("seed", range(12))
def test_every_pod_gets_a_node_in_the_end_and_no_node_too_many(seed: int):
    async def scenario() -> None:
        client, chaos = FakeClient(), Chaos(seed)
        scheduler = make(ChaosClient(client, chaos), SchedulerConfig(), random=random.Random(seed))
        task = asyncio.create_task(scheduler.run())
        troubled = 0
        for turn in range(80):
            meddle(client, chaos.dice, turn)
            await asyncio.sleep(chaos.dice.choice((0.0, 0.1, 0.5)))
            troubled += scheduler.troubles.check() is not None
        assert troubled
        chaos.calm()
        for name in ("n0", "n1", "n2"):
            client.put(node(name, cpu="40"))
        await asyncio.sleep(600.0)
        pods = client.peek_all(PODS)
        assert all(node_of(p) for p in pods)
        assert max(Counter(map(node_of, pods)).values()) <= 40
        assert scheduler.troubles.check() is None
        # What the scheduler counts is what there is: a pod for every place left, and not one more.
        room = sum(40 for _ in client.peek_all(NODES)) - len(pods)
        for i in range(room + 5):
            client.put(pod(f"more-{i}", cpu="1"))
        await asyncio.sleep(600.0)
        taken = Counter(node_of(p) for p in client.peek_all(PODS))
        assert [taken[n] for n in ("n0", "n1", "n2", "")] == [40, 40, 40, 5]
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    in_virtual_time(scenario())
