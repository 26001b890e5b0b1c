"""What the observer sees in a real page: only what a person can see, wherever it is, and never what was typed."""

import json
from typing import Any

import pytest

from flows.engine.observe import StaleElement, observe
from flows.engine.reading import read
from flows.engine.reading.model import FieldRole, PageKind
from flows.engine.snapshot import Element, Snapshot
from tests.reading.conftest import Look, Read

LOGIN = "<form><label>User<input name=u></label><label>Password<input type=password name=p></label><button>Log in</button></form>"
HIDING = {
    "none": "display:none",
    "visibility": "visibility:hidden",
    "opacity": "opacity:0",
    "clip": "position:absolute;clip:rect(0,0,0,0)",
    "size": "width:0;height:0;padding:0;border:0",
    "offscreen": "position:absolute;left:-9999px",
}


def elements(snapshot: Snapshot) -> dict[str, Element]:
    return {
        node.name or node.id or node.text: node
        for f in snapshot.frames
        for node in f.nodes
        if isinstance(node, Element)
    }


@pytest.mark.parametrize("why", HIDING)
async def test_a_field_nobody_sees_is_marked_and_never_chosen(look: Look, why: str) -> None:
    seen = (await look(LOGIN.replace("<button>", f'<input name=website style="{HIDING[why]}"><button>'))).snapshot
    assert elements(seen)["website"].hidden == why
    assert "website" not in [field.name for field in read(seen).fields]


@pytest.mark.parametrize(
    "wrap",
    [
        '<div style="opacity:0">{}</div>',
        '<div style="height:0;overflow:hidden">{}</div>',
        "<div hidden>{}</div>",
        "<div inert>{}</div>",
        '<div style="clip-path:inset(50%);position:absolute">{}</div>',
        '<div style="transform:translateX(-5000px)">{}</div>',
        "<details><summary>More</summary>{}</details>",
    ],
)
async def test_a_honeypot_inside_something_hidden_is_never_chosen(look: Look, wrap: str) -> None:
    trap = wrap.format("<label>Email<input name=trap type=email></label>")
    seen = (await look(LOGIN.replace("<button>", f"{trap}<button>"))).snapshot
    assert [field.name for field in read(seen).fields] == ["u", "p"]


FADING = """<style>.at{{position:relative;width:200px}}.at b{{position:absolute;font-weight:400}}
    .in{{opacity:0}}.in:focus-within{{opacity:1}}</style>
    <div class=at><b>User</b><div class=in><input name=u aria-label=User></div></div>
    <div class=at>{}<div class=in>{}<input name=p type=password aria-label=Password></div></div>
    <button>Log in</button>"""


async def test_a_field_that_is_transparent_under_its_label_until_focused_is_seen(look: Look) -> None:
    seen = (await look(FADING.format("<b>Password</b>", ""))).snapshot
    assert elements(seen)["u"].hidden == ""
    assert [field.name for field in read(seen).fields] == ["u", "p"]


async def test_a_field_that_is_transparent_with_its_label_is_not_seen(look: Look) -> None:
    seen = (await look(FADING.format("", "<b>Password</b>"))).snapshot
    assert elements(seen)["p"].hidden == "opacity"


async def test_words_in_an_element_without_a_box_are_read(look: Look) -> None:
    found = read(
        (
            await look(f"""{LOGIN}<x-note style="display:contents">Wrong password.</x-note>
        <script>document.querySelector("x-note").attachShadow({{mode: "open"}}).innerHTML =
        "<div role=alert><slot></slot></div>"</script>""")
        ).snapshot
    )
    assert found.message is not None
    assert found.message.text == "Wrong password."


async def test_a_part_of_a_component_may_say_that_it_is_an_error(look: Look) -> None:
    found = read(
        (
            await look(f"""<x-login></x-login><script>
        document.querySelector("x-login").attachShadow({{mode: "open"}}).innerHTML =
        `<div part="error-message"><h5>Incorrect user name or password</h5></div>{LOGIN}`</script>""")
        ).snapshot
    )
    assert found.message is not None
    assert found.message.is_error


