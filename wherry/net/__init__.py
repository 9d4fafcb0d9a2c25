"""All that touches the kernel's network: namespaces, links and routes, nft transactions; and connections taken over.

namespaces.py   named network namespaces, and running code inside one
links.py        bridges, veth pairs, addresses, routes of one namespace
sysctls.py      the kernel's settings of one namespace
listening.py    sockets that wait for connections
longlived.py    sockets that notice when the other side is gone; lines however long
nft.py          nftables transactions
tables.py       a table at work: by nft, by netlink, others' changes heard of
nfnetlink/      nftables without a process: elements, what a table holds, changes by others
iptables.py     restore scripts of iptables
ipset.py        sets of addresses that its rules ask
netlink.py      requests to the kernel, many in one go
addresses.py    addresses by netlink, many at once
ipvs.py         IPVS by netlink
flowwatch.py    hears of flows that begin
conntrack.py    flows the kernel tracks, listed and cut
takeover.py     a connection after its HTTP upgrade
"""
