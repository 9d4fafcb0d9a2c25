"""What would become of a connection, and why: `wherry trace`.

step.py         what is told: a step, and the whole of a trace
snapshot.py     the objects of a cluster at one moment, and who has an address
source.py       whom a connection comes from
target.py       what it is to
service.py      the Service behind an address, the endpoints it chooses, and those it does not
policy.py       what NetworkPolicies say
nat.py          whose address an endpoint sees
course.py       a connection to an address, step by step
naming.py       a name, as a pod's resolver asks for it
trace.py        both: what the verb calls
fetch.py        the edge: the snapshot, read from an API
listening.py    the edge: what is listened on in the nodes of `wherry up`

All but fetch, listening, and the asking of naming are pure, and put the questions to the rooms that answer them in
earnest: the proxy's plan, the policies' rules, the DNS server's own plugins.
"""
