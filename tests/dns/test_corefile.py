"""The Corefile's grammar."""

import pytest

from wherry.dns import chain
from wherry.dns.corefile import parse
from wherry.dns.errors import CorefileError

DEFAULT = """
.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
"""


def test_the_corefile_every_cluster_has_is_read() -> None:
    (block,) = parse(DEFAULT, {})
    assert [(p.zone, p.port) for p in block.places] == [(".", 53)]
    names = [d.name for d in block.directives]
    assert names == [
        "errors",
        "health",
        "ready",
        "kubernetes",
        "prometheus",
        "forward",
        "cache",
        "loop",
        "reload",
        "loadbalance",
    ]
    assert block.directives[3].args == ("cluster.local", "in-addr.arpa", "ip6.arpa")
    assert [(o.name, o.args) for o in block.directives[3].options][2] == ("ttl", ("30",))
    chain.check(block)


def test_zones_ports_comments_variables_and_snippets_are_understood() -> None:
    text = """
    (common) {   # shared
        errors
        cache 10
    }
    Example.ORG, example.net:1053 {
        import common
        forward . {$UPSTREAM}
    }
    """
    (block,) = parse(text, {"UPSTREAM": "192.0.2.1"})
    assert [(p.zone, p.port) for p in block.places] == [("example.org.", 53), ("example.net.", 1053)]
    assert [d.name for d in block.directives] == ["errors", "cache", "forward"]
    assert block.directives[2].args == (".", "192.0.2.1")


def test_a_cidr_is_the_reverse_zones_that_cover_it() -> None:
    (block,) = parse("10.96.0.0/15:1053 fd00::/8 {\nerrors\n}", {})
    expected = [("96.10.in-addr.arpa.", 1053), ("97.10.in-addr.arpa.", 1053), ("d.f.ip6.arpa.", 53)]
    assert [(p.zone, p.port) for p in block.places] == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no server block"),
        (". {\n errors\n", "never closed"),
        (".:99999 {\n}", "is not a port"),
        ("https://. {\n}", "Corefile:1: https:// is not supported"),
        (". {\n import nothing\n}", "no snippet"),
        (".\nerrors", "needs { … }"),
        ("10.0.0.0/33 {\n}", "neither a zone nor a CIDR"),
        (f"{'a' * 64}.org {{\n}}", "is not a name"),
    ],
)
def test_a_bad_corefile_is_refused_with_the_line(text: str, message: str) -> None:
    with pytest.raises(CorefileError, match=message):
        parse(text, {})


@pytest.mark.parametrize(
    ("directive", "message"),
    [
        ("etcd", "Corefile:2: etcd: this plugin of CoreDNS is not supported"),
        ("errrors", "there is no such plugin"),
        ("cache\ncache", "given twice"),
    ],
)
def test_plugins_we_do_not_have_are_refused_by_name(directive: str, message: str) -> None:
    (block,) = parse(f". {{\n{directive}\n}}", {})
    with pytest.raises(CorefileError, match=message):
        chain.check(block)


def test_two_blocks_for_one_zone_are_refused() -> None:
    with pytest.raises(CorefileError, match="already"):
        chain.by_place(parse(". {\nerrors\n}\n. {\nerrors\n}", {}))
