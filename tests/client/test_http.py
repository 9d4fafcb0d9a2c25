"""What the contract does not say: TLS, credentials, and a server that misbehaves."""

import asyncio
import ssl
import sys
import tempfile
from contextlib import aclosing, asynccontextmanager

import pytest
from aiohttp import web

from tests.client.certificates import Authority
from tests.client.contract.test_objects import config_map
from tests.client.front import Front
from wherry.client.http import HttpClient
from wherry.client.kubeconfig import Config, ExecPlugin
from wherry.objects.errors import ApiError, Expired, Forbidden, InternalError, ServiceUnavailable, Unauthorized
from wherry.objects.resource import CONFIG_MAPS


@asynccontextmanager
async def serving(handler, **config):
    """Serve every path with `handler`; give the server's requests and a client of it."""
    tls = config.pop("tls", None)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    port = runner.addresses[0][1]
    client = HttpClient(Config(server=f"{'https' if tls else 'http'}://127.0.0.1:{port}", **config))
    try:
        yield client
    finally:
        await client.close()
        await runner.cleanup()


def server_tls(authority: Authority, client_ca: bytes | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate, key = authority.issue("server")
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate + key)
        file.flush()
        context.load_cert_chain(file.name)
    if client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=client_ca.decode())
    return context


async def whoami(request: web.Request) -> web.Response:
    certificate = request.transport.get_extra_info("peercert") or {}
    names = {k: v for part in certificate.get("subject", ()) for k, v in part}
    return web.json_response({"certificate": names, "authorization": request.headers.get("Authorization", "")})


async def test_a_client_certificate_says_who_we_are():
    authority = Authority()
    certificate, key = authority.issue("alice", "dev")
    tls = server_tls(authority, authority.pem)
    async with serving(whoami, tls=tls, ca=authority.pem, client_certificate=certificate, client_key=key) as client:
        answer = await client.request("GET", "/whoami")
    assert answer["certificate"] == {"commonName": "alice", "organizationName": "dev"}


async def test_a_server_of_another_authority_is_not_reached():
    async with serving(whoami, tls=server_tls(Authority("theirs")), ca=Authority("ours").pem) as client:
        with pytest.raises(ServiceUnavailable, match="certificate verify failed"):
            await client.request("GET", "/")


async def test_insecure_reaches_it_anyway():
    async with serving(whoami, tls=server_tls(Authority()), insecure=True) as client:
        await client.request("GET", "/")


async def test_a_token_file_is_read_again_when_it_changes(tmp_path):
    file = tmp_path / "token"
    file.write_text("one\n")
    async with serving(whoami, token_file=file) as client:
        assert (await client.request("GET", "/"))["authorization"] == "Bearer one"
        (tmp_path / "next").write_text("two\n")
        (tmp_path / "next").rename(file)
        assert (await client.request("GET", "/"))["authorization"] == "Bearer two"


async def test_a_missing_token_file_is_unauthorized(tmp_path):
    async with serving(whoami, token_file=tmp_path / "token") as client:
        with pytest.raises(Unauthorized, match="cannot read the token file"):
            await client.request("GET", "/")


async def test_an_exec_plugin_is_asked_once_and_again_after_a_rejection(tmp_path):
    script = tmp_path / "plugin.py"
    script.write_text(
        "import json, os, pathlib\n"
        "assert json.loads(os.environ['KUBERNETES_EXEC_INFO'])['kind'] == 'ExecCredential'\n"
        "count = pathlib.Path(os.environ['COUNT']); n = len(count.read_text()) if count.exists() else 0\n"
        "count.write_text('x' * (n + 1))\n"
        "print(json.dumps({'status': {'token': f'token-{n}'}}))\n"
    )
    plugin = ExecPlugin(command=sys.executable, args=(str(script),), env={"COUNT": str(tmp_path / "count")})

    async def accept_second(request: web.Request) -> web.Response:
        if request.headers["Authorization"] != "Bearer token-1":
            return web.json_response({"kind": "Status", "code": 401, "reason": "Unauthorized"}, status=401)
        return web.json_response({})

    async with serving(accept_second, exec_plugin=plugin) as client:
        with pytest.raises(Unauthorized):
            await client.request("GET", "/")
        await client.request("GET", "/")
        await client.request("GET", "/")
    assert (tmp_path / "count").read_text() == "xx"


async def test_an_exec_plugin_that_fails_is_named():
    async with serving(whoami, exec_plugin=ExecPlugin(command="false")) as client:
        with pytest.raises(Unauthorized, match="exec plugin false failed with code 1"):
            await client.request("GET", "/")


