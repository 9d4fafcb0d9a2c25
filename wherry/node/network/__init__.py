"""A pod's address and its link to the node.

addresses.py   the node's pod range, one file per address in use
link.py        the veth pair, its addresses and routes
arrivals.py    who is sent connections
fence.py       who knows of an address before the pod has it
hostports.py   ports of the node that lead to pods
"""
