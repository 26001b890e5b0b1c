"""Whether a page answers through a customer's proxy, asked by the same way out that browsers take."""

import asyncio
import ssl
from collections.abc import Sequence
from urllib.parse import urlsplit

from flows.engine.egress import Egress, Upstream
from flows.engine.guard import Guard
from flows.engine.wire import MARK
from flows.services.proxies import OpenProxy

REACH_SECONDS = 15.0


async def reaches(proxy: OpenProxy, url: str, *, ssrf_allow: Sequence[str]) -> bool:
    """True when `url` (http or https) gave any HTTP answer but a proxy's own failure."""
    upstream = Upstream(proxy.server, proxy.username, proxy.password, proxy.bypass)
    egress = Egress(Guard(ssrf_allow), upstream)
    await egress.start()
    try:
        async with asyncio.timeout(REACH_SECONDS):
            return await _asked(int(egress.url.rpartition(":")[2]), url)
    except (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError):
        return False
    finally:
        await egress.close()


async def _asked(egress_port: int, url: str) -> bool:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    reader, writer = await asyncio.open_connection("127.0.0.1", egress_port)
    try:
        target = url.partition("#")[0]
        if parts.scheme == "https":
            writer.write(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
            if not _good(await reader.readuntil(b"\r\n\r\n"), tunnel=True):
                return False
            context = await asyncio.to_thread(ssl.create_default_context)
            context.check_hostname = False  # whether the site answers is asked, not who it is: a proxy may re-sign
            context.verify_mode = ssl.CERT_NONE
            await writer.start_tls(context, server_hostname=parts.hostname)
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        request = f"GET {target} HTTP/1.1\r\nHost: {host}:{port}\r\nUser-Agent: authsvc\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        return _good(await reader.readuntil(b"\r\n\r\n"), tunnel=False)
    finally:
        writer.close()


def _good(head: bytes, *, tunnel: bool) -> bool:
    """Whether this answer came from the site (or opened the way to it), not from a proxy in between."""
    first, _, rest = head.partition(b"\r\n")
    parts = first.split(b" ", 2)
    if len(parts) < 2 or not parts[0].startswith(b"HTTP/") or not parts[1].isdigit():
        return False
    if tunnel:
        return parts[1] == b"200"
    ours = MARK.encode() + b":" in rest.lower()
    return not ours and int(parts[1]) not in (407, 502, 503, 504)
