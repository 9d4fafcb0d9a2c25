"""What the plugins do beside answering: they look at files, know their clients, and say what happened."""

import asyncio
import logging
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import cluster
import dns.message
import pytest
from click.testing import CliRunner

from tests.apiserver.accounts import create
from tests.apiserver.harness import Cluster
from tests.fake.client import FakeClient
from wherry.cli.dns import command
from wherry.component.troubles import Troubles
from wherry.dns import corefile
from wherry.dns.instance import DnsConfig, Instance
from wherry.dns.metrics import Metrics
from wherry.dns.plugins.errors import Errors, Rule
from wherry.dns.plugins.file import File
from wherry.dns.plugins.file import Settings as FileSettings
from wherry.dns.query import SERVFAIL, Answer, Query
from wherry.dns.server import Server

ZONE = "$ORIGIN example.org.\n@ 300 IN SOA ns admin {serial} 7200 1800 86400 60\n@ 300 IN NS ns\nwww 300 IN A {ip}\n"


@asynccontextmanager
async def serving(directory: Path, text: str, client: FakeClient | None = None) -> AsyncIterator[Server]:
    (directory / "Corefile").write_text(f".:53 {{\n{text}\n}}\n")
    used = client or await cluster.fake()
    instance = Instance(DnsConfig(directory / "Corefile"), lambda: used, Metrics(), lambda: None)
    await instance.begin()
    await instance.ready()
    yield next(iter(instance.servers.values()))
    await instance.stop()


async def ask(server: Server, name: str, type: str = "A", client: str = "127.0.0.1") -> list[str]:
    """Return the data of an answer's records, from what is kept if it is."""
    data = dns.message.make_query(name, type).to_wire()
    wire = server.known(data, datagram=True) or server.gated(data, client, datagram=True)
    wire = wire or await server.answer(data, client, "udp")
    message = dns.message.from_wire(wire or b"")
    return [r.to_text() for s in message.answer for r in s] or [dns.rcode.to_text(message.rcode())]


async def until(server: Server, name: str, expected: list[str]) -> None:
    async with asyncio.timeout(5):
        while await ask(server, name) != expected:  # noqa: ASYNC110 - the plugin looks now and then
            await asyncio.sleep(0.01)


def touched(path: Path, text: str, seconds: float) -> None:
    """Write a file so that its time is another, whatever the clock's steps."""
    path.write_text(text)
    os.utime(path, (seconds, seconds))


async def test_a_changed_hosts_file_is_seen_though_answers_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    touched(path, "192.0.2.1 a.example\n", 1000)
    async with serving(tmp_path, f"hosts {path} {{\nreload 20ms\n}}") as server:
        assert await ask(server, "a.example") == await ask(server, "a.example") == ["192.0.2.1"]
        touched(path, "192.0.2.2 a.example\n", 2000)
        await until(server, "a.example", ["192.0.2.2"])


async def test_a_changed_zone_is_seen_when_its_serial_is_another(tmp_path: Path) -> None:
    path = tmp_path / "db"
    path.write_text(ZONE.format(serial=1, ip="192.0.2.1"))
    async with serving(tmp_path, "file db example.org {\nreload 20ms\n}") as server:
        assert await ask(server, "www.example.org") == ["192.0.2.1"]
        path.write_text("nonsense (")
        await asyncio.sleep(0.1)
        assert await ask(server, "www.example.org") == ["192.0.2.1"]
        path.write_text(ZONE.format(serial=2, ip="192.0.2.2"))
        await until(server, "www.example.org", ["192.0.2.2"])


async def test_a_zone_is_taken_by_its_time_where_that_is_wanted(tmp_path: Path) -> None:
    path = tmp_path / "db"
    touched(path, ZONE.format(serial=1, ip="192.0.2.1"), 1000)
    changed: list[object] = []

    class Environment:
        troubles = Troubles("test-file")

        @staticmethod
        def changed(tags: object) -> None:
            changed.append(tags)

    for by_time, expected in ((False, 0), (True, 1)):
        changed.clear()
        plugin = File(FileSettings(path, by_time=by_time), (b"\7example\3org\0",), Environment)  # type: ignore[arg-type]
        touched(path, ZONE.format(serial=1, ip="192.0.2.2"), 2000 + expected)
        plugin.look()
        assert len(changed) == expected


