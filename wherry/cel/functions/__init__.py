"""The functions Kubernetes adds to CEL, a file for each of its libraries.

Source: k8s.io/apiserver pkg/cel/library.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.cel.functions import addresses, authorization, jsonpatch, lists, quantities, regex, semver, sets, urls
from wherry.cel.functions.function import Function

FUNCTIONS: Sequence[Function] = (
    *lists.FUNCTIONS,
    *sets.FUNCTIONS,
    *regex.FUNCTIONS,
    *urls.FUNCTIONS,
    *addresses.FUNCTIONS,
    *quantities.FUNCTIONS,
    *semver.FUNCTIONS,
    *authorization.FUNCTIONS,
    *jsonpatch.FUNCTIONS,
)
