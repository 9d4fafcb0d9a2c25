"""Classes, backends, certificates and TLS: the parts of the model that the corpus does not spell out."""

from __future__ import annotations

import itertools

import pytest

from tests.ingress.certificates import make_certificate
from tests.ingress.objects import endpoint_slice, ingress, path, rule, service, tls_secret
from wherry.ingress.fronts.ingress.build import build
from wherry.ingress.fronts.ingress.classes import is_ours
from wherry.ingress.fronts.ingress.snapshot import Choices, ClassChoice, Snapshot
from wherry.ingress.fronts.ingress.tls import HostTls, tls_for
from wherry.ingress.route.backend import BackendRef, Endpoint, resolve
from wherry.ingress.route.certificate import BadCertificate, parse_certificate, read_certificate
from wherry.objects import Object

OUR_CLASS = {"metadata": {"name": "nginx"}, "spec": {"controller": "k8s.io/ingress-nginx"}}
ANNOTATION = "kubernetes.io/ingress.class"


@pytest.mark.parametrize(
    ("annotation", "field", "choice", "expected"),
    [
        (None, None, ClassChoice(), True),
        (None, None, ClassChoice("internal"), False),
        (None, None, ClassChoice("internal", without_class=True), True),
        (None, None, ClassChoice(without_class=False), False),
        ("nginx", None, ClassChoice(), True),
        ("internal", None, ClassChoice(), False),
        ("internal", None, ClassChoice("internal"), True),
        (None, "nginx", ClassChoice(), True),
        (None, "traefik", ClassChoice(), False),
        (None, "nginx", ClassChoice(controller="example.com/other"), False),
        ("nginx", "traefik", ClassChoice(), True),
        ("traefik", "nginx", ClassChoice(), False),
    ],
)
def test_the_class_decides_whose_an_ingress_is(
    annotation: str | None, field: str | None, choice: ClassChoice, expected: bool
) -> None:
    given = ingress("web", annotations={ANNOTATION: annotation} if annotation else {}, ingressClassName=field)
    assert is_ours(given, [OUR_CLASS], choice) is expected


def test_the_class_name_counts_where_ingress_classes_cannot_be_read() -> None:
    named = ingress("web", ingressClassName="nginx")
    assert is_ours(named, None, ClassChoice())
    assert not is_ours(named, [], ClassChoice())


def test_the_class_name_counts_without_its_ingress_class_where_it_is_to() -> None:
    named = ingress("web", ingressClassName="nginx")
    anothers = OUR_CLASS | {"spec": {"controller": "example.com/other"}}
    for classes in ([], [anothers], None):
        assert is_ours(named, classes, ClassChoice(by_name=True))
        assert not is_ours(named, classes, ClassChoice("internal", by_name=True))


def test_slices_of_both_families_and_all_ready_endpoints_are_joined() -> None:
    six = {**endpoint_slice("web", ("fd00::1", 8002)), "addressType": "IPv6"}
    names = {**endpoint_slice("web", ("example.com", 8002)), "addressType": "FQDN"}
    slices = [
        endpoint_slice("web", ("10.0.0.2", 8002), ("10.0.0.1", 8002)),
        endpoint_slice("web", ("10.0.0.2", 8002), ready=None),
        endpoint_slice("web", ("10.0.0.3", 8002), ready=False),
        endpoint_slice("web", ("10.0.0.4", 9), port_name="other"),
        six,
        names,
    ]
    found = resolve(BackendRef("demo", "web", "80"), service(), slices)
    assert found.endpoints == (Endpoint("10.0.0.1", 8002), Endpoint("10.0.0.2", 8002), Endpoint("fd00::1", 8002))
    assert found.trouble is None


def test_an_endpoints_object_gives_the_same_as_slices() -> None:
    endpoints: Object = {
        "kind": "Endpoints",
        "metadata": {"name": "web", "namespace": "demo"},
        "subsets": [
            {
                "addresses": [{"ip": "10.0.0.1"}],
                "notReadyAddresses": [{"ip": "10.0.0.2"}],
                "ports": [{"port": 8002, "protocol": "TCP"}, {"name": "other", "port": 1}],
            }
        ],
    }
    ref = BackendRef("demo", "web", "80")
    slices = [endpoint_slice("web", ("10.0.0.1", 8002)), endpoint_slice("web", ("10.0.0.2", 8002), ready=False)]
    assert resolve(ref, service(), [endpoints]) == resolve(ref, service(), slices)
    assert resolve(ref, service(), [{**endpoints, "subsets": None}]).endpoints == ()


