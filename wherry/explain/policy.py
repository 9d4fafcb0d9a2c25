"""What NetworkPolicies say of a connection, at both of its ends (pure)."""

from __future__ import annotations

from wherry.explain.snapshot import Snapshot
from wherry.explain.step import Step
from wherry.networkpolicy.policy import Direction
from wherry.networkpolicy.verdict import Connection, Party, Verdict, judge
from wherry.objects import Object, metadata
from wherry.proxy.plan import Frontend


def step_of(
    source: Object | None,
    client: str,
    seen: str,
    server: Object | None,
    to: Frontend,
    snapshot: Snapshot,
) -> Step:
    """Return the step of both directions for a connection to one endpoint.

    `source` and `server` are the pods at the ends, None where there is none. The node of the client knows it by its own
    address, that of the server by the one `seen` there.
    """
    from_pod = snapshot.party(source)
    server_party = Party(to.address, snapshot.party(server))
    near = Connection(Party(client, from_pod), server_party, to.protocol, to.port)
    far = Connection(Party(seen, from_pod if seen == client else None), server_party, to.protocol, to.port)
    out = judge(near, Direction.EGRESS, snapshot.rules, snapshot.labels)
    into = judge(far, Direction.INGRESS, snapshot.rules, snapshot.labels)
    lines = []
    if from_pod:
        lines.append(_line("out of", source, out))
    if server_party.pod:
        lines.append(_line("into", server, into))
    if not lines:
        return Step("policy", "NetworkPolicies are for pods with addresses of their own: none is at either end")
    allowed = out.allowed and into.allowed
    text = "let through" if allowed else "dropped, so it times out"
    return Step("policy", text, tuple(lines), ends=not allowed)


def _line(way: str, pod: Object | None, verdict: Verdict) -> str:
    name = "/".join(metadata.key(pod or {"metadata": {"name": ""}}))
    if not verdict.selecting:
        return f"{way} {name}: no policy selects it"
    if verdict.allowed:
        return f"{way} {name}: allowed by {verdict.by}" if verdict.by else f"{way} {name}: a pod may reach itself"
    return f"{way} {name}: selected by {', '.join(verdict.selecting)}, and none of that allows it"
