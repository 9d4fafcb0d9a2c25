"""No value in a query makes the server fail: what is no number of upstream's is refused with a reason."""

from __future__ import annotations

from pathlib import Path

from tests.apiserver.harness import Cluster

PLACES = ["limit", "timeoutSeconds"]
BAD = ["99999999999999999999", "-99999999999999999999", "9" * 5000, "1_000", "%201", "%D9%A3", "1e3", "0x10", "NaN"]


async def test_a_number_that_upstream_would_not_read_is_a_bad_request(tmp_path: Path) -> None:
    async with Cluster(tmp_path) as cluster:
        answers = {}
        for place in PLACES:
            for value in BAD:
                code, _, status = await cluster.request("GET", f"/api/v1/configmaps?{place}={value}")
                answers[place, value[:30]] = code, status["reason"]
        assert set(answers.values()) == {(400, "BadRequest")}, answers
        assert (await cluster.request("GET", "/api/v1/configmaps?limit=9223372036854775807"))[0] == 200
