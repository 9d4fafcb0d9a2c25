"""Policies: rules in CEL about what is written. No webhook is needed, and nobody waits.

policy.py      a policy and a binding, read          index.py     those that are bound
params.py      the objects a binding gives a policy  matching.py  which policies are about a request, and what they see
evaluation.py  expressions over one request
validating.py  ValidatingAdmissionPolicies: what becomes of a broken rule; broken.py  the rules
mutating.py    MutatingAdmissionPolicies: when each has its turn;          mutation.py  what one makes of an object
stage.py       `AdmissionPolicies`: both

Source: apiserver pkg/admission/plugin/policy; KEP-3488, KEP-3962.
"""
