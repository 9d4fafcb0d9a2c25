"""ValidatingAdmissionPolicies: rules in CEL that what is written must keep. No webhook is needed, and nobody waits.

policy.py      a policy and a binding, read          index.py    those that are about a request, found by one look
params.py      the objects a binding gives a policy  stage.py    `AdmissionPolicies`: what becomes of a broken rule
evaluation.py  expressions over one request

Source: apiserver pkg/admission/plugin/policy/validating; KEP-3488.
"""
