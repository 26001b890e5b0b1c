"""Whether a reading survives what another front end would do to the same page.

    uv run python -m tests.bench.reader_variants [--corpus DIR] [--only shadow,frame] [--every 4] [--shown 20] [--json]

Login pages that are read right are changed in the browser (no form element, other names, shadow roots, a frame,
components, a banner on top, words of no language, …) and read again. A variant counts as lost when the kind, the
fields asked for or the way to send them came out different. Sites kept unread stay unread.
"""

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from playwright.async_api import Error, async_playwright

from flows.engine import accuracy, chromium, corpus
from flows.engine.observe import PageGone, observe
from flows.engine.reading import read
from flows.engine.reading.model import FieldRole, Reading
from tests.bench.reader_cv import FOLDER, Pages, predict

SECONDS = 20
STEPS = frozenset({"full", "identifier_only"})
VARIANTS: Mapping[str, str] = {
    "shadow root": """
        const host = document.createElement('div'), root = host.attachShadow({mode: 'open'});
        for (const sheet of document.head.querySelectorAll('style')) root.append(sheet.cloneNode(true));
        while (document.body.firstChild) root.append(document.body.firstChild);
        document.body.append(host);""",
    "frame": """
        const markup = '<!doctype html>' + document.documentElement.outerHTML;
        const frame = document.createElement('iframe');
        frame.style = 'width: 1300px; height: 3000px; border: 0';
        frame.srcdoc = markup;
        document.body.replaceChildren(frame);""",
    "no form": """
        for (const form of [...document.querySelectorAll('form')]) {
            const box = document.createElement('div');
            box.className = form.className;
            box.setAttribute('style', form.getAttribute('style') || '');
            while (form.firstChild) box.append(form.firstChild);
            form.replaceWith(box);
        }""",
    "generated names": """
        const known = {};
        const made = name => known[name] ||= 'a' + Object.keys(known).length + 'z';
        for (const node of document.querySelectorAll('*')) {
            for (const name of ['id', 'for', 'aria-labelledby', 'aria-describedby'])
                if (node.getAttribute(name))
                    node.setAttribute(name, node.getAttribute(name).split(/\\s+/).map(made).join(' '));
            if (node.hasAttribute('name') && node.type !== 'radio') node.setAttribute('name', made(node.name));
            for (const name of ['autocomplete', 'action']) node.removeAttribute(name);
        }""",
    "banner": """
        const banner = document.createElement('div');
        banner.style = 'position: fixed; inset: 0; background: rgba(0, 0, 0, .6); z-index: 2147483000';
        banner.innerHTML = `<div style="margin: 10% 20%; background: #fff; padding: 30px"><h2>Twoja prywatność</h2>
            <p>Używamy plików cookie.</p><button>Akceptuj wszystkie</button><button>Odrzuć</button></div>`;
        document.body.append(banner);""",
    "role buttons": """
        for (const button of [...document.querySelectorAll('button, input[type=submit], input[type=button]')]) {
            const other = document.createElement('div');
            other.className = button.className;
            other.setAttribute('style', button.getAttribute('style') || '');
            other.style.cursor = 'pointer';
            other.tabIndex = 0;
            other.setAttribute('role', 'button');
            if (button.id) other.id = button.id;
            if (button.tagName === 'INPUT') other.textContent = button.value || 'Submit';
            else while (button.firstChild) other.append(button.firstChild);
            button.replaceWith(other);
        }""",
    "components": """
        const copied = (from, to) => {
            for (const name of ['name', 'type', 'placeholder', 'required', 'autocomplete', 'aria-label', 'id', 'class',
                                'style'])
                if (from.hasAttribute(name)) to.setAttribute(name, from.getAttribute(name));
            from.replaceWith(to);
            return to.attachShadow({mode: 'open'});
        };
        for (const field of [...document.querySelectorAll('input')]) {
            if (['hidden', 'submit', 'button', 'image'].includes(field.type)) continue;
            const inner = document.createElement('input');
            inner.type = field.type;
            copied(field, document.createElement('x-field')).append(inner);
        }
        for (const button of [...document.querySelectorAll('button, input[type=submit]')]) {
            const host = document.createElement('x-button');
            copied(button, host).innerHTML = '<button><slot></slot></button>';
            if (button.tagName === 'INPUT') host.textContent = button.value || 'Submit';
            else while (button.firstChild) host.append(button.firstChild);
        }""",
    "large page": """
        const bar = document.createElement('nav'), foot = document.createElement('footer');
        bar.innerHTML = [...Array(400).keys()].map(n => `<li><a href="/c${n}">Category ${n}</a></li>`).join('');
        foot.innerHTML = `<form action="/newsletter"><label>Subscribe to our newsletter</label>
            <input type=email placeholder="Your email"><button>Subscribe</button></form>
            <form action="/search"><input name=q placeholder=Search><button>Search</button></form>`;
        document.body.prepend(bar);
        document.body.append(foot);""",
    "unknown language": """
        const parts = ['ka', 'mo', 'ti', 'ru', 'se', 'no', 'va', 'li', 'pu', 'de', 'ga', 'wi', 'zo', 'be', 'fa'];
        const word = text => {
            let number = 7, made = '';
            for (const letter of text.toLowerCase()) number = (number * 31 + letter.codePointAt(0)) >>> 0;
            for (let rest = 2 + number % 3; rest > 0; rest--) {
                made += parts[number % 15];
                number = Math.floor(number / 15) + rest * 7;
            }
            return made;
        };
        const foreign = text => text.replace(/[\\p{L}\\p{M}]+/gu, word);
        const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (texts.nextNode())
            if (!/^(SCRIPT|STYLE)$/.test(texts.currentNode.parentNode.tagName))
                texts.currentNode.data = foreign(texts.currentNode.data);
        document.title = foreign(document.title);
        for (const node of document.querySelectorAll('*')) {
            for (const name of ['placeholder', 'aria-label', 'title', 'alt'])
                if (node.hasAttribute(name)) node.setAttribute(name, foreign(node.getAttribute(name)));
            if (['submit', 'button'].includes(node.type) && node.hasAttribute('value'))
                node.setAttribute('value', foreign(node.getAttribute('value')));
        }""",
}

