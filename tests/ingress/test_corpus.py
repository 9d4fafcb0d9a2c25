"""The golden corpus: a file per case in `corpus/`, with manifests, a ruler, and what becomes of them.

What becomes of them is a few lines per server, in nginx' order: host, then each location with its backend and whatever
is not the default; then the endpoints pushed; then what is wrong. WHERRY_GOLDEN=write writes the expectations anew.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from tests.ingress.conf import Directive, parse
from wherry.ingress.nginx.runtime import Runtime
from wherry.ingress.options import Options
from wherry.ingress.render import Rendering, render_objects

CORPUS = Path(__file__).parent / "corpus"
RULER = "\n#### becomes ####\n"
DEFAULTS = {
    "client_max_body_size": "1m",
    "proxy_connect_timeout": "5s",
    "proxy_read_timeout": "60s",
    "proxy_send_timeout": "60s",
}


def digest(rendering: Rendering) -> str:
    http = next(d for d in parse(rendering.conf).block or [] if d.words[0] == "http")
    servers = [s for s in http.find("server") if s.find("server_name")]
    lines = [line for server in servers for line in server_lines(server)]
    for stream in [d for d in parse(rendering.conf).block or [] if d.words[0] == "stream"]:
        lines += [
            f"stream {s.find('listen')[0].words[1:]} -> {s.find('proxy_pass')[0].words[1]}"
            for s in stream.find("server")
        ]
    lines += [
        f"push {key} {' '.join(f'{a}:{p}' for a, p in peers) or '(none)'}" for key, peers in rendering.backends.items()
    ]
    lines += [f"warn {p.subject}: {p.reason}: {p.message}" for p in rendering.problems]
    return "\n".join(lines) + "\n"


def server_lines(server: Directive) -> list[str]:
    filters = server.find("header_filter_by_lua_block")
    hsts = " hsts" if any("Strict-Transport-Security" in f.lua for f in filters) else ""
    return [f"server {server.find('server_name')[0].words[1]}{hsts}"] + [
        f"  {' '.join(at.words[1:])} -> {location_line(at)}" for at in server.find("location")
    ]


def location_line(at: Directive) -> str:
    said = [f"redirect {d.find('return')[0].words[1]}" for d in at.find("if")]
    said += [f"answer {d.words[1]}" for d in at.find("return")]
    said += [d.words[2] for d in at.find("set") if d.words[1] == "$proxy_upstream_name"]
    said += [f"rewrite {d.words[1]} {d.words[2]}" for d in at.find("rewrite")]
    said += [f"{name} {d.words[1]}" for name, usual in DEFAULTS.items() for d in at.find(name) if d.words[1] != usual]
    said += ["https" for d in at.find("proxy_pass") if d.words[1].startswith("https")]
    return ", ".join(said)


@pytest.mark.parametrize("case", sorted(CORPUS.glob("*.yaml")), ids=lambda case: case.stem)
def test_manifests_become_what_the_corpus_says(case: Path) -> None:
    given, _, expected = case.read_text().partition(RULER)
    options = Options(tcp_services=("ingress-nginx", "tcp-services"), udp_services=("ingress-nginx", "udp-services"))
    rendering = render_objects(yaml.safe_load_all(given), options, Runtime(Path("/run/x")))
    got = digest(rendering)
    if os.environ.get("WHERRY_GOLDEN") == "write":
        case.write_text(given + RULER + got)
        return
    assert got == expected


def test_the_corpus_is_there() -> None:
    assert len(list(CORPUS.glob("*.yaml"))) >= 15
