"""Warnings to whoever writes a pod, or a template of pods, that the nodes will refuse to run."""

from __future__ import annotations

from wherry.apiserver.kind import Context
from wherry.objects import Object
from wherry.objects.meaning import unsupported


def of_pod(path: str, new: Object, old: Object | None, context: Context) -> None:
    """Warn of what the pod spec `new` at `path` asks for in vain, unless `old` did."""
    known = unsupported.of_pod_spec(old) if old else []
    for what in unsupported.of_pod_spec(new):
        if what not in known:
            context.warn(f"{path}: {what} is not supported by wherry: the pod will not be run")


def of_template(new: Object, old: Object | None, context: Context) -> None:
    """Warn of the template of a workload."""
    before = (old["spec"].get("template") or {}).get("spec") if old else None
    of_pod("spec.template.spec", new["spec"]["template"]["spec"], before, context)
