"""Whether a webhook is to be asked about a request that its rules are about."""

from __future__ import annotations

from wherry.apiserver.admission import conditions, selecting
from wherry.apiserver.admission.asked import Asked, Subject
from wherry.apiserver.admission.webhooks.index import Called
from wherry.apiserver.state.state import State
from wherry.objects.errors import Forbidden


def selects(called: Called, asked: Asked, subject: Subject, state: State) -> bool:
    """Return whether a webhook is for this namespace and this object, and its conditions are met.

    Raises `NotFound` for an unknown namespace, and `Forbidden` where nobody can say whether conditions are met and the
    webhook has to be asked then.
    """
    hook = called.hook
    if not selecting.selects(hook, asked, subject, state):
        return False
    met = conditions.met(hook.conditions, lambda: conditions.variables(asked, subject, called.resource))
    if met.error and not hook.open:
        raise Forbidden.of(asked.resource.plural, asked.name, met.error, asked.resource.group)
    return met.met
