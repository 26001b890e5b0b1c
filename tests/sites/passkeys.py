"""A site that lets people in with passkeys, verified by a library of its own (py_webauthn): origin, challenge, user
verification, signature, and a counter that must rise. A password does too, but the passkey is offered beside it."""

import json
from dataclasses import dataclass
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from tests.sites.server import Request, Response, SiteServer, as_json, redirect

USER, PASSWORD = "ada@example.com", "canary-correct-horse"
RP = "localhost"  # an address is no relying party, and http is good enough for this name alone
SCRIPT = """
async function post(path, body) {
  const answer = await fetch(path, {method: "POST", body: JSON.stringify(body ?? {})});
  return await answer.json();
}
async function make() {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(await post("/make/begin"));
  const made = await navigator.credentials.create({publicKey});
  return await post("/make/end", made.toJSON());
}
async function use() {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await post("/use/begin"));
  const used = await navigator.credentials.get({publicKey});
  return await post("/use/end", used.toJSON());
}
function told(work, done) {
  const say = (text) => { document.querySelector("#said").textContent = text; };
  work().then((said) => { if (said.ok) done(say); else say(said.why); })
        .catch((error) => say("No passkey: " + error.name));
}
"""
LOGIN = f"""<title>Sign in</title><h1>Sign in</h1><script>{SCRIPT}</script>
<form method=post action=/login><label>Email <input name=username autocomplete="username webauthn"></label>
<label>Password <input name=password type=password></label><button>Sign in</button></form>
<button type=button id=use onclick="told(use, () => {{ location = '/home'; }})">Sign in with a passkey</button>
<p id=said role=alert></p>"""
HOME = f"""<title>Home</title><h1>Welcome back</h1><script>{SCRIPT}</script><p>Your orders</p>
<button type=button id=make onclick="told(make, (say) => say('It is made'))">Create a passkey</button>
<p id=said role=alert></p>
<a href=/logout>Log out</a>"""


@dataclass
class Known:
    """What the site keeps of a passkey."""

    public_key: bytes
    count: int


class PasskeySite:
    """On a server whose host is `localhost`. `counts` are the counters it saw, in order."""

    def __init__(self, server: SiteServer) -> None:
        self.server = server
        self.known: dict[str, Known] = {}
        self.counts: list[int] = []
        self.refusals: list[str] = []
        for path, handler in {
            "/": self._home,
            "/home": self._home,
            "/login": self._login,
            "/logout": self._logout,
            "/make/begin": self._make_begin,
            "/make/end": self._make_end,
            "/use/begin": self._use_begin,
            "/use/end": self._use_end,
        }.items():
            server.on(path, handler)

    @property
    def login_url(self) -> str:
        return self.server.url + "/login"

    def _home(self, request: Request) -> Response | str:
        return HOME if request.session.get("user") else redirect("/login")

    def _login(self, request: Request) -> Response | str:
        if request.method != "POST":
            return LOGIN
        if (request.form.get("username"), request.form.get("password")) != (USER, PASSWORD):
            return LOGIN.replace("<p id=said role=alert>", "<p id=said role=alert>Wrong email or password.")
        request.session["user"] = USER
        return redirect("/home")

    def _logout(self, request: Request) -> Response:
        request.session.clear()
        return redirect("/login")

    def _make_begin(self, request: Request) -> Response:
        options = generate_registration_options(
            rp_id=RP,
            rp_name="A site",
            user_name=USER,
            user_id=b"ada",
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
        )
        request.session["challenge"] = options.challenge
        return _options(options)

    def _make_end(self, request: Request) -> Response:
        made = verify_registration_response(
            credential=request.json,
            expected_challenge=request.session.pop("challenge"),
            expected_rp_id=RP,
            expected_origin=self.server.url,
            require_user_verification=True,
        )
        self.known[request.json["id"]] = Known(made.credential_public_key, made.sign_count)
        return as_json({"ok": True})

    def _use_begin(self, request: Request) -> Response:
        options = generate_authentication_options(rp_id=RP, user_verification=UserVerificationRequirement.REQUIRED)
        request.session["challenge"] = options.challenge
        return _options(options)

    def _use_end(self, request: Request) -> Response:
        known = self.known.get(request.json["id"])
        if known is None:
            return self._refused("This passkey is not known here.")
        try:
            used = verify_authentication_response(
                credential=request.json,
                expected_challenge=request.session.pop("challenge"),
                expected_rp_id=RP,
                expected_origin=self.server.url,
                credential_public_key=known.public_key,
                credential_current_sign_count=known.count,
                require_user_verification=True,
            )
        except WebAuthnException as error:
            return self._refused(str(error))
        known.count = used.new_sign_count
        self.counts.append(used.new_sign_count)
        request.session["user"] = USER
        return as_json({"ok": True})

    def _refused(self, why: str) -> Response:
        self.refusals.append(why)
        return as_json({"ok": False, "why": why})


def _options(options: Any) -> Response:
    return as_json(json.loads(options_to_json(options)))
