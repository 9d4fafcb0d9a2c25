"""Images on disk: content by its digest, layers unpacked once, and names for them.

store.py      `Store`: where what lies; images as they are found, kept and dropped
names.py      what a name stands for: a small file for each
locks.py      one at a time, also among processes
layers.py     a blob becomes a folder, by a process that can see nothing else
unpack.py     that process
collect.py    what goes when the disk is filling
entries.py    what it makes of a layer's entries
"""
