"""A registry, asked over HTTP. Source: opencontainers/distribution-spec, distribution/docs/spec/auth.

challenge.py   what a registry wants to know of who asks (pure)
refusal.py     the registry's own reason, out of its answer (pure)
network.py     whose network it is asked from
client.py      `Repository`: manifests and blobs of one repository at one endpoint
"""
