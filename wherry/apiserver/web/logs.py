"""`pods/log`: the node's answer, passed through as it comes."""

from __future__ import annotations

import ssl

import aiohttp
from aiohttp import web

from wherry.apiserver.web.nodes import NodeUrl
from wherry.objects.errors import ApiError, InternalError

CONNECT_SECONDS = 10.0
LARGEST_MESSAGE = 64 * 1024


async def relay(request: web.BaseRequest, url: NodeUrl, context: ssl.SSLContext) -> web.StreamResponse:
    """Answer with what the node sends; raises `InternalError` when it cannot be reached, or the node's own refusal."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
    connector = aiohttp.TCPConnector(ssl=context, force_close=True)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
        try:
            answer = await session.get(f"https://{url.host}:{url.port}{url.path}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise InternalError(f'Get "https://{url.host}:{url.port}{url.path}": {error}') from error
        async with answer:
            if answer.status != 200:
                text = (await answer.content.read(LARGEST_MESSAGE)).decode(errors="replace").strip()
                raise ApiError(text, code=answer.status, reason=ApiError.from_status({}, answer.status).reason)
            return await _copy(request, answer)


async def _copy(request: web.BaseRequest, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": answer.headers.get("Content-Type", "text/plain")})
    response.enable_chunked_encoding()
    await response.prepare(request)
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
    except aiohttp.ClientError:
        # The node went away in the middle: without the last chunk the client knows that the log is cut off.
        if request.transport is not None:
            request.transport.close()
        return response
    await response.write_eof()
    return response
