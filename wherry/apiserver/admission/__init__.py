"""What the server itself demands of a write, whatever the kind's own rules.

chain.py             `Admission`: what a write waits for, and what it must meet
lifecycle.py         namespaces must exist, and some may not go
noderestriction.py   a node writes only what is its own
asked.py, request.py   a request, and what it brings, as those see it who admit it
rules.py, selecting.py, conditions.py   which requests somebody wants to see
deciding.py          what an expression may ask about rights
policies/            rules in CEL
webhooks/            others who are asked
escalation.py        nobody grants more than they have
podresize.py         no pod grows beyond its node
resourcequota.py     nobody takes a namespace beyond its quotas
serviceaccount.py    a pod's account, and its token
"""

from wherry.apiserver.admission.chain import Admission

__all__ = ["Admission"]
