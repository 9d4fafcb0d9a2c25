"""Where policies have their say: those that change what is written, and those that refuse it."""

from __future__ import annotations

from wherry.apiserver.admission.policies.index import Index
from wherry.apiserver.admission.policies.matching import Matching
from wherry.apiserver.admission.policies.mutating import Mutating
from wherry.apiserver.admission.policies.validating import Validating
from wherry.apiserver.catalog import Catalog
from wherry.apiserver.state.state import State
from wherry.objects.resource import (
    MUTATING_ADMISSION_POLICIES,
    MUTATING_ADMISSION_POLICY_BINDINGS,
    VALIDATING_ADMISSION_POLICIES,
    VALIDATING_ADMISSION_POLICY_BINDINGS,
)


class AdmissionPolicies:
    """The policies in `state`, of both kinds; `to_change` and `to_check` find those that are about a request."""

    def __init__(self, state: State, catalog: Catalog):
        changing = Index(state, MUTATING_ADMISSION_POLICIES, MUTATING_ADMISSION_POLICY_BINDINGS)
        checking = Index(state, VALIDATING_ADMISSION_POLICIES, VALIDATING_ADMISSION_POLICY_BINDINGS)
        self.to_change = Matching(state, catalog, changing)
        self.to_check = Matching(state, catalog, checking)
        self.mutating = Mutating(self.to_change, catalog)
        self.validating = Validating(self.to_check)
