"""What is wrong with an object is told once: as an Event on it, and in the log."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable

from wherry.component.events import EventRecorder
from wherry.ingress import metrics
from wherry.ingress.fronts.gateway.resources import ROUTES
from wherry.ingress.route.backend import Backend
from wherry.ingress.route.model import Model
from wherry.ingress.route.problem import Problem
from wherry.objects.resource import CONFIG_MAPS, INGRESSES

log = logging.getLogger(__name__)

_RESOURCES = {"Ingress": INGRESSES, "ConfigMap": CONFIG_MAPS, ROUTES.kind: ROUTES}


class Reporter:
    """Tells problems when they begin; one that ends and begins again is told again."""

    def __init__(self, recorder: EventRecorder):
        self._recorder = recorder
        self._told: frozenset[Problem] = frozenset()

    def report(self, problems: Iterable[Problem]) -> None:
        """Tell what is new among the problems that hold now."""
        current = frozenset(problems)
        for new in sorted(current - self._told):
            self._tell(new)
        self._told = current
        metrics.problems.clear()
        for reason, count in Counter(found.reason for found in current).items():
            metrics.problems.labels(reason).set(count)

    def _tell(self, new: Problem) -> None:
        log.warning("%s: %s: %s", new.subject, new.reason, new.message)
        subject = new.subject
        meta = {"namespace": subject.namespace, "name": subject.name, "uid": subject.uid}
        self._recorder.event(_RESOURCES[subject.kind], {"metadata": meta}, "Warning", new.reason, new.message)


def backend_problems(model: Model, backends: Iterable[Backend]) -> list[Problem]:
    """Return the problems of backends, for each Ingress that points at one."""
    return [
        Problem(subject, *backend.trouble)
        for backend in backends
        if backend.trouble
        for subject in model.users.get(backend.ref, ())
    ]
