"""The OpenAPI documents of an API server, built from the kinds it serves.

    served.py      what is served, as the documents need to know it
    documents.py   v2 of everything, v3 of one group and version, and the index of those
    paths.py       the URLs of a kind, and the operations at each
    parameters.py  what may stand in the query of each operation
    operations.py  how each version of OpenAPI spells an operation
    schemas.py     how each spells the types
    custom.py      the schemas of custom resources
    protobuf.py    the v2 document in protobuf

kubectl up to 1.26 reads v2, later ones v3 (explain, the checks before a dry run and strict validation, patch keys of
apply). All documents are plain dicts whose references are closed. Source of paths and extensions: k8s.io/kube-openapi
and apiserver pkg/endpoints/installer.go.
"""
