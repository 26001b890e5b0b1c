"""R9: marked values through whole logins, then a search of everything that could have kept one."""

import json
import re
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from kernel import Kernel

from authsvc.demo.accounts import ACCOUNTS
from tests.service.driving import Account, canonical_answer, drive
from tests.service.places import database_rows, redis_dump
from tests.service.stack import Stack, running

GRACE = ACCOUNTS["grace@demo.test"]
# Three wrong values that must leave no trace, and the right ones, which only the demo site itself knows by name.
TYPED_WRONG = f"canary-typed-{uuid.uuid4().hex}"
STORED_WRONG = f"canary-stored-{uuid.uuid4().hex}"
REFUSED = f"canary-refused-{uuid.uuid4().hex}"


class Recorder(httpx.Client):
    """An HTTP client that keeps every answer's text."""

    def __init__(self, seen: list[str]) -> None:
        super().__init__(event_hooks={"response": [self._keep]}, timeout=60)
        self._seen = seen

    def _keep(self, response: httpx.Response) -> None:
        if "event-stream" not in response.headers.get("content-type", ""):
            self._seen.append(str(response.headers) + response.read().decode(errors="replace"))


@pytest.fixture(scope="module")
def marked() -> Iterator[Stack]:
    with running(arguments=(), env={"AUTHSVC_LOG_LEVEL": "DEBUG"}) as service:
        yield service


@pytest.fixture
def closed_at_end() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def log_in(stack: Stack, client: Kernel, answers: list[Any], **options: Any) -> Any:
    connection = client.auth.connections.create(
        domain=stack.demo_url.removeprefix("http://"),
        profile_name=f"p-{uuid.uuid4().hex[:8]}",
        login_url=f"{stack.demo_url}/login",
        browser={"stealth": False},
        **options,
    )

    def answer(state: Any) -> dict[str, Any]:
        return canonical_answer(answers.pop(0), state, since=0)

    return drive(client, connection, Account("", ""), mode="programmatic", on_ask=answer)


def command_lines(stack: Stack) -> str:
    return "\n".join(" ".join(words) for words in stack.below().values())


def admin_pages(stack: Stack) -> str:
    """Every page that the admin's lists lead to, one level deep, as the operator sees them."""
    password = re.search(r"password (\S+)\)", stack.log)
    assert password is not None
    texts = []
    with httpx.Client(base_url=stack.url, follow_redirects=True, timeout=30) as admin:
        page = admin.get("/admin/login/")
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        assert token is not None
        form = {"username": "admin", "password": password[1], "csrfmiddlewaretoken": token[1], "next": "/admin/"}
        index = admin.post("/admin/login/", data=form, headers={"Referer": f"{stack.url}/admin/login/"})
        assert "Log out" in index.text
        lists = sorted(set(re.findall(r'href="(/admin/\w+/\w+/)"', index.text)))
        assert "/admin/flows/flow/" in lists
        for address in lists:
            listing = admin.get(address)
            texts.append(listing.text)
            rows = sorted(set(re.findall(rf'href="({address}[^"/]+/change/)', listing.text)))[:10]
            texts += [admin.get(row).text for row in rows]
    assert len(texts) > 20
    return "\n".join(texts)


def files(stack: Stack) -> bytes:
    """Database, write-ahead log and whatever else lies in the data directory."""
    return b"".join(path.read_bytes() for path in sorted(stack.data_dir.rglob("*")) if path.is_file())


def test_r09_no_marked_value_is_anywhere(marked: Stack, closed_at_end: ExitStack) -> None:
    answers: list[str] = []
    client = marked.client(http_client=closed_at_end.enter_context(Recorder(answers)))
    name = f"c-{uuid.uuid4().hex[:8]}"
    domain = marked.demo_url.removeprefix("http://")
    client.credentials.create(name=name, domain=domain, values={"email": GRACE.email, "password": STORED_WRONG})
    right = Account(GRACE.email, GRACE.password, totp_secret=GRACE.totp_secret)
    wrong = Account(GRACE.email, TYPED_WRONG)
    run = log_in(marked, client, [wrong, right, right, right], credential={"name": name})
    assert run.status == "SUCCESS"
    connection = run.connection_id
    with pytest.raises(Exception, match="400"):
        client.auth.connections.submit(connection, fields={REFUSED: REFUSED, "x": REFUSED})
    refused = httpx.post(
        f"{marked.url}/auth/connections/{connection}/submit?x={REFUSED}",
        content=json.dumps({"fields": {"a": [REFUSED]}}),
        headers={"authorization": f"Bearer {marked.api_key}", "content-type": "application/json"},
    )
    answers.append(refused.text)
    client.credentials.list()
    client.credentials.retrieve(name)
    client.auth.connections.retrieve(connection)
    client.get("/openapi.json", cast_to=object)
    assert log_in(marked, client, [right, right], credential={"name": name}).status == "SUCCESS"

    codes = right.used_codes
    assert codes
    places = {
        "answers": "\n".join(answers),
        "states": str(run.final) + str(run.asked),
        "log": marked.log.split("authsvc is ready.")[0] + marked.log.split("Stop with Ctrl-C.")[1],
        "database rows": database_rows(marked.env, marked.data_dir),
        "files": files(marked).decode("latin-1"),
        "broker": redis_dump(marked.env, marked.data_dir),
        "command lines": command_lines(marked),
        "admin": admin_pages(marked),
    }
    sought = {TYPED_WRONG, STORED_WRONG, GRACE.password, GRACE.totp_secret}
    for place, text in places.items():
        assert text, place
        found = {value for value in sought if value in text}
        assert not found, f"{place} holds {found}"
        if place != "log":  # a name of a field that was not asked is ours to repeat, in the answer only
            continue
        assert REFUSED not in text
    for place in ("answers", "log", "broker", "command lines"):
        assert not {code for code in codes if re.search(rf"\b{code}\b", places[place])}, place


def test_r09_the_search_finds_what_is_there(marked: Stack) -> None:
    """The sweep itself works: names and ids, which are no secrets, are found where they belong."""
    assert GRACE.email.split("@")[1] not in command_lines(marked)
    assert "uvicorn" in command_lines(marked)
    assert marked.env["AUTHSVC_BOOTSTRAP_API_KEY"] not in database_rows(marked.env, marked.data_dir)
    assert "flow_" in database_rows(marked.env, marked.data_dir)
