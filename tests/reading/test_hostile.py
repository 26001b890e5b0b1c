"""Pages that mean harm, or are far too much: read in bounded time, with the visible form chosen or nothing."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.engine.observe import PageGone, observe
from flows.engine.reading import read, signature
from flows.engine.reading.model import PageKind, Reading
from flows.engine.reading.report import as_dict, pretty
from flows.engine.snapshot import Snapshot
from flows.engine.snapshot_json import snapshot_from_json
from tests.reading.conftest import PATIENCE, Look

BOUND = 60  # seconds: far above what an idle machine takes, far below for ever

LOGIN = "<form><label>User<input name=u></label><label>Password<input type=password name=p></label><button>Log in</button></form>"

WORDS = st.sampled_from(
    ["", "Password", "Log in", "__proto__", "constructor", "toString", "登录", "\u202egnissap", "a" * 700, "•••• 12", "12",
     "j***@x.test", "Try another way", "Sign in with Google", "Incorrect password", "\x00", "🦊", "check your email"]
) | st.text(max_size=40)  # fmt: skip
NUMBERS = st.integers(-(10**12), 10**12) | st.integers(-5, 40)
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.floats(allow_nan=True) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)
KEYS = ["x", "p", "s", "f", "y", "n", "i", "c", "r", "tx", "lb", "al", "ti", "ph", "ac", "im", "pt", "dc", "hr", "fa", "v", "ic", "dt", "hp", "w", "b", "ml", "rq", "ds", "ro", "fl", "ck", "iv", "af", "ts", "ex", "mb", "bg", "ah", "cv", "ho", "op", "t", "h", "a", "l", "rd", "sr", "z", "g", "fx", "m"]  # fmt: skip
TAGS = st.sampled_from(["input", "button", "a", "select", "textarea", "iframe", "div", "summary"])
TYPES = st.sampled_from(["text", "password", "email", "checkbox", "radio", "submit", "tel", "search", "", "x"])
BOXES = st.lists(st.integers(-50, 1500), min_size=4, max_size=4)
ELEMENT = st.fixed_dictionaries(
    {"e": TAGS, "p": st.integers(-1, 20)},
    optional={"y": TYPES, "tx": WORDS, "lb": WORDS, "n": WORDS, "i": WORDS, "hr": WORDS, "b": BOXES, "f": st.integers(-2, 3), "x": NUMBERS,
              "s": NUMBERS, "ml": NUMBERS, "w": WORDS, "op": ANYTHING, "ho": ANYTHING, "ac": WORDS, "ph": WORDS, "r": WORDS},
)  # fmt: skip
TEXT = st.fixed_dictionaries(
    {"t": WORDS, "p": st.integers(-1, 20)}, optional={"h": NUMBERS, "a": NUMBERS, "rd": NUMBERS, "b": BOXES}
)
BOX = st.fixed_dictionaries(
    {"g": WORDS, "p": st.integers(-1, 20)},
    optional={"r": WORDS, "f": st.integers(-2, 3), "fx": NUMBERS, "m": NUMBERS, "b": BOXES},
)
NODE = ELEMENT | TEXT | BOX | st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=6)
FRAME = st.fixed_dictionaries(
    {"nodes": st.lists(NODE, max_size=25)},
    optional={"url": WORDS, "title": WORDS, "forms": st.lists(ANYTHING | st.fixed_dictionaries({"a": WORDS, "i": WORDS}), max_size=3),
              "paths": st.lists(ANYTHING, max_size=5), "marks": ANYTHING, "cover": ANYTHING, "scripts": ANYTHING, "view": ANYTHING, "status": NUMBERS},
)  # fmt: skip


def check(reading: Reading, snapshot: Snapshot) -> None:
    refs = {frame.ref(node.index) for frame in snapshot.frames for node in frame.nodes if hasattr(node, "index")}
    names = [field.name for field in reading.fields]
    assert len(names) == len(set(names))
    assert all(field.ref in refs for field in reading.fields)
    assert 0 <= reading.score <= 1
    assert 0 <= reading.signed_in_score <= 1
    assert isinstance(signature(reading), str)
    assert pretty(reading)
    assert as_dict(reading)["kind"] == reading.kind


@settings(max_examples=250, deadline=2000)
@given(st.lists(FRAME, min_size=1, max_size=3))
def test_any_frames_give_a_reading(frames: list[Any]) -> None:
    snapshot = snapshot_from_json({"frames": frames})
    check(read(snapshot), snapshot)


@settings(max_examples=100, deadline=1000)
@given(ANYTHING | st.binary(max_size=60) | st.text(max_size=60))
def test_any_data_gives_a_snapshot(data: Any) -> None:
    snapshot = snapshot_from_json(data)
    check(read(snapshot), snapshot)


def test_thousands_of_nodes_are_read_in_time() -> None:
    nodes = [
        {"e": "input", "y": "text", "n": f"f{n}", "p": n - 1 if n % 50 else -1, "b": [0, n, 90, 20]}
        for n in range(4000)
    ]
    for node in nodes[::7]:
        node["y"] = "password"
    started = time.process_time()
    read(snapshot_from_json({"frames": [{"nodes": nodes}]}))
    assert time.process_time() - started < 4


PAGES = {
    "empty": "",
    "plain text": "hello",
    "prototype names": """<form id=__proto__ name=constructor><input name=__proto__><input name=toString id=hasOwnProperty type=password>
        <input name=nodeType><input name=parentNode><button name=submit id=action>Log in</button></form>""",
    "huge attributes": f"<form><input name={'n' * 300_000} placeholder='{'p' * 300_000}'><input type=password class='{'c ' * 200_000}'><button>Log in</button></form>",
    "bidirectional text": "<form><label>\u202eresU\u202c<input></label><label>\u2067Password\u2069<input type=password></label><button>\u202eni goL</button></form>",
    "deep": "<div>" * 3000 + LOGIN + "</div>" * 3000,
    "nested shadow roots": """<div id=h></div><script>let at = h; for (let i = 0; i < 300; i++) { const r = at.attachShadow({mode: 'open'});
        at = r.appendChild(document.createElement('div')); }</script>""",
    "clobbered document": '<img name=body><img name=documentElement><form name=querySelectorAll><input name=attributes></form>' + LOGIN,
    "overwritten prototypes": f"{LOGIN}<script>Element.prototype.getBoundingClientRect = () => {{ throw 1 }}; JSON.stringify = () => 'x'; Array.prototype.push = 1</script>",
    "endless mutation": f"{LOGIN}<p id=m></p><script>setInterval(() => {{ m.innerHTML = '<b>' + Math.random() }}, 0)</script>",
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
async def test_a_hostile_page_is_read_in_time(look: Look, name: str) -> None:
    started = time.monotonic()
    try:
        snapshot = (await look(PAGES[name])).snapshot
    except PageGone:
        snapshot = Snapshot()
    check(read(snapshot), snapshot)
    assert time.monotonic() - started < BOUND


async def test_among_fifty_thousand_elements_the_form_is_found(look: Look) -> None:
    noise = "<div><span>a</span><a href=#>b</a></div>" * 17_000
    started = time.monotonic()
    snapshot = (await look(f"{noise}{LOGIN}{noise}")).snapshot
    found = read(snapshot)
    assert [field.name for field in found.fields] == ["u", "p"]
    assert time.monotonic() - started < BOUND


async def test_twenty_megabytes_are_read_in_bounded_size(look: Look, page: Any) -> None:
    await look(f"<p id=p></p>{LOGIN}")
    await page.evaluate("p.textContent = 'lorem ipsum '.repeat(1_700_000); document.body.offsetHeight")
    started = time.monotonic()
    seen = await observe(page, frame_seconds=PATIENCE)
    assert read(seen.snapshot).kind is PageKind.LOGIN
    assert len(repr(seen.snapshot)) < 400_000
    assert time.monotonic() - started < BOUND


async def test_three_hundred_frames_are_read_in_time(look: Look, page: Any) -> None:
    frames = "<iframe srcdoc='<p>x</p>' width=50 height=50></iframe>" * 300
    await look(f"{LOGIN}{frames}")
    started = time.monotonic()
    seen = await observe(page, frame_seconds=PATIENCE)
    assert read(seen.snapshot).kind is PageKind.LOGIN
    assert len(seen.snapshot.frames) <= 60
    assert time.monotonic() - started < BOUND


async def test_a_frame_that_never_answers_is_left_out(look: Look, page: Any) -> None:
    host = "https://idp.test/busy"
    seen = await look(f'{LOGIN}<iframe id=f src="{host}" width=300 height=200></iframe>', frames={host: "<p>x</p>"})
    inner = next(frame for frame in page.frames if frame.url == host)

    async def never(*_: Any) -> Any:
        raise TimeoutError

    inner.evaluate_handle = never
    seen = await observe(page)
    assert len(seen.snapshot.frames) == 1
    assert read(seen.snapshot).kind is PageKind.LOGIN


async def test_a_fake_label_over_an_invisible_field_is_not_believed(look: Look) -> None:
    snapshot = (
        await look("""<form><div style="position:relative;height:30px"><input name=bait type=password style="opacity:0;position:absolute">
        <span>Password</span></div><button>Log in</button></form>""")
    ).snapshot
    assert [field.name for field in read(snapshot).fields] == []
