"""The current objects in memory, and what is happening to them: the only place that is read to answer a request.

    change.py      `Change`: one write, as watchers see it
    selection.py   `Selection`: namespace, label and field selectors in one test
    window.py      `Window`: the recent changes of one resource, from which watches continue; `Windows`: all of them
    watches.py     `Watch` and `Watches`: who is told of a change
    commit.py      `Edit` and `Commit`: several objects written at once
    collection.py  `Collection`: the objects of one kind
    rooms.py       where objects are kept in the store
    loading.py     what is stored, read into collections while others write
    aside.py       `Aside`: stored objects that cannot be read, kept as files
    state.py       `State`: every collection, fed by the store, and the way to write

Objects here are shared with everybody and never changed in place.
"""
