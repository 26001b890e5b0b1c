"""Pages in languages of no table, and layers that nobody can read: structure alone must do."""

import pytest

from flows.engine.reading import read
from flows.engine.reading.model import FieldRole, PageKind
from tests.reading.conftest import Read
from tests.reading.pages import button, field, form, heading, link, snapshot, text

# User, password, log in.
UNKNOWN = {
    "Georgian": ("მომხმარებელი", "პაროლი", "შესვლა"),
    "Armenian": ("Օգտանուն", "Գաղտնաբառ", "Մուտք"),
    "Amharic": ("የተጠቃሚ ስም", "የይለፍ ቃል", "ግባ"),
    "Khmer": ("ឈ្មោះអ្នកប្រើ", "ពាក្យសម្ងាត់", "ចូល"),
    "Swahili": ("Jina la mtumiaji", "Nenosiri", "Ingia"),
    "none": ("Qwxk zorp", "Blik", "Fnord"),
}


@pytest.mark.parametrize("language", UNKNOWN)
def test_a_login_form(language: str) -> None:
    user, word, enter = UNKNOWN[language]
    page = form(field(user, name="a"), field(word, kind="password", name="b"), link(f"{word}?"), button(enter))
    found = read(snapshot(heading(enter), page, link(f"{user} {user}")))
    assert found.kind is PageKind.LOGIN
    assert [one.role for one in found.fields] == [FieldRole.IDENTIFIER, FieldRole.PASSWORD]
    assert found.submit is not None
    assert found.submit.control is not None
    assert found.submit.control.label == enter


@pytest.mark.parametrize("language", UNKNOWN)
def test_a_sign_up_form_is_none(language: str) -> None:
    user, word, enter = UNKNOWN[language]
    page = form(
        field(user, name="a"), field(user, kind="email", name="c"), field(word, kind="password", name="b"),
        field(f"{word} 2", kind="password", name="d"), button(enter),
    )  # fmt: skip
    assert read(snapshot(heading(enter), page)).kind is PageKind.SIGN_UP


@pytest.mark.parametrize("kind", ["email", "text"])
@pytest.mark.parametrize("language", UNKNOWN)
def test_a_first_step_is_known_by_its_address(language: str, kind: str) -> None:
    user, _, enter = UNKNOWN[language]
    nodes = heading(enter), form(field(user, kind=kind, name="x"), button(enter))
    found = read(snapshot(*nodes, url="https://site.test/login"))
    assert found.kind is PageKind.LOGIN
    assert len(found.fields) == 1
    assert read(snapshot(*nodes, url="https://site.test/news")).kind is not PageKind.LOGIN
    assert read(snapshot(*nodes, url="https://site.test/login/forgot-password")).kind is not PageKind.LOGIN


def test_a_first_step_is_no_newsletter() -> None:
    page = form(field("Email", kind="email", name="newsletter"), button("Subscribe"))
    assert read(snapshot(text("News"), page, url="https://site.test/login")).kind is not PageKind.LOGIN


@pytest.mark.parametrize(
    "markup",
    [
        "<div onclick=go() style='cursor:pointer'>Fnord</div>",
        "<div role=button tabindex=0>Fnord</div>",
        "<span style='cursor:pointer'>Fnord</span>",
    ],
)
async def test_outside_a_form_the_only_thing_to_press_sends_it(reading: Read, markup: str) -> None:
    found = await reading(f"<div><p>Qwxk</p><input><p>Blik</p><input type=password>{markup}</div>")
    assert found.kind is PageKind.LOGIN
    assert found.submit is not None
    assert found.submit.control is not None
    assert found.submit.control.label == "Fnord"


LOGIN = "<form><label>User<input name=u></label><label>Password<input type=password name=p></label><button>Log in</button></form>"
OVER = "position:fixed;inset:0;background:#fff"


