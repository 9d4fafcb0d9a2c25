"""Pure: what a failed pod means to its Job: `podFailurePolicy` (KEP-3329).

Source: upstream pkg/controller/job/pod_failure_policy.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import phase


class Verdict(NamedTuple):
    """What to do about a failed pod (Count, Ignore, FailIndex, FailJob), and why."""

    action: str
    why: str = ""


COUNTED = Verdict("Count")


def verdict(job: Object, pod: Object) -> Verdict:
    """Return what the first rule that a pod meets says; without one, its failure counts."""
    rules = (job["spec"].get("podFailurePolicy") or {}).get("rules") or ()
    if phase(pod) != "Failed":
        return COUNTED
    for number, rule in enumerate(rules):
        action = rule["action"]
        if action == "FailIndex" and job["spec"].get("backoffLimitPerIndex") is None:
            continue
        if met := _met(rule, pod):
            return Verdict(action, f"{met} matching {action} rule at index {number}")
    return COUNTED


def _met(rule: Object, pod: Object) -> str:
    where = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    if codes := rule.get("onExitCodes"):
        name, code = next(_exits(codes, pod), ("", 0))
        return f"Container {name} for pod {where} failed with exit code {code}" if name else ""
    for pattern in rule.get("onPodConditions") or ():
        found = metadata.condition(pod, pattern["type"])
        if found is not None and found.get("status") == pattern.get("status", "True"):
            return f"Pod {where} has condition {pattern['type']}"
    return ""


def _exits(codes: Object, pod: Object) -> Iterator[tuple[str, int]]:
    wanted, listed = codes.get("containerName"), set(codes.get("values") or ())
    for key in ("containerStatuses", "initContainerStatuses"):
        for container in (pod.get("status") or {}).get(key) or ():
            ended = (container.get("state") or {}).get("terminated")
            if ended is None or not ended.get("exitCode") or wanted not in (None, container["name"]):
                continue
            if (ended["exitCode"] in listed) == (codes["operator"] == "In"):
                yield container["name"], ended["exitCode"]
