"""The HTTP face of the API.

paths.py            a URL path -> what it names
query.py            a query string -> options
media.py            `Accept`: which media type, which shape
bodies.py           request bodies in JSON, YAML and protobuf
yamldocument.py     YAML as the JSON it stands for, within a budget
shapes.py           an object as itself, as metadata only, or as a table row
tables.py           `kubectl get`'s tables
responses.py        JSON answers, Status errors, warnings
resources.py        requests for objects -> `Api`
watching.py         the event stream of a watch
discovery.py        what is served, in both discovery formats
openapi.py          the schema documents
documents.py        documents with an entity tag
inventory.py        what is served, for discovery and OpenAPI
pages.py            everything else: version, health, metrics, keys
connect/            what pods, nodes and services answer: logs, exec, port-forward, the API's proxy
handler.py          one request, from credentials to answer
patience.py         when a client that lets the server wait is let go
connection.py       one connection, and since when it waits
listener.py         sockets, TLS, connections
"""
