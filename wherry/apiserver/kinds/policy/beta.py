"""PodDisruptionBudgets as policy/v1beta1 had them: there an empty selector is about no pod, in policy/v1 about all.

What one version cannot say is an expression on a label that no pod has. Source: k8s.io/kubernetes
pkg/apis/policy/v1beta1/conversion.go.
"""

from __future__ import annotations

from wherry.apiserver.kind import Conversion
from wherry.objects import Object

_LABEL = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match"
_NONE: Object = {"matchExpressions": [{"key": _LABEL, "operator": "Exists"}]}
_ALL: Object = {"matchExpressions": [{"key": _LABEL, "operator": "DoesNotExist"}]}


def _with(obj: Object, selector: Object) -> Object:
    return {**obj, "spec": {**obj["spec"], "selector": selector}}


def _selector(obj: Object) -> Object | None:
    return (obj.get("spec") or {}).get("selector")


def _to_storage(obj: Object) -> Object:
    found = _selector(obj)
    if found is not None and not any(found.values()):
        return _with(obj, _NONE)
    return _with(obj, {}) if found == _ALL else obj


def _from_storage(obj: Object) -> Object:
    found = _selector(obj)
    if found is not None and not any(found.values()):
        return _with(obj, _ALL)
    return _with(obj, {}) if found == _NONE else obj


CONVERSION = Conversion(_to_storage, _from_storage)