async def test_the_log_has_the_places_and_classes_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    text = 'log . "{remote} {type} {name} {rcode} {>rflags} {size}" {\nclass denial\n}\nhosts {\n192.0.2.1 a.example\n}'
    async with serving(tmp_path, text) as server:
        await ask(server, "a.example")
        await ask(server, "a.example", "AAAA", client="2001:db8::7")
    lines = [r.getMessage() for r in caplog.records if r.name == "wherry.dns.plugins.log"]
    assert lines == ["[2001:db8::7] AAAA a.example. NOERROR qr,aa,rd,ra 27"]


async def test_failures_like_a_pattern_are_one_line_with_the_others_counted(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    plugin = Errors((Rule(60.0, re.compile("timeout$"), logging.INFO),), lambda: now)
    caplog.set_level(logging.DEBUG)

    async def fail(query: Query) -> Answer:
        return Answer(SERVFAIL, why="udp 192.0.2.1: timeout" if query.type == 1 else "refused")

    for now, type in ((0.0, 1), (1.0, 1), (2.0, 28), (3.0, 1), (61.0, 1)):  # noqa: B007 - the clock
        await plugin.serve(Query.ask("x.example.", type), fail)
    assert [(r.levelno, getattr(r, "others", None)) for r in caplog.records] == [
        (logging.INFO, 0),
        (logging.WARNING, 0),
        (logging.INFO, 2),
    ]


def test_a_change_of_an_imported_file_is_a_change_of_the_corefile(tmp_path: Path) -> None:
    path, other = tmp_path / "Corefile", tmp_path / "one.server"
    path.write_text("import *.server\n.:53 {\n whoami\n}\n")
    seen = {corefile.fingerprint(path, {})}
    other.write_text("example.org:53 {\n whoami\n}\n")
    seen.add(corefile.fingerprint(path, {}))
    other.write_text("example.net:53 {\n whoami\n}\n")
    seen.add(corefile.fingerprint(path, {}))
    path.write_text("broken {")
    seen.add(corefile.fingerprint(path, {}))
    assert len(seen) == 4
    path.unlink()
    assert corefile.fingerprint(path, {}) == b""


async def test_bind_listens_on_an_interfaces_addresses_but_for_the_excepted(tmp_path: Path) -> None:
    (tmp_path / "Corefile").write_text(".:53 {\n bind lo {\n except ::1\n }\n whoami\n}\n")
    instance = Instance(DnsConfig(tmp_path / "Corefile"), FakeClient, Metrics(), lambda: None)
    assert [place.host for place in instance.servers] == ["127.0.0.1"]


def test_whoever_names_an_address_does_not_wait_for_what_interfaces_need(tmp_path: Path) -> None:
    (tmp_path / "Corefile").write_text(".:53 {\n bind 127.0.0.1\n kubernetes cluster.local\n forward . 127.0.0.1\n}\n")
    check = "import sys; from wherry.cli.dns import command; command(sys.argv[1:], standalone_mode=False)"
    command = [sys.executable, "-c", f"{check}; print('pyroute2' in sys.modules)", "check", str(tmp_path / "Corefile")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "False"


async def test_two_blocks_may_share_a_port_on_different_addresses(tmp_path: Path) -> None:
    text = ".:53 {\n bind 127.0.0.2\n whoami\n}\n.:53 {\n bind 127.0.0.3\n whoami\n}\n"
    (tmp_path / "Corefile").write_text(text)
    instance = Instance(DnsConfig(tmp_path / "Corefile"), FakeClient, Metrics(), lambda: None)
    assert sorted(place.host for place in instance.servers) == ["127.0.0.2", "127.0.0.3"]


async def test_query_explains_a_name_in_a_real_cluster(tmp_path: Path) -> None:
    async with Cluster(tmp_path) as api:
        await create(api, ({**obj, "apiVersion": r.api_version, "kind": r.kind} for r, obj in cluster.OBJECTS))
        (tmp_path / "Corefile").write_text(".:53 {\n cache 30\n kubernetes cluster.local\n}\n")
        arguments = ["query", "--kubeconfig", str(api.kubeconfig()), "-conf", str(tmp_path / "Corefile"), "-n", "other"]
        said = await asyncio.to_thread(CliRunner().invoke, command, [*arguments, "mysql.demo"])
    assert said.exit_code == 0, said.output
    lines = said.output.splitlines()
    assert lines[0] == "mysql.demo.other.svc.cluster.local. A: NXDOMAIN"
    assert "  because: there is no namespace other, or it is not exposed" in lines
    assert "mysql.demo.svc.cluster.local. A: NOERROR" in lines
    assert "  because: Service demo/mysql" in lines
    assert lines[-1] == "  mysql.demo.svc.cluster.local. 5 A 10.100.42.154"
