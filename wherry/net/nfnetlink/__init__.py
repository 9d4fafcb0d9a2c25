"""nftables by netlink, without a process and without reading what others have in the kernel.

For what changes all the time, the elements of sets; structure, rules above all, is made by nft (`wherry.net.nft`).

wire.py         messages and attributes as bytes (pure)
values.py       keys and data of elements as bytes (pure)
batch.py        the messages of a transaction (pure)
connection.py   a socket: batches in, tables out
readback.py     what a table holds
proof.py       what differs between a table and what it should be (pure)
listening.py    hears what the kernel tells
watch.py        hears of changes others make
"""
