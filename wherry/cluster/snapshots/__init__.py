"""Snapshots of a cluster: its data directory as it was at one moment, and back.

snapshots.py  saved, listed, restored, removed       swap.py  what is restored takes the place of what is there
stillness.py  everything stands still meanwhile

DATA/snapshots/NAME/snapshot.json    when it was made, and by what
DATA/snapshots/NAME/data/            what was in DATA, but `swap.KEPT`

A snapshot is what a machine that loses its power would leave: all that runs is stopped (SIGSTOP) while files are
copied, and every part of a cluster recovers from `kill -9` with nothing lost that was acknowledged.
"""
