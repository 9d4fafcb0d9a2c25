"""Admission webhooks: somebody else is asked before a write, and may change it or refuse it.

hook.py        one webhook, read from its configuration
selecting.py   which namespaces and objects
index.py       the webhooks for a resource, found by one look
review.py      the AdmissionReview that is sent
verdict.py     what came back, and what it means
asking.py      one webhook asked
mutating.py    one after the other, each sees what the one before has made
validating.py  all at once
"""
