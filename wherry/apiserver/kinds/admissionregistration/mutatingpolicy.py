"""MutatingAdmissionPolicy and its binding (admissionregistration.k8s.io/v1).

Source: kubernetes pkg/apis/admissionregistration/validation/validation.go (validateMutatingAdmissionPolicy and what it
calls, validateMutatingAdmissionPolicyBinding).
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.admissionregistration import bindingspec, matchconditions, policyspec
from wherry.apiserver.kinds.admissionregistration.policyspec import VARIABLES
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError
from wherry.objects.resource import MUTATING_ADMISSION_POLICIES, MUTATING_ADMISSION_POLICY_BINDINGS

OPERATIONS = ("CREATE", "UPDATE")
REINVOCATION = ("IfNeeded", "Never")
PARTS = {"ApplyConfiguration": "applyConfiguration", "JSONPatch": "jsonPatch"}
KINDS = {"ApplyConfiguration": ("DYN",), "JSONPatch": ("LIST<DYN>", "DYN")}
"""The types that an expression may have once its literals are maps."""


def _expression(text: str, path: str, variables: tuple[str, ...], *wanted: str) -> Iterator[FieldError]:
    """Yield what is wrong with an expression that may have literals of objects and patches."""
    from wherry.cel.errors import Uncompilable
    from wherry.cel.literals import as_maps

    try:
        yield from matchconditions.expression(as_maps(text), path, variables, *wanted)
    except Uncompilable as error:
        yield fields.invalid(path, text, f"compilation failed: {error}")


def _validate(obj: Object) -> list[FieldError]:
    return list(_errors(obj.get("spec") or {}))


def _errors(spec: Object) -> Iterator[FieldError]:
    yield from policyspec.errors(spec, _expression)
    yield from _operations(spec.get("matchConstraints"), "spec.matchConstraints")
    if not spec.get("mutations"):
        yield fields.required("spec.mutations", "mutations must contain at least one item")
    for i, mutation in enumerate(spec.get("mutations") or ()):
        yield from _mutation(mutation, f"spec.mutations[{i}]")
    if not (policy := spec.get("reinvocationPolicy")):
        yield fields.required("spec.reinvocationPolicy")
    elif policy not in REINVOCATION:
        yield fields.not_supported("spec.reinvocationPolicy", policy, REINVOCATION)


def _operations(match: Object | None, path: str) -> Iterator[FieldError]:
    """Yield the operations that bring no object to change."""
    for rule in (match or {}).get("resourceRules") or ():
        for operation in rule.get("operations") or ():
            if operation not in OPERATIONS:
                yield fields.not_supported(f"{path}.resourceRules.operations", operation, OPERATIONS)


def _mutation(mutation: Object, path: str) -> Iterator[FieldError]:
    if not (kind := mutation.get("patchType")):
        yield fields.required(f"{path}.patchType")
        return
    if kind not in PARTS:
        yield fields.not_supported(f"{path}.patchType", kind, tuple(PARTS))
        return
    for other, part in PARTS.items():
        given = mutation.get(part)
        if other != kind and given is not None:
            yield fields.invalid(f"{path}.{part}", f"{{{part}}}", f"must not be specified when patchType is {kind}")
        elif other == kind and given is None:
            yield fields.required(f"{path}.{part}", f"must be specified when patchType is {kind}")
        elif other == kind:
            text = (given or {}).get("expression") or ""
            yield from _expression(text, f"{path}.{part}.expression", VARIABLES, *KINDS[kind])


def _validate_binding(obj: Object) -> list[FieldError]:
    spec = obj.get("spec") or {}
    return [*bindingspec.errors(spec), *_operations(spec.get("matchResources"), "spec.matchResources")]


MUTATING_ADMISSION_POLICY = Kind(
    resource=MUTATING_ADMISSION_POLICIES,
    categories=("api-extensions",),
    default=policyspec.default,
    validate=_validate,
    generation=True,
    columns=(Column("Mutations", policyspec.counted("mutations"), "integer"), policyspec.PARAM_KIND),
)
MUTATING_ADMISSION_POLICY_BINDING = Kind(
    resource=MUTATING_ADMISSION_POLICY_BINDINGS,
    categories=("api-extensions",),
    default=bindingspec.default,
    validate=_validate_binding,
    generation=True,
    columns=bindingspec.COLUMNS,
)
