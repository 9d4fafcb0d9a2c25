"""A pod's priority, and whether others may be ended for it: both come from its PriorityClass.

Source: k8s.io/kubernetes plugin/pkg/admission/priority/admission.go.
"""

from __future__ import annotations

from wherry.apiserver.kind import Context
from wherry.apiserver.kinds.scheduling.priorityclass import PREEMPT, global_default
from wherry.objects import Object
from wherry.objects.errors import Forbidden
from wherry.objects.resource import PRIORITY_CLASSES

BY_ADMISSION = "must not be provided in pod spec; priority admission controller computed"


def admit(pod: Object, context: Context) -> None:
    """Set a new pod's priority from its class, in place.

    Raises `Forbidden` for a class there is not, and for values that are not the class's.
    """
    spec, name = pod["spec"], pod["metadata"].get("name", "")
    wanted = spec.get("priorityClassName")
    found = context.get(PRIORITY_CLASSES, wanted) if wanted else global_default(context.list(PRIORITY_CLASSES))
    if wanted and found is None:
        raise Forbidden.of("pods", name, f"no PriorityClass with name {wanted} was found")
    if found is not None:
        spec["priorityClassName"] = found["metadata"]["name"]
    priority = int((found or {}).get("value") or 0)
    if spec.get("priority") not in (None, priority):
        why = f"the integer value of priority ({spec['priority']}) {BY_ADMISSION} {priority}"
        raise Forbidden.of("pods", name, f"{why} from the given PriorityClass name")
    policy = (found or {}).get("preemptionPolicy") or PREEMPT
    if spec.get("preemptionPolicy") not in (None, policy):
        why = f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) {BY_ADMISSION} {policy}"
        raise Forbidden.of("pods", name, f"{why} from the given PriorityClass name")
    spec["priority"], spec["preemptionPolicy"] = priority, policy
