"""Who asked for what, and what was answered: a line for each request that a policy wants, as kube-apiserver has it.

policy.py   an audit.k8s.io/v1 Policy, read and checked
rules.py    which rule a request falls under (pure)
event.py    what is told of a request at a stage (pure)
file.py     the file, put aside when it is full
log.py      all of it put together: one `Audited` for each request

An event is written before what it tells of goes on, so nothing is answered that the file does not have. A disk that is
full holds up no request: what could not be written is counted, and the first time said.
"""
