"""A store in etcd, which several API servers may share.

address.py     `etcd=URL,…` in words of its parts
messages.py    what is said to etcd and what it answers, as typed JSON
gateway.py     one request, one stream; the next member when one does not answer
store.py       `EtcdStorage`: the contract of a store on these
compaction.py  what etcd forgets of the past, and when
"""
