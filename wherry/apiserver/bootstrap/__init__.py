"""What every cluster has from its first second, and gets back at every start.

namespaces.py   default, kube-system, kube-public, kube-node-lease
servicecidr.py  ServiceCIDR `kubernetes`, the range the server is configured with
service.py      Service `kubernetes`, its Endpoints and EndpointSlice
roles.py        the cluster roles every cluster knows
bindings.py     who has them
ensure.py       `ensure`: an object as wanted, whatever was there
bootstrap.py    all of it, in order
"""
