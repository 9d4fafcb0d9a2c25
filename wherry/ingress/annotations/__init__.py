"""The annotations of an Ingress: one file per annotation, each declaring its reader, scope, risk and doc.

    frame.py         `Annotation`, `Scope`, `Risk`
    policy.py        `Policy`: the typed values of one Ingress
    catalog.py       the table of all annotations we act on
    unsupported.py   what happens to an Ingress that carries any other
    parse.py         an Ingress' annotations -> its `Policy` and what is wrong

A new annotation is one file here, one line in `catalog.py`, one field in `Policy`, and its use in the template.
"""