@pytest.mark.parametrize(
    ("layer", "closes"),
    [
        (f"<div style='{OVER}'><p>Zorp blik wexk</p><button style='background:#06f'>Zorp</button><button>Blik</button></div>", "Blik"),
        (f"<div style='{OVER}'><p>Zorp</p><button>Fnord</button></div>", "Fnord"),
        (f"<div style='{OVER}'><p>Zorp</p><button>Fnord</button><button aria-label=Close>×</button></div>", "×"),
        (f"<div style='{OVER}'><h2>Subscribe to our newsletter</h2><form><input type=email name=n><button>Subscribe</button></form>"
         "<button class=close aria-label=Close>×</button></div>", "×"),
        ("<my-consent></my-consent><script>customElements.define('my-consent',class extends HTMLElement{connectedCallback(){"
         f"this.attachShadow({{mode:'open'}}).innerHTML=`<div style='{OVER}'><p>We use cookies</p><button>Deny</button>"
         "<button>Accept all</button></div>`}})</script>", "Deny"),
        (f"<iframe src='https://consent.test/' style='{OVER};width:100%;height:100%'></iframe>", "Reject all"),
    ],
)  # fmt: skip
async def test_what_covers_the_form_can_be_closed(reading: Read, layer: str, closes: str) -> None:
    inner = {
        "https://consent.test/": "<p>We value your privacy. Cookies…</p><button>Accept all</button><button>Reject all</button>"
    }
    found = await reading(LOGIN + layer, frames=inner)
    assert found.kind is PageKind.LOGIN
    assert [field.name for field in found.fields] == ["u", "p"]
    assert [control.label for control in found.dismiss] == [closes]


async def test_a_form_in_a_layer_is_not_closed(reading: Read) -> None:
    found = await reading(
        f"<a href=/x>Home</a><div role=dialog aria-modal=true style='{OVER}'><button>×</button>{LOGIN}</div>"
    )
    assert [field.name for field in found.fields] == ["u", "p"]
    assert found.dismiss == ()


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        ("<p>Saisissez le code à six chiffres.</p>", "<input size=1 maxlength=1>" * 6),
        (
            "<h2>Two-factor authentication</h2>",
            "<label>Authentication code<input name=code></label><button>Verify</button>",
        ),
    ],
    ids=["boxes", "one field"],
)
async def test_a_code_asked_in_a_layer_over_the_form_comes_first(reading: Read, words: str, fields: str) -> None:
    layer = f"<div role=dialog aria-modal=true style='{OVER}'><button>×</button>{words}{fields}</div>"
    found = await reading(f"<h3>Log in</h3>{LOGIN}{layer}")
    assert found.kind is PageKind.CODE
    assert [field.role for field in found.fields] == [FieldRole.CODE]
    assert found.dismiss == ()


@pytest.mark.parametrize(
    "style", ["filter:opacity(0)", "width:1px;height:1px", "font-size:0;width:0;height:0;border:0;padding:0"]
)
async def test_a_trap_too_small_or_seen_through_is_never_chosen(reading: Read, style: str) -> None:
    found = await reading(LOGIN.replace("<button>", f"<input name=website style='{style}'><button>"))
    assert [field.name for field in found.fields] == ["u", "p"]


async def test_a_trap_no_key_reaches_is_never_chosen(reading: Read) -> None:
    trap = "<div aria-hidden=true><label>Company<input name=company tabindex=-1></label></div>"
    assert [field.name for field in (await reading(LOGIN.replace("<button>", f"{trap}<button>"))).fields] == ["u", "p"]


async def test_a_list_of_profiles_is_a_picker(reading: Read) -> None:
    found = await reading("""<h1>Who's watching?</h1><ul><li><a href=/p/1>Ann</a></li><li><a href=/p/2>Kids</a></li></ul>
        <a href=/manage>Manage profiles</a>""")
    assert found.kind is PageKind.ACCOUNT_PICKER
    assert [choice.label for choice in found.choices] == ["Ann", "Kids"]


async def test_a_picker_may_let_people_leave(reading: Read) -> None:
    found = await reading(
        "<h1>Select an organization</h1><a href=/o/1>Acme</a><a href=/o/2>Beta</a><a href=/logout>Log out</a>"
    )
    assert found.kind is PageKind.ACCOUNT_PICKER
    assert [choice.label for choice in found.choices] == ["Acme", "Beta"]