@pytest.mark.parametrize("name", ["http", "80", "8002"])
def test_a_port_is_found_by_name_number_or_target(name: str) -> None:
    named = service("web", {"name": "other", "port": 81}, {"name": "http", "port": 80, "targetPort": 8002})
    slices = [endpoint_slice("web", ("10.0.0.1", 8002), port_name="http")]
    assert resolve(BackendRef("demo", "web", name), named, slices).endpoints == (Endpoint("10.0.0.1", 8002),)


def test_the_model_does_not_depend_on_the_order_objects_come_in() -> None:
    many = [
        ingress("one", rule("a.test", path("/x", "one"))),
        ingress("two", rule("a.test", path("/x", "two"), path("/y", "two"))),
        ingress("three", rule("b.test", path("/", "three")), created="2025-01-01T00:00:00Z"),
    ]
    models = [build(Snapshot(ingresses=order), Choices()) for order in itertools.permutations(many)]
    assert all(model == models[0] for model in models)


def test_endpoints_and_certificates_are_no_part_of_the_structure() -> None:
    web = ingress("web", rule("a.test"), tls=[{"hosts": ["a.test"], "secretName": "cert"}])
    secrets = [tls_secret("cert", *make_certificate("a.test")) for _ in range(2)]
    models = [build(Snapshot([web], secrets={("demo", "cert"): s}), Choices()) for s in secrets]
    assert models[0].structure == models[1].structure
    assert models[0].certificates["a.test"] != models[1].certificates["a.test"]


def test_the_articles_certificate_covers_its_host_by_common_name() -> None:
    certificate = parse_certificate(*make_certificate("*.devops.cn"))
    assert certificate.covers("myblog.devops.cn")
    assert certificate.covers("*.devops.cn")
    assert not certificate.covers("devops.cn")
    assert not certificate.covers("a.b.devops.cn")


def test_the_common_name_does_not_count_beside_alternative_names() -> None:
    certificate = parse_certificate(*make_certificate("a.test", "b.test"))
    assert certificate.names == ("b.test",)


def test_what_surrounds_the_pem_blocks_does_not_travel_on() -> None:
    chain, key = make_certificate("a.test")
    certificate = parse_certificate(b"evil;\n" + chain + b"more", key)
    assert certificate.chain == chain.decode()
    assert certificate.id == parse_certificate(chain, key).id


@pytest.mark.parametrize(
    ("entry", "value", "why"),
    [
        ("tls.crt", None, "no tls.crt"),
        ("tls.key", None, "no tls.key"),
        ("tls.crt", "!", "not base64"),
        ("tls.crt", "aGVsbG8=", "not a PEM certificate"),
        ("tls.key", "aGVsbG8=", "not an unencrypted PEM private key"),
    ],
)
def test_a_broken_secret_says_what_is_wrong(entry: str, value: str | None, why: str) -> None:
    secret = tls_secret("cert", *make_certificate("a.test"))
    secret["data"][entry] = value
    with pytest.raises(BadCertificate, match=why):
        read_certificate(secret)


def test_another_certificates_key_is_refused() -> None:
    with pytest.raises(BadCertificate, match="not the key"):
        parse_certificate(make_certificate("a.test")[0], make_certificate("a.test")[1])


def test_a_host_covered_by_a_listed_secret_has_tls_without_being_listed() -> None:
    secrets = {("demo", "wild"): tls_secret("wild", *make_certificate("x", "*.shop.test"))}
    given = ingress("web", rule("eu.shop.test"), tls=[{"secretName": "wild"}])
    found = tls_for(given, "eu.shop.test", secrets)
    assert found is not None
    assert found.certificate is not None
    assert tls_for(given, "other.test", secrets) is None


def test_a_host_listed_without_secret_has_tls_with_the_default_certificate() -> None:
    assert tls_for(ingress("web", tls=[{"hosts": ["a.test"]}]), "a.test", {}) == HostTls()


def test_a_certificate_for_another_host_is_reported_and_not_served() -> None:
    secrets = {("demo", "cert"): tls_secret("cert", *make_certificate("b.test"))}
    found = tls_for(ingress("web", tls=[{"hosts": ["a.test"], "secretName": "cert"}]), "a.test", secrets)
    assert found is not None
    assert found.certificate is None
    assert found.trouble == (
        "BadCertificate",
        "TLS Secret demo/cert is for b.test, not for a.test; the default certificate is served",
    )
