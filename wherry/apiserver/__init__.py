"""The API server: HTTPS on one side, SQLite on the other, a schema in between.

web/ ▶ api/ ▶ registry/ ▶ state/ ▶ storage/, each knowing only the next:

    server.py    `ApiServer`: put together, started, stopped
    kind.py      what a kind declares                 kinds/       the kinds that are served, a folder per group
    web/         HTTP: paths, bodies, encodings       api/         one request: who, may he, what
    registry/    the verbs on one kind's objects      state/       every object in memory, and the watches on it
    storage/     one narrow interface below it all    access/      who somebody is and what he may do
    admission/   what is filled in and refused        bootstrap/   what a new cluster begins with
    catalog.py   the kinds by group and version       local.py     the in-process client
    user.py      who asks
"""
