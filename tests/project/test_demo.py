"""The demo site behaves like an ordinary site with a login."""

from collections.abc import AsyncIterator

import httpx
import pyotp
import pytest

from authsvc.demo.accounts import ACCOUNTS
from authsvc.demo.site import application, visits

ADA = ACCOUNTS["ada@demo.test"]
GRACE = ACCOUNTS["grace@demo.test"]


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    visits.clear()
    transport = httpx.ASGITransport(application)
    async with httpx.AsyncClient(transport=transport, base_url="http://demo.test", follow_redirects=True) as client:
        yield client


async def sign_in(browser: httpx.AsyncClient, account, **changed: str) -> httpx.Response:
    return await browser.post("/login", data={"email": account.email, "password": account.password} | changed)


async def test_the_account_is_for_those_who_signed_in(browser):
    assert (await browser.get("/account")).url.path == "/login"
    assert (await sign_in(browser, ADA)).url.path == "/account"
    assert "Welcome back, Ada" in (await browser.get("/account")).text


async def test_a_wrong_password_is_told_and_lets_nobody_in(browser):
    response = await sign_in(browser, ADA, password="wrong")
    assert response.status_code == 401
    assert 'role="alert"' in response.text
    assert (await browser.get("/account")).url.path == "/login"


async def test_a_code_is_asked_where_there_is_a_seed(browser):
    assert (await sign_in(browser, GRACE)).url.path == "/code"
    assert (await browser.get("/account")).url.path == "/login"
    assert (await browser.post("/code", data={"code": "000000"})).status_code == 401
    code = pyotp.TOTP(GRACE.totp_secret).now()
    assert (await browser.post("/code", data={"code": code})).url.path == "/trust"
    assert (await browser.post("/trust", data={"trust": "yes"})).url.path == "/account"
    await browser.post("/logout")
    assert (await sign_in(browser, GRACE)).url.path == "/account"


async def test_signing_in_and_out_changes_the_session(browser):
    await sign_in(browser, ADA)
    signed_in = browser.cookies["greenhouse"]
    await browser.post("/logout")
    assert browser.cookies["greenhouse"] != signed_in
    browser.cookies.clear()
    browser.cookies.set("greenhouse", signed_in, domain="demo.test")
    assert (await browser.get("/account")).url.path == "/login"


async def test_keep_me_signed_in_outlives_the_tab(browser):
    assert "Expires" in (await sign_in(browser, ADA, remember="on")).history[0].headers["set-cookie"]
    await browser.post("/logout")
    assert "Expires" not in (await sign_in(browser, ADA)).history[0].headers["set-cookie"]


async def test_what_people_type_is_escaped(browser):
    response = await sign_in(browser, ADA, email='"><script>x</script>')
    assert "<script>" not in response.text
