"""The Corefiles people have load: those of distributions and clouds, and what the manuals show."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from wherry.cli.dns import command
from wherry.dns.errors import CorefileError
from wherry.dns.instance import DnsConfig, check

COREFILES = sorted((Path(__file__).parent / "corefiles").glob("*.Corefile"))


@pytest.mark.parametrize("path", COREFILES, ids=lambda p: p.stem)
async def test_a_corefile_people_have_would_be_served(path: Path) -> None:
    await check(DnsConfig(path))


def test_there_are_as_many_as_were_collected() -> None:
    assert len(COREFILES) >= 33


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("etcd", "Corefile:2: etcd: this plugin of CoreDNS is not supported"),
        ("nonsense", "Corefile:2: nonsense: there is no such plugin"),
        ("cache 30 {\n  refetch 2\n }", "Corefile:3: cache: cannot read 'refetch 2'"),
        ("kubernetes cluster.local {\n  multicluster a.b\n }", "Corefile:3: the option multicluster is not supported"),
        ("kubernetes cluster.local {\n  pods some\n }", "Corefile:3: kubernetes: cannot read 'pods some'"),
        ("forward . https://9.9.9.9", "Corefile:2: forward: https://9.9.9.9: https:// is not supported"),
        ("forward . 9.9.9.9 {\n  doh_method GET\n }", "Corefile:3: the option doh_method is not supported"),
        ("hosts {\n  ttl many\n }", "Corefile:3: hosts: cannot read 'ttl many'"),
        ("template IN A {\n  answer \"{{ .Meta }} 60 IN A 1.2.3.4\"\n }", "{{ .Meta }} is not supported"),
        ("template IN A {\n  expr true\n }", "Corefile:3: the option expr is not supported"),
        ("template IN A {\n  match ((\n }", "is no regular expression"),
        ("rewrite edns0 local set 0xffee 0x61", "Corefile:2: rewrite: edns0 is not supported"),
        ("rewrite name regex (( a", "is no regular expression"),
        ("rewrite ttl a.b 5-1", "is neither a TTL"),
        ("rewrite nothing a b", "cannot read 'nothing a b'"),
        ("acl {\n  permit net *\n }", "Corefile:3: acl: cannot read 'permit net *'"),
        ("acl {\n  block net 10.0.0\n }", "Corefile:3"),
        ("bufsize 100", "takes one size, from 512 to 4096"),
        ("dns64 10.0.0.0/8", "is no IPv6 prefix"),
        ("dns64 64:ff9b::/95", "a prefix has 32, 40"),
        ("bind nowhere0", "neither an address nor an interface"),
        ("autopath @kubernetes", "needs the plugin kubernetes in the same block"),
        ("autopath @etcd", "knows no search path"),
        ("file nowhere.zone", "nowhere.zone: No such file"),
        ("errors {\n  consolidate soon .*\n }", "is not a duration"),
        ("errors {\n  consolidate 5m (( \n }", "is no regular expression"),
        ("log . {unknown}", "{unknown} is nothing that can be logged"),
        ("log {\n  class most\n }", "Corefile:3: log: cannot read 'class most'"),
        ("loadbalance weighted f", "only round_robin is"),
        ("minimal yes", "takes no arguments"),
        ("nodecache", "needs an address"),
        ("import nowhere", "Corefile:2: import: there is no snippet (nowhere) above, and no such file"),
        ("ready {\n  monitor never\n }", "Corefile:3: ready: cannot read 'monitor never'"),
    ],
)  # fmt: skip
async def test_what_is_not_supported_is_refused_by_name_and_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "Corefile").write_text(f".:53 {{\n {text}\n}}\n")
    with pytest.raises(CorefileError) as caught:
        await check(DnsConfig(tmp_path / "Corefile"))
    assert message in str(caught.value)


async def test_tls_needs_a_certificate(tmp_path: Path) -> None:
    (tmp_path / "Corefile").write_text("tls://. {\n whoami\n}\n")
    with pytest.raises(CorefileError, match="tls:// needs the plugin tls"):
        await check(DnsConfig(tmp_path / "Corefile"))


async def test_an_import_of_itself_comes_to_an_end(tmp_path: Path) -> None:
    (tmp_path / "Corefile").write_text(". {\n import Corefile\n}\n")
    with pytest.raises(CorefileError):
        await check(DnsConfig(tmp_path / "Corefile"))


def test_check_says_what_is_wrong_and_ends_with_0_where_it_would_serve(tmp_path: Path) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text(".:53 {\n whoami\n}\n")
    bad.write_text(".:53 {\n whoam\n}\n")
    assert CliRunner().invoke(command, ["check", str(good)]).exit_code == 0
    said = CliRunner().invoke(command, ["check", str(bad)])
    assert said.exit_code == 1
    assert f"{bad}:2: whoam: there is no such plugin" in said.output


def test_query_says_which_plugin_answers_and_why(tmp_path: Path) -> None:
    corefile = tmp_path / "Corefile"
    corefile.write_text(".:53 {\n rewrite name a.example b.example\n hosts {\n  192.0.2.1 b.example\n }\n}\n")
    said = CliRunner().invoke(command, ["query", "a.example", "-conf", str(corefile)])
    assert said.exit_code == 0
    assert said.output.splitlines() == [
        "a.example. A: NOERROR",
        f"  server block: {corefile}:1, zone .",
        "  plugins: rewrite > hosts",
        "  because: a line of /etc/hosts, or of the Corefile",
        "  a.example. 3600 A 192.0.2.1",
    ]
