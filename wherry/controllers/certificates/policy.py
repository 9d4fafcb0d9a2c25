"""Which requests the cluster's signers take. Pure.

Source: https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#kubernetes-signers,
kubernetes pkg/apis/certificates/helpers.go, pkg/controller/certificates/signer/signer.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from cryptography import x509

from wherry.objects import Object
from wherry.objects.meaning import signing

NODES, NODE_PREFIX = "system:nodes", "system:node:"

Request = x509.CertificateSigningRequest
_OPTIONAL = frozenset({"key encipherment", "digital signature"})
_OF_KUBELETS = "digital signature"
_REFUSED_NAMES: Mapping[type[x509.GeneralName], str] = {
    x509.DNSName: "DNS",
    x509.IPAddress: "IP",
    x509.RFC822Name: "Email",
    x509.UniformResourceIdentifier: "URI",
}


def problem(csr: Object, request: Request) -> str:
    """Return why a request's signer, one of `signing.SIGNERS`, does not take it; "": it does."""
    try:
        return _RULES[signing.signer_of(csr)](request, signing.usages_of(csr))
    except ValueError as error:  # names that are none
        return f"cannot read the subjectAltNames: {error}"


def is_of_node(csr: Object, request: Request) -> bool:
    """Return whether a node's client certificate is asked for, by whoever."""
    return signing.signer_of(csr) == signing.KUBELET_CLIENT and not problem(csr, request)


def is_of_node_itself(csr: Object, request: Request) -> bool:
    """Return whether a node asks for its own next client certificate."""
    return is_of_node(csr, request) and csr["spec"].get("username") == signing.common_name(request)


def _client(request: Request, usages: Sequence[str]) -> str:
    for usage in usages:
        if usage not in _OPTIONAL and usage != "client auth":
            return f"invalid usage for client certificate: {usage}"
    return "" if "client auth" in usages else "missing required usage for client certificate: client auth"


def _kubelet_client(request: Request, usages: Sequence[str]) -> str:
    return (
        _node_problem(request)
        or _names_problem(request, _REFUSED_NAMES)
        or _usages_problem(usages, "client auth", "kubelet client")
    )


def _kubelet_serving(request: Request, usages: Sequence[str]) -> str:
    if why := _node_problem(request) or _usages_problem(usages, "server auth", "kubelet serving"):
        return why
    if not any(isinstance(n, x509.DNSName | x509.IPAddress) for n in signing.alternative_names(request)):
        return "DNS or IP subjectAltName is required"
    return _names_problem(request, (x509.RFC822Name, x509.UniformResourceIdentifier))


def _anything(request: Request, usages: Sequence[str]) -> str:
    return ""


def _node_problem(request: Request) -> str:
    if signing.organizations(request) != [NODES]:
        return f"subject organization is not {NODES}"
    if not signing.common_name(request).startswith(NODE_PREFIX):
        return f"subject common name does not begin with {NODE_PREFIX}"
    return ""


def _names_problem(request: Request, refused: Iterable[type[x509.GeneralName]]) -> str:
    kinds = tuple(refused)
    for name in signing.alternative_names(request):
        if isinstance(name, kinds):
            return f"{_REFUSED_NAMES[type(name)]} subjectAltNames are not allowed"
    return ""


def _usages_problem(usages: Sequence[str], needed: str, what: str) -> str:
    """A node's keys need not encipher: those of elliptic curves cannot."""
    wanted = {needed, _OF_KUBELETS}
    if set(usages) - {"key encipherment"} == wanted:
        return ""
    return f"usages did not match those of a {what} certificate: {', '.join(sorted(wanted))}, perhaps key encipherment"


_RULES: Mapping[str, Callable[[Request, Sequence[str]], str]] = {
    signing.CLIENT: _client,
    signing.KUBELET_CLIENT: _kubelet_client,
    signing.KUBELET_SERVING: _kubelet_serving,
    signing.LEGACY: _anything,
}
