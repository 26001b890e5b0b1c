"""Somebody on the hosted page whose browser runs no script: follows the link, reads the forms, fills and presses."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx


@dataclass(slots=True)
class PageForm:
    """One form as it stands on the page. `buttons` are (name, value, label)."""

    action: str
    values: dict[str, str] = field(default_factory=dict)  # hidden ones
    inputs: list[str] = field(default_factory=list)
    buttons: list[tuple[str, str, str]] = field(default_factory=list)


class PageForms(HTMLParser):
    """The forms of a page, in order."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self._button: tuple[str, str] | None = None
        self._said = ""
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(PageForm(given.get("action", "")))
        elif not self.forms:
            return
        elif tag == "input" and given.get("type") == "hidden":
            self.forms[-1].values[given["name"]] = given.get("value", "")
        elif tag == "input":
            self.forms[-1].inputs.append(given["name"])
        elif tag == "button":
            self._button, self._said = (given.get("name", ""), given.get("value", "")), ""

    def handle_data(self, data: str) -> None:
        self._said += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "button" and self._button is not None and self.forms:
            self.forms[-1].buttons.append((*self._button, " ".join(self._said.split())))
            self._button = None


class HostedPerson:
    """Opens `link` and presses Continue."""

    def __init__(self, link: str) -> None:
        self.page = urlsplit(link)._replace(query="").geturl()
        self._http = httpx.Client(follow_redirects=True, timeout=30)
        self._post(self._forms(self._http.get(link))[0], {})

    def close(self) -> None:
        self._http.close()

    def forms(self) -> list[PageForm]:
        """The forms that answer what is asked now."""
        found = self._forms(self._http.get(self.page))
        return [form for form in found if form.action.endswith("/answer")]

    def fill(self, form: PageForm, values: dict[str, str]) -> None:
        """Give values by the input's name; what the page does not ask is an error."""
        if unasked := values.keys() - set(form.inputs):
            raise LookupError(f"the page has no {sorted(unasked)}")
        self._post(form, values)

    def press(self, form: PageForm, button: tuple[str, str, str]) -> None:
        self._post(form, {button[0]: button[1]})

    def _forms(self, answer: httpx.Response) -> list[PageForm]:
        answer.raise_for_status()
        return PageForms(answer.text).forms

    def _post(self, form: PageForm, values: dict[str, str]) -> None:
        parts = urlsplit(self.page)
        headers = {"Origin": f"{parts.scheme}://{parts.netloc}", "Sec-Fetch-Site": "same-origin"}
        address = urljoin(self.page, form.action)
        self._http.post(address, data={**form.values, **values}, headers=headers).raise_for_status()
