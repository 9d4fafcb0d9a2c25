"""The durable store of the embedded cluster: one SQLite file.

store.py   `SqliteStorage`: a thread, and group commit
file.py    the open file: one transaction, one read, the log's length
schema.py  its tables, and how a file of an older version becomes one of this
"""
