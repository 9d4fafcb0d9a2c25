"""Nothing a user writes into an Ingress, a Service or a Secret becomes more of nginx.conf than one string.

Each CVE of ingress-nginx that its design could share has its case here by name; the property tests throw anything at
all at every field.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.ingress.conf import Directive, parse
from tests.ingress.objects import PREFIX, ingress, path, rule, service
from tests.ingress.world import needs_nginx
from wherry.ingress.features.catalog import ANNOTATIONS
from wherry.ingress.fronts.ingress.build import build
from wherry.ingress.fronts.ingress.paths import pattern_problem
from wherry.ingress.fronts.ingress.snapshot import Choices, Snapshot
from wherry.ingress.nginx.process import find_binary
from wherry.ingress.nginx.quote import Unquotable, literal, quote
from wherry.ingress.nginx.runtime import Runtime
from wherry.ingress.nginx.template import render
from wherry.ingress.route.backend import BackendRef
from wherry.ingress.route.model import Model
from wherry.ingress.selfsigned import self_signed
from wherry.ingress.values import BadValue
from wherry.objects import Object

RUNTIME = Runtime(Path("/run/wherry-test"))

HOSTILE = [
    '/x" ; } } http { lua_package_path "',
    "/x;}location /y{alias /var/run/secrets/kubernetes.io/serviceaccount/;}#",
    "/x\n}\nlocation /y { root /; }\n#",
    "/x\r\nset $a b;",
    "/x # comment",
    "/x'",
    "/x\\",
    '/x\\\\"',
    "/${x}",
    "/$host",
    "/x\x00y",
    "/{x}",
    "/\u2028x",
    "/(?<evil>x)",
    "/x */ y",
]

anything = st.one_of(
    st.text(max_size=40), st.sampled_from(HOSTILE), st.text("/ab;{}\"'\\$#\n ()*?[]^|,0123", max_size=20)
)


def model_of(*objects: Object) -> Model:
    return build(
        Snapshot(
            ingresses=[o for o in objects if o["kind"] == "Ingress"],
            services={("demo", o["metadata"]["name"]): o for o in objects if o["kind"] == "Service"},
        ),
        Choices(),
    )


def conf_of(*objects: Object) -> Directive:
    return parse(render(model_of(*objects).structure, RUNTIME))


CALM = conf_of(
    ingress("web", rule("a.test", path("/a(.*)")), annotations={"rewrite-target": "/$1"}, tls=[{"hosts": ["a.test"]}])
)
OF_FEATURES = {
    "0",
    "1",
    "absolute_redirect",
    "access_log",
    "add_header",
    "allow",
    "auth_basic",
    "auth_basic_user_file",
    "auth_request",
    "auth_request_set",
    "client_body_buffer_size",
    "client_max_body_size",
    "default",
    "deny",
    "error_page",
    "geo",
    "grpc_buffer_size",
    "grpc_connect_timeout",
    "grpc_next_upstream",
    "grpc_next_upstream_timeout",
    "grpc_next_upstream_tries",
    "grpc_pass",
    "grpc_read_timeout",
    "grpc_send_timeout",
    "grpc_set_header",
    "grpc_ssl_certificate",
    "grpc_ssl_certificate_key",
    "grpc_ssl_ciphers",
    "grpc_ssl_name",
    "grpc_ssl_protocols",
    "grpc_ssl_server_name",
    "grpc_ssl_trusted_certificate",
    "grpc_ssl_verify",
    "grpc_ssl_verify_depth",
    "gzip",
    "gzip_comp_level",
    "gzip_http_version",
    "gzip_min_length",
    "gzip_proxied",
    "gzip_types",
    "gzip_vary",
    "if",
    "internal",
    "limit_conn",
    "limit_conn_status",
    "limit_conn_zone",
    "limit_rate",
    "limit_rate_after",
    "limit_req",
    "limit_req_status",
    "limit_req_zone",
    "location",
    "map",
    "mirror",
    "mirror_request_body",
    "port_in_redirect",
    "proxy_buffer_size",
    "proxy_buffering",
    "proxy_buffers",
    "proxy_busy_buffers_size",
    "proxy_cookie_domain",
    "proxy_cookie_path",
    "proxy_http_version",
    "proxy_max_temp_file_size",
    "proxy_method",
    "proxy_next_upstream",
    "proxy_next_upstream_timeout",
    "proxy_next_upstream_tries",
    "proxy_pass",
    "proxy_pass_request_body",
    "proxy_redirect",
    "proxy_request_buffering",
    "proxy_set_header",
    "proxy_ssl_certificate",
    "proxy_ssl_certificate_key",
    "proxy_ssl_ciphers",
    "proxy_ssl_name",
    "proxy_ssl_protocols",
    "proxy_ssl_server_name",
    "proxy_ssl_trusted_certificate",
    "proxy_ssl_verify",
    "proxy_ssl_verify_depth",
    "return",
    "rewrite",
    "rewrite_log",
    "satisfy",
    "set",
    "set_by_lua_block",
    "ssl_ciphers",
    "ssl_client_certificate",
    "ssl_prefer_server_ciphers",
    "ssl_verify_client",
    "ssl_verify_depth",
}
"""Directives features write, when asked to."""
KNOWN_DIRECTIVES = {d.words[0] for d in CALM.all()} | OF_FEATURES
TARGETS = {"$auth_target", "$mirror_target"}
UPSTREAMS = {"wherry_http", "wherry_https", "wherry_grpc", "wherry_grpcs", "wherry_https_alone", "wherry_$scheme"}
KNOWN_LUA = {d.lua for d in CALM.all() if d.lua}


def assert_tame(conf: Directive) -> None:
    """Every directive is one our template writes, Lua is word for word ours, nothing reads a file or a capture."""
    directives = conf.all()
    assert {d.words[0] for d in directives} <= KNOWN_DIRECTIVES
    assert {d.lua for d in directives if d.lua} <= KNOWN_LUA
    for at in directives:
        if at.words[0] == "location":
            assert len(at.words) <= 3
            names = [d.words[0] for d in at.block or []]
            after = names[names.index("rewrite") :] if "rewrite" in names else []
            assert not {"set", "if", "return"} & set(after)
        if at.words[0] == "set":
            assert len(at.words) == 3
            assert "$" not in at.words[2] or at.words[1] in TARGETS
        if at.words[0] in ("proxy_pass", "grpc_pass"):
            assert at.words[1].partition("://")[2] in UPSTREAMS or at.words[1] in TARGETS


@settings(max_examples=150)
@given(
    host=anything,
    at=anything,
    path_type=st.sampled_from(["Exact", "Prefix", "ImplementationSpecific"]),
    backend=anything,
    port=anything,
    secret=anything,
    tls_host=anything,
    name=anything,
    values=st.dictionaries(st.sampled_from(sorted(ANNOTATIONS)), anything, max_size=4),
)
def test_no_field_breaks_out_of_nginx_conf(
    host: str,
    at: str,
    path_type: str,
    backend: str,
    port: str,
    secret: str,
    tls_host: str,
    name: str,
    values: Mapping[str, str],
) -> None:
    hostile = ingress(
        "web",
        rule(host or "a.test", path(at, backend, port, path_type), path("/ok")),
        rule("fine.test", path(at, "web", 80, path_type)),
        annotations=dict(values),
        tls=[{"hosts": [tls_host, "a.test"], "secretName": secret}],
    )
    hostile["spec"]["ingressClassName"] = None
    hostile["metadata"]["uid"] = name
    assert_tame(conf_of(hostile, service()))


@settings(max_examples=200)
@given(text=st.text())
def test_quoting_is_read_back_as_written_or_refused(text: str) -> None:
    try:
        written = quote(text)
    except Unquotable:
        assert any(ord(c) < 0x20 or ord(c) == 0x7F for c in text)
        return
    assert parse(f"x {written};").block == [Directive(["x", text])]


def test_a_variable_is_refused_where_nginx_would_expand_it() -> None:
    with pytest.raises(Unquotable):
        literal("a$host")


@needs_nginx
@settings(max_examples=1, suppress_health_check=list(HealthCheck))
@given(
    patterns=st.lists(
        st.text("ab1/.-_~!&()*+,:@%=|^$?[]{}\\dw", min_size=1, max_size=14).map("/".__add__),
        min_size=300,
        max_size=300,
    )
)
def test_every_pattern_we_let_through_is_one_nginx_takes(
    patterns: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One Ingress' pattern must not make the whole nginx.conf invalid for all others."""
    directory = tmp_path_factory.mktemp("nginx")
    accepted = [p for p in patterns if pattern_problem(p) is None]
    accepted += ["/(.*)", "/a{2,3}[^/]+", "/(?:x|y)(?=z)", "/(a|b)*+", "/" + "(" * 50 + ")" * 50]
    blocks = "".join(
        f"location ~* {quote('^' + p)} {{ rewrite {quote('(?i)^' + p)} / break; return 200; }}\n" for p in accepted
    )
    conf = directory / "nginx.conf"
    conf.write_text(f"pid {directory}/pid; events {{}} http {{ server {{ listen unix:{directory}/s; {blocks} }} }}")
    tested = subprocess.run(
        [find_binary(), "-t", "-q", "-e", "stderr", "-c", str(conf)], capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, tested.stderr


# One by one


def test_cve_2020_8553_backends_of_two_namespaces_cannot_share_a_key() -> None:
    keys = {BackendRef("a-b", "c", "80").key, BackendRef("a", "b-c", "80").key, BackendRef("a", "b", "c-80").key}
    assert len(keys) == 3


@pytest.mark.parametrize("snippet", ["configuration-snippet", "server-snippet", "auth-snippet", "stream-snippet"])
def test_cve_2021_25742_snippets_never_reach_nginx(snippet: str) -> None:
    model = model_of(ingress("web", rule("a.test"), annotations={snippet: "return 200 stolen;"}))
    assert "stolen" not in render(model.structure, RUNTIME)
    assert any(snippet in p.message for p in model.problems)


@pytest.mark.parametrize("at", HOSTILE)
def test_cve_2021_25745_and_2022_4886_and_2026_4342_a_hostile_path_is_left_out(at: str) -> None:
    model = model_of(ingress("web", rule("a.test", path(at))))
    (server,) = [s for s in model.structure.servers if s.host == "a.test"]
    assert [location.path for location in server.locations] == ["/"]
    assert server.locations[0].backend is None
    assert [p.reason for p in model.problems] == ["BadPath"]


@pytest.mark.parametrize("name", sorted(ANNOTATIONS))
@pytest.mark.parametrize("value", [*HOSTILE, "1\n", "true\r\n", "8m;", "GRPC", "", " ", "-1", "1" * 40])
def test_cve_2021_25746_and_2024_7646_a_hostile_annotation_is_ignored_and_named(name: str, value: str) -> None:
    """Or it is of a form that is let through, and then it stays one word."""
    hostile = ingress("web", rule("a.test"), annotations={name: value})
    try:
        ANNOTATIONS[name].read(value)
    except BadValue:
        model = model_of(hostile)
        told = [f"{PREFIX}/{name}" in p.message for p in model.problems if p.reason == "BadAnnotation"]
        assert told == [True]
        if name == "canary":  # it owns no path then
            return
        (server,) = [s for s in model.structure.servers if s.host == "a.test"]
        assert {bool(at.denied) for at in server.locations if at.owner} == {ANNOTATIONS[name].restricts}
        calm = model_of(ingress("web", rule("a.test")))
        assert ANNOTATIONS[name].restricts or model.structure == calm.structure
    assert_tame(conf_of(hostile))


@pytest.mark.parametrize(
    "name", ["permanent-redirect", "mirror-target", "auth-tls-match-cn", "proxy-set-headers", "server-alias"]
)
def test_cve_2023_5044_and_2025_1097_and_1098_unsupported_annotations_leave_no_trace(name: str) -> None:
    model = model_of(ingress("web", rule("a.test"), annotations={name: "https://x; } evil {"}))
    assert "evil" not in render(model.structure, RUNTIME)


def test_cve_2025_1098_the_uid_never_reaches_nginx() -> None:
    hostile = ingress("web", rule("a.test"))
    hostile["metadata"]["uid"] = '"; evil'
    assert "evil" not in render(model_of(hostile).structure, RUNTIME)


@pytest.mark.parametrize("name", ["auth-url", "auth-secret", "auth-tls-secret", "denylist-source-range", "auth-type"])
def test_cve_2025_24514_and_2026_24513_what_restricts_access_closes_rather_than_opens(name: str) -> None:
    model = model_of(ingress("web", rule("a.test"), annotations={name: "x"}))
    (server,) = [s for s in model.structure.servers if s.host == "a.test"]
    assert all(location.denied for location in server.locations)


def test_cve_2025_1974_there_is_no_admission_webhook() -> None:
    """`nginx -t` runs only on what our template rendered from checked values, never on a request from the network."""
    assert not any("nginx -t" in file.read_text() for file in Path("wherry/cli/ingress").glob("*.py"))
    manifest = Path("wherry/ingress/manifest.yaml").read_text()
    assert "ValidatingWebhookConfiguration" not in manifest


@pytest.mark.parametrize("host", ["a.test; evil", "a.test\n", "~^.*$", '"', "*", "*.*.test", "A.test", "a..test", "-a"])
def test_cve_2026_24512_a_hostile_host_is_left_out(host: str) -> None:
    model = model_of(ingress("web", rule(host)))
    assert [s.host for s in model.structure.servers] == ["_"]
    assert [p.reason for p in model.problems] == ["BadHost"]


@pytest.mark.parametrize("target", ["/$host", "/${1}", "/x y", "/\n", '/"', "/;", "https://evil.test/", "$uri", "/$"])
def test_cve_2026_3288_a_hostile_rewrite_target_is_ignored(target: str) -> None:
    model = model_of(ingress("web", rule("a.test", path("/x")), annotations={"rewrite-target": target}))
    assert "rewrite" not in {d.words[0] for d in parse(render(model.structure, RUNTIME)).all()}


def test_cve_2026_42945_nothing_reads_a_capture_after_a_rewrite() -> None:
    hostile = ingress("web", rule("a.test", path("/a(.*)")), annotations={"rewrite-target": "/x?y=$1"})
    assert_tame(conf_of(hostile))


def test_private_keys_are_not_shown() -> None:
    assert "PRIVATE" not in repr(self_signed(datetime.now(UTC)))
