"""NetworkPolicies enforced on one node: which pods may reach which. README.md draws the packet's path.

policy.py, pod.py   what objects say (pure)
groups.py           the policies that pods have in common (pure)
members.py          which peers a pod is among (pure)
elements.py         what sets hold, by who needs it (pure)
plan.py             all of it together, changed at the cost of the change (pure)
layout.py           the plan's changes as nftables transactions (pure)
expected.py         pods the API knows no address of yet (pure)
left_out.py         what makes no sense of policies, told once
table.py, rules.py  the edge: one family's table; both
component.py        watches in, transactions out
render.py           the rules as text for people
metrics.py          what is counted

It knows nothing of the node agent, which may tell it of a pod's address before the API does (`NetworkPolicies.fence`).
"""