async def test_nobody_listening_is_service_unavailable():
    client = HttpClient(Config(server="http://127.0.0.1:1"))
    with pytest.raises(ServiceUnavailable, match=r"cannot reach http://127\.0\.0\.1:1"):
        await client.get(CONFIG_MAPS, "a", "demo")
    with pytest.raises(ServiceUnavailable):
        async for _ in client.watch(CONFIG_MAPS):
            pass
    await client.close()


@pytest.mark.parametrize(
    ("status", "body", "error", "text"),
    [
        (403, '{"kind":"Status","reason":"Forbidden","code":403,"message":"no"}', Forbidden, "no"),
        (403, "<html>proxy says no</html>", Forbidden, "proxy says no"),
        (502, "", ApiError, "502 Bad Gateway"),
        (200, '{"kind":', InternalError, "JSON that cannot be read"),
        (200, "[1]", InternalError, "answered no object"),
    ],
)
async def test_every_kind_of_failed_answer_is_an_error_of_ours(status, body, error, text):
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, content_type="application/json")

    async with serving(answer) as client:
        with pytest.raises(error, match=text):
            await client.get(CONFIG_MAPS, "a", "demo")


async def test_a_request_that_is_put_off_is_repeated():
    asked = 0

    async def busy_once(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response({}, status=429, headers={"Retry-After": "0"}) if asked == 1 else web.json_response({})

    async with serving(busy_once) as client:
        assert await client.request("GET", "/") == {}
    assert asked == 2


async def test_a_connection_cut_in_the_middle_of_a_watch_is_service_unavailable():
    async def cut(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        await answer.write(b'{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"1"}}}\n{"type":')
        request.transport.abort()
        return answer

    async with serving(cut) as client:
        watch = client.watch(CONFIG_MAPS)
        assert (await anext(watch)).object["metadata"]["name"] == "a"
        with pytest.raises(ServiceUnavailable):
            await anext(watch)


async def test_events_are_found_however_the_stream_is_cut_into_pieces():
    big = "x" * 300_000
    line = b'{"type":"ADDED","object":{"data":"' + big.encode() + b'"}}\n'

    async def pieces(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        whole = line * 2
        for start in range(0, len(whole), 100_001):
            await answer.write(whole[start : start + 100_001])
        return answer

    async with serving(pieces) as client:
        assert [len(e.object["data"]) async for e in client.watch(CONFIG_MAPS)] == [300_000, 300_000]


async def test_an_expired_version_is_expired_whether_it_comes_as_status_or_as_event():
    async with Front() as front:
        client = HttpClient(Config(server=front.base))
        await client.create(CONFIG_MAPS, config_map("a"), "demo")
        async with aclosing(client.watch(CONFIG_MAPS, "demo")) as watch:
            assert (await anext(watch)).type == "ADDED"
            front.client.expire()
            with pytest.raises(Expired):
                await anext(watch)
        with pytest.raises(Expired):
            async for _ in client.watch(CONFIG_MAPS, "demo", resource_version="1"):
                pass
        await client.close()


async def test_closing_ends_a_watch_in_peace_and_refuses_what_comes_after():
    async with Front() as front:
        client = HttpClient(Config(server=front.base))
        watching = asyncio.create_task(_all(client.watch(CONFIG_MAPS)))
        await until(lambda: front.client.watching == 1)
        await client.close()
        async with asyncio.timeout(5):
            assert await watching == []
        with pytest.raises(ServiceUnavailable, match="closed"):
            await client.list(CONFIG_MAPS)


async def test_a_watch_left_by_its_reader_ends_at_the_server_too():
    async with Front() as front:
        client = HttpClient(Config(server=front.base))
        await client.create(CONFIG_MAPS, config_map("a"), "demo")
        async with aclosing(client.watch(CONFIG_MAPS)) as watch:
            await anext(watch)
            assert front.client.watching == 1
        await until(lambda: front.client.watching == 0)
        await client.close()


async def test_requests_share_connections():
    ports = set()

    async def note(request: web.Request) -> web.Response:
        ports.add(request.transport.get_extra_info("peername")[1])
        return web.json_response({})

    async with serving(note) as client:
        for _ in range(5):
            await client.request("GET", "/")
    assert len(ports) == 1


async def until(condition) -> None:
    """Return once `condition` holds, which nobody announces."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def _all(events) -> list:
    return [event async for event in events]
