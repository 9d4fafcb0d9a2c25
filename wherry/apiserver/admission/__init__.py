"""What the server itself demands of a write, whatever the kind's own rules.

chain.py             `Admission`: what a write waits for, and what it must meet
lifecycle.py         namespaces must exist, and some may not go
noderestriction.py   a node writes only what is its own
escalation.py        nobody grants more than they have
serviceaccount.py    a pod's account, and its token
"""

from wherry.apiserver.admission.chain import Admission

__all__ = ["Admission"]
