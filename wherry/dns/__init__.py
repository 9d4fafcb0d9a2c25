"""The cluster DNS: what a Corefile asks for, answered from the cluster's own objects.

    corefile.py    the configuration's grammar (CoreDNS's Corefile)
    chain.py       the plugins of a server block, always in the same order
    plugins/       one file per plugin
    records.py     pure: Services, EndpointSlices, Namespaces -> the records of the specification
    server.py      UDP and TCP, and the answers kept as bytes
    component.py   `wherry dns`: informers, listeners, health, reload

May not import any other component: it sees the cluster through `wherry.client` only.
"""
