"""The durable store of the embedded cluster: one SQLite file.

store.py     `SqliteStorage`: a thread, and group commit
file.py      the open file: one transaction, one read, the log's length
schema.py    its tables, and how a file of an older version becomes one of this
mark.py      beside the file: how far it came, so that a loss is noticed
keeping.py   the write-ahead log outlives a refusal
problems.py  what is wrong with a file, in words
salvage.py   a new store of what can be read of a damaged one
pages.py     rows read off the pages of a file that SQLite refuses
"""
