"""The patch that puts the node's part of a status in place."""

from __future__ import annotations

from wherry.node.pods.status.shared import patch
from wherry.objects import Object, definitions
from wherry.objects.patch import strategic_merge

POD = definitions.of_kind(("", "v1", "Pod"))
READY: Object = {"type": "Ready", "status": "True"}
FOREIGN: Object = {"type": "example.com/lb", "status": "True"}


def applied(mine: Object, known: Object) -> Object:
    """Return what the API server makes of the patch."""
    status: Object = strategic_merge({"status": known}, {"status": patch(mine, known)}, POD)["status"]
    return status


def test_what_is_there_already_is_not_written():
    assert (
        patch({"phase": "Running", "conditions": [READY]}, {"phase": "Running", "conditions": [FOREIGN, READY]}) == {}
    )


def test_a_null_says_nothing():
    assert patch({"containerStatuses": [{"name": "a", "image": None}]}, {"containerStatuses": [{"name": "a"}]}) == {}


def test_others_conditions_and_fields_are_not_named():
    assert patch({"conditions": [READY]}, {"qosClass": "Burstable", "conditions": [FOREIGN]}) == {"conditions": [READY]}


def test_a_field_that_is_over_is_removed():
    assert patch({"phase": "Running"}, {"phase": "Running", "reason": "Old"}) == {"reason": None}


def test_a_condition_takes_the_place_of_the_old_one_whole():
    old = {**READY, "reason": "Because"}
    assert applied({"conditions": [READY]}, {"conditions": [old, FOREIGN]})["conditions"] == [READY, FOREIGN]


def test_an_address_takes_the_place_of_the_old_one():
    now, before = [{"ip": "10.244.1.7"}], [{"ip": "10.244.1.2"}]
    assert applied({"podIPs": now}, {"podIPs": before})["podIPs"] == now
