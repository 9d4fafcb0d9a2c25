"""The cluster DNS: what a Corefile asks for, answered from the cluster's own objects.

    corefile.py    the configuration's grammar (CoreDNS's Corefile)
    chain.py       the plugins of a server block, always in the same order
    plugins/       one file per plugin
    records.py     pure: Services, EndpointSlices, Namespaces -> the records of the specification
    zones.py       zones and CIDRs as a Corefile names them
    server.py      UDP and TCP, and the answers kept as bytes
    wire.py        a response, cut to what its transport takes
    sockets.py     the listening sockets, held over a reload
    upstream.py    one upstream server, and whether it is worth asking
    component.py   `wherry dns`: starts, reloads, stops

May not import any other component: it sees the cluster through `wherry.client` only.
"""
