"""Captchas and bot walls by what their vendors have sites put on a page; messages; single controls."""

import pytest

from flows.engine.reading.captchas import vendor_of
from flows.engine.reading.model import PageKind
from tests.reading.conftest import Read

LOGIN = "<form><label>User<input name=u></label><label>Password<input type=password name=p></label>{}<button>Log in</button></form>"
BOX = "style='display:block;width:302px;height:76px;background:#eee'"


@pytest.mark.parametrize(
    ("markup", "vendor"),
    [
        (f"<div class=g-recaptcha data-sitekey=x {BOX}></div>", "recaptcha"),
        (f"<div class=h-captcha data-sitekey=x {BOX}></div>", "hcaptcha"),
        (f"<div class=cf-turnstile data-sitekey=x {BOX}></div>", "turnstile"),
        (f"<div id=FunCaptcha {BOX}></div>", "arkose"),
        (f"<div class=geetest_captcha {BOX}></div>", "geetest"),
        (f"<div class=frc-captcha data-sitekey=x {BOX}></div>", "friendly-captcha"),
        (f"<altcha-widget {BOX}></altcha-widget>", "altcha"),
        (f"<div class=mtcaptcha {BOX}></div>", "mtcaptcha"),
        (f"<div id=px-captcha {BOX}></div>", "human"),
        (f"<awswaf-captcha {BOX}></awswaf-captcha>", "aws-waf"),
        (f"<div id=ddv1-captcha-container {BOX}></div>", "datadome"),
        ("<img src='/captcha.php' width=120 height=40><label>Type the characters<input name=captcha></label>", "image"),
    ],
)
async def test_a_captcha_in_a_login_form_has_its_vendor_s_name(reading: Read, markup: str, vendor: str) -> None:
    found = await reading(LOGIN.format(markup))
    assert found.captcha == vendor
    assert "captcha" not in [field.name for field in found.fields]


@pytest.mark.parametrize(
    ("address", "vendor"),
    [
        ("https://www.google.com/recaptcha/api2/anchor?ar=1", "recaptcha"),
        ("https://newassets.hcaptcha.com/captcha/v1/x", "hcaptcha"),
        ("https://challenges.cloudflare.com/turnstile/v0/api.js", "turnstile"),
        ("https://client-api.arkoselabs.com/v2/x/api.js", "arkose"),
        ("https://geo.captcha-delivery.com/captcha/", "datadome"),
        ("https://static.geetest.com/v4/gt4.js", "geetest"),
        ("https://x.token.awswaf.com/challenge.js", "aws-waf"),
        ("https://example.com/app.js", None),
    ],
)
def test_vendors_by_address(address: str, vendor: str | None) -> None:
    assert vendor_of(address) == vendor


async def test_no_captcha_is_found_where_none_is(reading: Read) -> None:
    assert (await reading(LOGIN.format(""))).captcha is None


async def test_a_page_that_only_checks_the_browser_is_a_wall(reading: Read) -> None:
    found = await reading("""<title>Just a moment...</title><h1>acme.test</h1><p>Verifying you are human. This may take a few seconds.</p>
        <form id=challenge-form></form>""")
    assert found.kind is PageKind.BOT_WALL


async def test_an_error_stands_at_its_field(reading: Read) -> None:
    found = await reading("""<form><label>User<input name=u value=jane></label>
        <label>Password<input type=password name=p aria-invalid=true aria-describedby=e></label>
        <p id=e style="color:#c00">Wrong password. Try again.</p><button>Log in</button></form>""")
    assert found.message is not None
    assert found.message.is_error
    assert found.message.text == "Wrong password. Try again."
    assert found.message.field_ref == found.fields[1].ref


@pytest.mark.parametrize("words", ["Bad credentials.", "Wrong user name or password."])
async def test_an_error_under_the_form_blames_no_field(reading: Read, words: str) -> None:
    fields = "<label>{}<input name=u></label> <label>Password <input type=password name=p></label>".format("E-mail ")
    error = f"<div style='color:#c00'>{words}</div>"
    for page in (
        f"<form>{fields}<button>Log in</button></form>{error}",
        f"<form>{fields}{error}<button>Log in</button></form>",
    ):
        found = await reading(page)
        assert found.message is not None
        assert found.message.field_ref is None


@pytest.mark.parametrize(
    ("markup", "is_error", "locked"),
    [
        ("<div role=alert>Invalid user name or password.</div>", True, False),
        ("<div class='alert alert-danger'>The credentials do not match our records.</div>", True, False),
        ("<p style='color:red'>Your account has been locked. Too many attempts.</p>", True, True),
        ("<div class='alert alert-info'>We have emailed you a link.</div>", False, False),
        ("<div role=status>You have been logged out.</div>", False, False),
    ],
)
async def test_messages(reading: Read, markup: str, is_error: bool, locked: bool) -> None:
    found = await reading(markup + LOGIN.format(""))
    if is_error or found.message is not None:
        assert found.message is not None
        assert (found.message.is_error, found.message.locked_out) == (is_error, locked)


@pytest.mark.parametrize("markup", ["<h1>Login failed</h1>", "<p>Nieprawidłowe hasło.</p><p><a href=/x>Wstecz</a></p>"])
async def test_a_page_that_says_little_else_needs_no_red_box(reading: Read, markup: str) -> None:
    found = await reading(markup)
    assert found.message is not None
    assert found.message.is_error
    among_much = await reading(markup + "".join(f"<p>Item {n} of the archive</p>" for n in range(20)))
    assert among_much.message is None


async def test_a_page_without_trouble_has_no_message(reading: Read) -> None:
    found = await reading(f"<h1>Log in</h1><p>Welcome to the wiki. Forgot your password?</p>{LOGIN.format('')}")
    assert found.message is None


async def test_a_page_that_is_still_empty_is_loading(reading: Read) -> None:
    assert (await reading("<div id=root></div>")).loading
    assert not (await reading(LOGIN.format(""))).loading


async def test_a_dialog_is_quoted_by_its_sentence_not_by_its_title(reading: Read) -> None:
    found = await reading(
        LOGIN.format("")
        + """<div style="position:fixed;inset:0;z-index:8;background:#ccc8"></div>
        <div style="position:fixed;z-index:9;top:200px;left:300px;width:300px;background:#fff" class=window-error>
        <div class=window-header-error><span>Login Failed</span></div>
        <div><span>You entered an incorrect password</span></div><button type=button>OK</button></div>"""
    )
    assert found.message is not None
    assert found.message.text == "You entered an incorrect password"
    assert [control.label for control in found.dismiss] == ["OK"]