Asked = tuple[str, tuple[str, ...], str]


def asked(reading: Reading, *, known_words: bool = True) -> Asked:
    """What is compared: the kind, the roles of the fields, how they are sent. Without words an email is a name."""
    roles = [field.role for field in reading.fields if field.role is not FieldRole.CHECKBOX]
    if not known_words:
        roles = [FieldRole.IDENTIFIER if role is FieldRole.EMAIL else role for role in roles]
    sent = reading.submit
    label = sent.control.label[:30] if sent and sent.control and known_words else ""
    return str(reading.kind), tuple(roles), f"{sent.by if sent else ''} {label}".strip()


async def reading_of(page: Any, address: str, change: str) -> Reading | None:
    """None where the page did not come, or could not be changed, in time."""
    try:
        async with asyncio.timeout(SECONDS):
            await page.goto(address, wait_until="domcontentloaded")
            if change:
                await page.evaluate(f"() => {{{change}}}")
                await page.wait_for_load_state("load")
            seen = await observe(page, frame_seconds=5)
            found = read(seen.snapshot)
            await seen.dispose()
            return found
    except (TimeoutError, Error, PageGone):
        return None


async def run(folder: Path, variants: list[str], every: int) -> tuple[int, list[tuple[str, str, Asked, Asked]]]:
    """How many pages were changed, and each variant whose reading is another: (variant, page, before, after)."""
    labels: Pages = json.loads((folder / "labels.json").read_text(encoding="utf-8"))["pages"]
    pages = [page for page in labels if page["kind"] == "login" and page["step"] in STEPS]
    pages = [page for page in pages if not corpus.is_held_out(page["site"])]
    lost: list[tuple[str, str, Asked, Asked]] = []
    async with async_playwright() as driver:
        path = chromium.headless_shell_path() or chromium.chromium_path()
        browser = await driver.chromium.launch(executable_path=path, chromium_sandbox=os.geteuid() != 0)
        files = [(page["id"], folder / page["file"]) for page in pages]
        seen = {name: snapshot async for name, snapshot in corpus.snapshots(files, browser)}
        missed = {page for page, _ in accuracy.measure(pages, predict(pages, seen), login_only=True).misses}
        right = [page for page in pages if page["id"] not in missed][::every]
        context = await browser.new_context(java_script_enabled=False, offline=True)
        tab = await context.new_page()
        await tab.route("http*://**", lambda route: route.abort())
        for page in right:
            address = (folder / page["file"]).absolute().as_uri()
            plain = await reading_of(tab, address, "")
            for name in variants if plain is not None else ():
                changed = await reading_of(tab, address, VARIANTS[name])
                words = name != "unknown language"
                if plain is None or changed is None:
                    continue
                before, after = asked(plain, known_words=words), asked(changed, known_words=words)
                if before != after:
                    lost.append((name, page["id"], before, after))
        await browser.close()
    return len(right), lost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=FOLDER)
    parser.add_argument("--only", default=",".join(VARIANTS), help="variants, by commas")
    parser.add_argument("--every", type=int, default=1, help="take each n-th page")
    parser.add_argument("--shown", type=int, default=0, help="print so many of the readings that changed")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    variants = [name.strip() for name in options.only.split(",")]
    if unknown := set(variants) - set(VARIANTS):
        raise SystemExit(f"no such variant: {', '.join(sorted(unknown))}; there are {', '.join(VARIANTS)}")
    if not (options.corpus / "labels.json").is_file():
        raise SystemExit(f"{options.corpus / 'labels.json'} is not there: nothing to measure on")
    count, lost = asyncio.run(run(options.corpus, variants, max(options.every, 1)))
    by_variant = Counter(name for name, *_ in lost)
    if options.json:
        result = {"pages": count, "lost": {name: by_variant[name] for name in variants}}
        sys.stdout.write(json.dumps(result, indent=1) + "\n")
        return
    print(f"{count} login pages that are read right, each changed and read again")
    for name in variants:
        print(f"  {name:<20}{count - by_variant[name]:>5} as before{by_variant[name]:>5} not")
    for name, page, before, after in lost[: options.shown]:
        print(f"{name}, {page}: {before} became {after}")


if __name__ == "__main__":
    main()
