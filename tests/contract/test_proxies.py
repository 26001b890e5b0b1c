"""`proxies` through the SDK, and a real local proxy that the checks and a browser go through."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest
import pytest_asyncio
from kernel import BadRequestError, ConflictError, NotFoundError
from kernel.types import ProxyListResponse, ProxyRetrieveResponse

from flows.engine.browsers import Browsers
from flows.models import Connection, Proxy
from flows.runner.settings import browser_settings
from tests.contract.tenants import Tenant, items
from tests.engine.conftest import options
from tests.sites.certificates import certificate_pem
from tests.sites.server import Request, Response, SiteServer
from vault.aio import run_db
from vault.models import AuditRecord
from vault.use import Use

PASSWORD = "proxy-canary-pw"
AUTHORIZATION = "Basic " + base64.b64encode(f"cust:{PASSWORD}".encode()).decode()
CUSTOM: Any = {"host": "Proxy.Example", "port": 8080}


def test_a_custom_proxy_is_kept_and_its_secrets_never_shown(owner: Tenant, bundle: str) -> None:
    config: Any = {**CUSTOM, "username": "cust", "password": PASSWORD, "ca_bundle": bundle}
    made = owner.sdk.proxies.create(
        type="custom",
        name="office",
        protocol="http",
        bypass_hosts=["*.Internal.example", "localhost"],
        config=config,
    )
    found = owner.sdk.proxies.retrieve(str(made.id))
    assert found.model_dump() == made.model_dump() == owner.sdk.proxies.retrieve("office").model_dump()
    assert found.config is not None
    assert found.config.model_dump() == {
        "host": "proxy.example",
        "port": 8080,
        "username": "cust",
        "has_password": True,
        "has_ca_bundle": True,
    }
    assert (found.type, found.protocol, found.name) == ("custom", "http", "office")
    assert found.bypass_hosts == ["*.internal.example", "localhost"]
    row = Proxy.objects.get()
    assert PASSWORD.encode() not in bytes(row.sealed_password or b"")
    assert b"CERTIFICATE" not in bytes(row.sealed_ca_bundle or b"")
    assert PASSWORD not in str(list(AuditRecord.objects.values()))


def test_https_is_the_protocol_where_none_is_given(owner: Tenant) -> None:
    assert owner.sdk.proxies.create(type="custom", config=CUSTOM).protocol == "https"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": "isp"}, "proxy_type_unavailable"),
        ({"type": "residential", "config": {"country": "US"}}, "proxy_type_unavailable"),
        ({"type": "mobile"}, "proxy_type_unavailable"),
        ({"type": "datacenter"}, "proxy_type_unavailable"),
        ({"type": "socks"}, "invalid_request"),
        ({"type": "custom"}, "invalid_request"),
        ({"type": "custom", "config": {"host": "proxy.example"}}, "invalid_request"),
        ({"type": "custom", "config": {"host": "proxy.example", "port": 0}}, "invalid_request"),
        ({"type": "custom", "config": {"host": "a b", "port": 80}}, "invalid_request"),
        ({"type": "custom", "config": {"host": "http://proxy.example", "port": 80}}, "invalid_request"),
        ({"type": "custom", "config": {"host": "10.0.0.1", "port": 80}}, "address_refused"),
        ({"type": "custom", "config": {"host": "169.254.169.254", "port": 80}}, "address_refused"),
        ({"type": "custom", "config": {**CUSTOM, "password": "lonely"}}, "invalid_request"),
        ({"type": "custom", "config": {**CUSTOM, "username": "a:b", "password": "x"}}, "invalid_request"),
        ({"type": "custom", "config": {**CUSTOM, "username": "a", "password": "x\r\nX: y"}}, "invalid_request"),
        ({"type": "custom", "config": {**CUSTOM, "ca_bundle": "not PEM"}}, "invalid_request"),
        ({"type": "custom", "config": CUSTOM, "bypass_hosts": ["a b"]}, "invalid_request"),
    ],
)
def test_r30_a_proxy_that_cannot_be_is_a_400(owner: Tenant, body: dict[str, Any], code: str) -> None:
    with pytest.raises(BadRequestError) as refusal:
        owner.sdk.proxies.create(**body)
    assert isinstance(refusal.value.body, dict)
    assert refusal.value.body["code"] == code
    assert Proxy.objects.count() == 0


def test_lists_filter_by_name_and_query(owner: Tenant, outsider: Tenant) -> None:
    for name, host in (("One", "a.example"), ("Two", "b.example"), ("one", "c.example")):
        owner.sdk.proxies.create(type="custom", name=name, config={"host": host, "port": 80})
    found = items(ProxyListResponse, owner.sdk.proxies.list(limit=2))
    assert [proxy.name for proxy in found] == ["one", "Two"]
    assert len(list(owner.sdk.proxies.list(limit=2))) == 3
    assert len(owner.sdk.proxies.list(name="ONE").items) == 2
    assert [proxy.name for proxy in owner.sdk.proxies.list(query="B.EXAM")] == ["Two"]
    assert [proxy.id for proxy in owner.sdk.proxies.list(query=str(found[0].id))] == [found[0].id]
    assert outsider.sdk.proxies.list().items == []


def test_an_ambiguous_name_is_refused_and_a_proxy_renamed(owner: Tenant) -> None:
    first = owner.sdk.proxies.create(type="custom", name="same", config={"host": "a.example", "port": 80})
    owner.sdk.proxies.create(type="custom", name="same", config={"host": "b.example", "port": 80})
    with pytest.raises(BadRequestError, match="ambiguous_proxy_name"):
        owner.sdk.proxies.retrieve("same")
    assert owner.sdk.proxies.update(str(first.id), name=" other ").name == "other"
    assert owner.sdk.proxies.retrieve("other").id == first.id


def test_a_proxy_in_use_is_not_deleted(owner: Tenant) -> None:
    proxy = owner.sdk.proxies.create(type="custom", name="p", config={"host": "a.example", "port": 80})
    connection = owner.sdk.auth.connections.create(
        domain="example.com", profile_name="w", browser={"proxy": {"name": "p"}}
    )
    assert connection.proxy_id == proxy.id
    with pytest.raises(ConflictError):
        owner.sdk.proxies.delete(str(proxy.id))
    owner.sdk.auth.connections.update(connection.id, browser={"proxy": {"mode": "default"}})
    owner.sdk.auth.connections.login(connection.id, proxy={"id": str(proxy.id)})
    with pytest.raises(ConflictError):
        owner.sdk.proxies.delete("p")
    owner.sdk.post(f"/auth/connections/{connection.id}/cancel", cast_to=object)
    owner.sdk.proxies.delete("p")
    with pytest.raises(NotFoundError):
        owner.sdk.proxies.retrieve(str(proxy.id))


@pytest_asyncio.fixture
async def customer() -> AsyncIterator[SiteServer]:
    """A forward proxy that wants a name and password, and answers for every plain-http site itself."""
    async with SiteServer() as server:
        server.on("*", _through)
        yield server


def _through(request: Request) -> Response:
    if request.headers.get("proxy-authorization") != AUTHORIZATION:
        return Response(status=407, headers={"Proxy-Authenticate": "Basic"}, body="who are you")
    return Response(status=200, headers={"Content-Type": "text/html"}, body="<h1>through the proxy</h1>")


def local(owner: Tenant, server: SiteServer, **options: Any) -> Callable[[], ProxyRetrieveResponse]:
    config: Any = {"host": "127.0.0.1", "port": server.port, **options}

    def make() -> ProxyRetrieveResponse:
        made = owner.sdk.proxies.create(type="custom", protocol="http", config=config)
        return owner.sdk.proxies.retrieve(str(made.id))

    return make


async def test_check_goes_through_the_proxy(owner: Tenant, customer: SiteServer, settings: Any) -> None:
    settings.PROXY_CHECK_URL = "http://far.example/"
    good = await run_db(local(owner, customer, username="cust", password=PASSWORD))
    bad = await run_db(local(owner, customer, username="cust", password="wrong"))
    assert good.status is None
    checked = await run_db(owner.sdk.proxies.check, str(good.id))
    assert checked.status == "available"
    assert checked.last_checked is not None
    assert (await run_db(owner.sdk.proxies.check, str(bad.id))).status == "unavailable"
    assert (await run_db(owner.sdk.proxies.retrieve, str(bad.id))).status == "unavailable"
    assert customer.seen[0].headers["host"] == "far.example:80"


async def test_check_of_an_address_leaves_the_stored_status_alone(owner: Tenant, customer: SiteServer) -> None:
    proxy = await run_db(local(owner, customer, username="cust", password=PASSWORD))
    checked = await run_db(lambda: owner.sdk.proxies.check(str(proxy.id), url="http://other.example/x?y=1"))
    assert checked.status == "available"
    assert (await run_db(owner.sdk.proxies.retrieve, str(proxy.id))).status is None
    for url in ("ftp://x.example/", "http://10.0.0.1/", "http://a:b@x.example/", "nonsense"):
        with pytest.raises(BadRequestError):
            await run_db(partial(owner.sdk.proxies.check, str(proxy.id), url=url))


async def test_r35_a_login_goes_through_the_proxy_with_its_password_on_record(
    owner: Tenant, customer: SiteServer, bundle: str
) -> None:
    proxy = await run_db(local(owner, customer, username="cust", password=PASSWORD, ca_bundle=bundle))
    chosen: Any = {"stealth": False, "proxy": {"id": str(proxy.id)}}
    await run_db(lambda: owner.sdk.auth.connections.create(domain="far.example", profile_name="w", browser=chosen))
    connection = await run_db(Connection.objects.get)
    use = Use(connection.organization_id, connection.project_id, flow_id="flow_x")
    seen = await run_db(browser_settings, connection, use=use)
    assert await run_db(AuditRecord.objects.filter(action="proxy.use", actor="flow:flow_x").count) == 1
    assert PASSWORD not in repr(seen)
    assert seen.proxy_authorities == bundle
    direct = await run_db(browser_settings, connection, {"proxy": {"mode": "direct"}}, use=use)
    assert direct.proxy_server is None
    browsers = Browsers(options())
    await browsers.start()
    try:
        async with asyncio.timeout(60), browsers.open(seen, None) as session:
            await session.page.goto("http://far.example/")
            assert await session.page.inner_text("h1") == "through the proxy"
    finally:
        await browsers.close()


@pytest.fixture
def bundle() -> str:
    """A certificate that somebody's proxy would sign with."""
    return certificate_pem("Office proxy")