async def test_a_component_that_keeps_its_own_children_to_itself_is_looked_into(page: Any) -> None:
    """Libraries that do without shadow roots let a host's properties show slotted children only."""
    await page.set_content("<h1>Welcome</h1><x-field data-type=text></x-field><x-field data-type=password></x-field>")
    await page.evaluate(
        """() => {
          for (const host of document.querySelectorAll("x-field")) {
            const { type } = host.dataset;
            host.innerHTML = `<label>${type === "text" ? "E-mail" : "Password"} <input type=${type}></label>`;
            for (const name of ["childNodes", "children"]) Object.defineProperty(host, name, { get: () => [] });
            for (const name of ["firstChild", "lastChild", "firstElementChild", "lastElementChild"])
              Object.defineProperty(host, name, { get: () => null });
          }
        }"""
    )
    reading = read((await observe(page)).snapshot)
    assert [(field.role, field.label) for field in reading.fields] == [
        (FieldRole.EMAIL, "E-mail"),
        (FieldRole.PASSWORD, "Password"),
    ]


async def test_a_spinner_inside_a_component_says_that_the_page_is_loading(look: Look) -> None:
    found = read(
        (
            await look("""<x-wait></x-wait><script>document.querySelector("x-wait").attachShadow({mode: "open"})
        .innerHTML = "<div role=progressbar style='width:40px;height:40px'></div><p>Loading data"</script>""")
        ).snapshot
    )
    assert found.loading


async def test_an_icon_written_as_a_word_is_no_part_of_a_label(look: Look) -> None:
    eye = "<i class='q-icon material-icons' tabindex=0>visibility_off</i>"
    seen = (
        await look(f"<label><input name=p type=password><b>Password</b>{eye}</label><button>Log in</button>")
    ).snapshot
    assert elements(seen)["p"].label == "Password"


async def test_what_lies_under_an_overlay_is_covered(look: Look) -> None:
    seen = (
        await look(
            f'{LOGIN}<div role=dialog style="position:fixed;inset:0;background:#fff"><p>Hi</p><button>Close</button></div>'
        )
    ).snapshot
    assert elements(seen)["u"].hidden == "covered"
    assert elements(seen)["Close"].hidden == ""


async def test_behind_a_modal_dialog_all_is_inert(look: Look) -> None:
    seen = (await look(f"<a href=/x>Outside</a><dialog id=d>{LOGIN}</dialog><script>d.showModal()</script>")).snapshot
    assert elements(seen)["Outside"].hidden == "inert"
    assert read(seen).kind is PageKind.LOGIN


async def test_disabled_fields_are_not_asked_for(reading: Read) -> None:
    found = await reading(f"<fieldset>{LOGIN.replace('<button>', '<input name=off disabled><button>')}</fieldset>")
    assert [field.name for field in found.fields] == ["u", "p"]


@pytest.mark.parametrize(
    ("markup", "label"),
    [
        ("<label for=a>By for</label><input id=a>", "By for"),
        ("<label>Wrapping <input></label>", "Wrapping"),
        ("<span id=l>Labelled</span> <b id=m>by</b><input aria-labelledby='l m'>", "Labelled by"),
        ("<input aria-label='Aria label'>", "Aria label"),
        ("<input placeholder='Place holder'>", "Place holder"),
        ("<div>Preceding text</div><div><input></div>", "Preceding text"),
        ("<table><tr><td>Cell before<td><input></table>", "Cell before"),
        ("<dl><dt>Term<dd><input></dl>", "Term"),
        ("<div style='position:relative'><input placeholder=' '><span style='position:absolute;left:4px;top:2px'>Floating</span></div>", "Floating"),
        ("<my-input label='Host label'></my-input><script>customElements.define('my-input',class extends HTMLElement{connectedCallback(){this.attachShadow({mode:'open'}).innerHTML='<input>'}})</script>", "Host label"),
    ],
)  # fmt: skip
async def test_labels(reading: Read, markup: str, label: str) -> None:
    found = await reading(
        f"<form>{markup}<p></p><input type=password aria-label=Password><button>Log in</button></form>"
    )
    assert found.fields[0].label == label


