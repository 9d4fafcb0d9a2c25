"""All that touches the kernel's network: namespaces, links and routes, nft transactions; and connections taken over.

namespaces.py   named network namespaces, and running code inside one
links.py        bridges, veth pairs, addresses, routes, sysctls of one namespace
listening.py    sockets that wait for connections
nft.py          nftables transactions
nftwatch.py     hears of tables that somebody deletes
conntrack.py    flows the kernel tracks, listed and cut
takeover.py     a connection after its HTTP upgrade
"""
