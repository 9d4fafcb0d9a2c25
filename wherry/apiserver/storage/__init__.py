"""Where objects rest: one narrow, etcd-shaped interface, and what stands behind it.

    interface.py  `Storage`, `Write`, `Entry`, `LogEntry`, the errors: the contract
    feed.py       delivering committed changes to watchers, in order
    sqlite/       the durable store of the embedded cluster
    etcd/         an etcd v3 that several API servers share
    encryption/   any of them with values encrypted, by choice
    memory.py     the same contract without a disk

Storage knows keys, bytes and revisions; it knows nothing of kinds.
"""