SHADOW = """<script>
const put = (mode) => class extends HTMLElement { connectedCallback() {
  this.attachShadow({mode}).innerHTML = this.dataset.html; } };
customElements.define('open-box', put('open')); customElements.define('shut-box', put('closed'));
</script>"""


async def test_open_shadow_roots_are_looked_into(reading: Read, page: Any) -> None:
    inner = "<open-box data-html='<label>Email<input type=email name=e></label>'></open-box>"
    found = await reading(f"""{SHADOW}<form id=f>{inner}
        <open-box data-html="<input type=password name=p aria-label=Password>"></open-box>
        <open-box data-html="<button>Sign in</button>"></open-box></form>""")
    assert found.kind is PageKind.LOGIN
    assert [field.role for field in found.fields] == [FieldRole.EMAIL, FieldRole.PASSWORD]
    assert await page.locator(found.fields[0].selector).get_attribute("name") == "e"


async def test_a_handle_leads_back_to_the_live_element(look: Look, page: Any) -> None:
    seen = await look(LOGIN)
    field = read(seen.snapshot).fields[1]
    handle = await seen.handle(field.ref)
    assert await handle.evaluate("el => el.name") == "p"
    await page.evaluate("document.querySelector('[name=p]').remove()")
    with pytest.raises(StaleElement):
        await seen.handle(field.ref)
    with pytest.raises(StaleElement):
        await seen.handle("7:1")


@pytest.mark.parametrize("host", ["https://site.test/frame", "https://idp.test/frame"])
async def test_frames_of_the_same_and_of_another_site(look: Look, host: str) -> None:
    seen = await look(f'<h1>Sign in</h1><iframe src="{host}" width=400 height=300></iframe>', frames={host: LOGIN})
    found = read(seen.snapshot)
    assert found.kind is PageKind.LOGIN
    assert [field.name for field in found.fields] == ["u", "p"]
    assert await (await seen.handle(found.fields[0].ref)).evaluate("el => el.name") == "u"


async def test_a_form_in_a_hidden_frame_is_not_there(look: Look) -> None:
    host = "https://idp.test/frame"
    seen = await look(f'<h1>News</h1><iframe src="{host}" style="display:none"></iframe>', frames={host: LOGIN})
    assert read(seen.snapshot).fields == ()


async def test_no_typed_value_is_in_a_snapshot(look: Look, page: Any) -> None:
    await look(f"{LOGIN}<p id=echo></p><div contenteditable>old</div><textarea>abc</textarea>")
    await page.fill("[name=u]", "jane.doe@example.com")
    await page.fill("[name=p]", "hunter2-secret")
    await page.fill("textarea", "private-notes")
    await page.evaluate(
        "echo.textContent = 'No account for jane.doe@example.com'; document.title = 'jane.doe@example.com'"
    )
    raw = repr((await observe(page)).snapshot)
    assert "hunter2-secret" not in raw
    assert "private-notes" not in raw
    assert "jane.doe@example.com" not in raw
    assert "No account for" in raw


async def test_a_styled_checkbox_is_pressed_at_its_label(look: Look) -> None:
    seen = await look("""<form><label>User<input name=u></label><label>Password<input type=password name=p></label>
        <label class=c><input type=checkbox name=r style="opacity:0;position:absolute;width:0"><i></i> Remember me</label><button>Log in</button></form>""")
    found = read(seen.snapshot)
    assert [field.name for field in found.fields] == ["u", "p", "r"]
    assert await (await seen.handle(found.fields[2].ref)).evaluate("el => el.localName") == "label"


async def test_a_snapshot_of_an_ordinary_page_is_small(look: Look, page: Any) -> None:
    rows = "".join(f"<li><a href=/item/{n}>Item number {n} of the list</a>" for n in range(150))
    await look(f"<h1>Shop</h1>{LOGIN}<ul>{rows}</ul>")
    from flows.engine.observe import SCRIPT

    held = await page.evaluate_handle(SCRIPT, {})
    data = await held.evaluate("held => held.json")
    assert len(data) < 60_000
    assert json.loads(data)["failed"] == ""
