"""One webhook asked about one request, and what becomes of a call that fails.

Source: apiserver pkg/admission/plugin/webhook/{mutating,validating}/dispatcher.go.
"""

from __future__ import annotations

import itertools
import logging
import time
import uuid

from wherry.apiserver.admission.asked import Asked, Subject
from wherry.apiserver.admission.webhooks import review, verdict
from wherry.apiserver.admission.webhooks.hook import Hook
from wherry.apiserver.admission.webhooks.index import Called
from wherry.apiserver.admission.webhooks.verdict import Unreadable, Verdict
from wherry.apiserver.calls.webhook import CallFailed, Webhooks
from wherry.objects import fields
from wherry.objects.errors import BadRequest, InternalError
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

MOST_ANNOTATIONS = 16
LONGEST_ANNOTATION = 1024
"""How many audit annotations of an answer are logged, and how many characters of each."""

_seconds = metrics.histogram(
    "apiserver_admission_webhook_admission_duration_seconds",
    "Time to a webhook's answer.",
    ("name", "type", "operation", "rejected"),
)
_rejections = metrics.counter(
    "apiserver_admission_webhook_rejection_total",
    "Requests that a webhook, or its failure, refused.",
    ("name", "type", "operation", "error_type"),
)
_fail_open = metrics.counter(
    "apiserver_admission_webhook_fail_open_total",
    "Requests that were let through since a webhook could not be asked.",
    ("name", "type"),
)


class Asking:
    """Asks webhooks by `calls`."""

    def __init__(self, calls: Webhooks):
        self._calls = calls

    async def ask(self, called: Called, asked: Asked, subject: Subject) -> Verdict | None:
        """Return what a webhook says, None when it cannot be asked and need not be.

        Raises the webhook's own refusal, `BadRequest` for a dry run that it does not know, and `InternalError` when it
        has to be asked and cannot be.
        """
        hook, started = called.hook, time.monotonic()
        if asked.dry_run and not hook.dry:
            raise BadRequest(f"admission webhook {fields.quote(hook.name)} does not support dry run")
        try:
            answer = await self._verdict(called, asked, subject)
        except CallFailed as error:
            self._failed(hook, asked, error, time.monotonic() - started)
            return None
        _seconds.labels(hook.name, hook.type, asked.operation, str(not answer.allowed).lower()).observe(
            time.monotonic() - started
        )
        _tell(hook, asked, answer)
        if not answer.allowed:
            _rejections.labels(hook.name, hook.type, asked.operation, "no_error").inc()
            raise verdict.refusal(hook.name, answer.status)
        return answer

    async def _verdict(self, called: Called, asked: Asked, subject: Subject) -> Verdict:
        hook, uid = called.hook, str(uuid.uuid4())
        version = next((v for v in hook.versions if v in review.VERSIONS), None)
        if version is None:
            raise CallFailed(
                "could not create admission objects: webhook does not accept known AdmissionReview versions"
            )
        body = review.review(version, uid, asked, subject, called.resource)
        try:
            data = await self._calls.post(hook.client, body, hook.seconds)
        except CallFailed as error:
            raise CallFailed(f"failed to call webhook: {error}") from error
        try:
            return verdict.read(data, version, uid, mutating=hook.mutating)
        except Unreadable as error:
            raise CallFailed(f"received invalid webhook response: {error}") from error

    @staticmethod
    def _failed(hook: Hook, asked: Asked, error: CallFailed, seconds: float) -> None:
        """Let a request pass that needs no answer; raises `InternalError` for any other."""
        why = f"failed calling webhook {fields.quote(hook.name)}: {error}"
        _seconds.labels(hook.name, hook.type, asked.operation, str(not hook.open).lower()).observe(seconds)
        if hook.open:
            _fail_open.labels(hook.name, hook.type).inc()
            log.warning("%s; its failurePolicy lets the request pass", why)
            return
        _rejections.labels(hook.name, hook.type, asked.operation, "calling_webhook_error").inc()
        raise InternalError.of(why) from error


def _tell(hook: Hook, asked: Asked, answer: Verdict) -> None:
    for warning in answer.warnings:
        asked.warn(warning)
    for key, value in itertools.islice(answer.annotations.items(), MOST_ANNOTATIONS):
        told = f"{key}={value!r}"[:LONGEST_ANNOTATION]
        log.info("audit %s/%s %s %s", hook.name, told, asked.operation, asked.resource.group_resource)
