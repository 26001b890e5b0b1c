from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from vault.profile_merge import merge


def cookie(name: str, value: str, domain: str = "a.test", **rest: Any) -> dict[str, Any]:
    return {"name": name, "value": value, "domain": domain, "path": "/", **rest}


def origin(name: str, **items: str) -> dict[str, Any]:
    return {"origin": name, "localStorage": [{"name": key, "value": value} for key, value in items.items()]}


def state(
    *cookies: dict[str, Any],
    origins: tuple[dict[str, Any], ...] = (),
    session: dict[str, dict[str, str]] | None = None,
    **rest: Any,
) -> dict[str, Any]:
    return {"cookies": list(cookies), "origins": list(origins), "session_storage": session or {}, **rest}


def test_a_first_state_is_kept_as_it_is():
    captured = state(
        cookie("s", "1"), origins=(origin("https://a.test", t="1"),), session={"https://a.test": {"k": "v"}}
    )
    assert merge(None, None, captured) == captured


def test_r33_one_sites_login_keeps_anothers_session():
    base = state()
    latest = state(cookie("b", "1", "b.test"), origins=(origin("https://b.test", t="1"),))
    captured = state(cookie("a", "1"), origins=(origin("https://a.test", t="1"),))
    merged = merge(base, latest, captured)
    assert {item["domain"] for item in merged["cookies"]} == {"a.test", "b.test"}
    assert {item["origin"] for item in merged["origins"]} == {"https://a.test", "https://b.test"}


def test_r33_what_the_session_changed_wins_and_what_it_did_not_touch_stays_newest():
    base = state(cookie("a", "old"), cookie("b", "old", "b.test"))
    latest = state(cookie("a", "old"), cookie("b", "rotated", "b.test"))
    captured = state(cookie("a", "new"), cookie("b", "old", "b.test"))
    values = {item["name"]: item["value"] for item in merge(base, latest, captured)["cookies"]}
    assert values == {"a": "new", "b": "rotated"}


def test_r33_what_the_session_removed_goes_and_what_others_removed_stays_away():
    base = state(cookie("mine", "1"), cookie("theirs", "1", "b.test"))
    latest = state(cookie("mine", "1"))
    captured = state(cookie("theirs", "1", "b.test"))
    assert merge(base, latest, captured)["cookies"] == []


def test_cookies_are_told_apart_by_name_domain_path_and_partition():
    variants = [
        cookie("s", "1"),
        cookie("s", "2", "b.test"),
        cookie("s", "3") | {"path": "/x"},
        cookie("s", "4", partitionKey="https://top.test"),
        cookie("t", "5"),
    ]
    assert merge(None, state(*variants[:3]), state(*variants[3:]))["cookies"] == variants


def test_session_storage_and_other_parts_are_merged_too():
    base = state(session={"https://a.test": {"k": "1"}, "https://b.test": {"k": "1"}}, later=["old"])
    latest = state(session={"https://a.test": {"k": "1"}, "https://b.test": {"k": "2"}}, later=["newer"])
    captured = state(session={"https://a.test": {"k": "9"}, "https://b.test": {"k": "1"}}, later=["old"])
    merged = merge(base, latest, captured)
    assert merged["session_storage"] == {"https://a.test": {"k": "9"}, "https://b.test": {"k": "2"}}
    assert merged["later"] == ["newer"]


def passkey(name: str, count: int = 1, rp: str = "a.test") -> dict[str, Any]:
    return {"credentialId": name, "rpId": rp, "privateKey": f"key of {name}", "signCount": count}


def test_r33_passkeys_are_merged_one_by_one():
    base = state(passkeys=[passkey("mine"), passkey("theirs", rp="b.test"), passkey("withdrawn"), passkey("gone")])
    latest = state(passkeys=[passkey("mine"), passkey("theirs", 9, "b.test"), passkey("withdrawn"), passkey("new", 1)])
    captured = state(passkeys=[passkey("mine", 5), passkey("theirs", rp="b.test"), passkey("gone"), passkey("made")])
    merged = {entry["credentialId"]: entry["signCount"] for entry in merge(base, latest, captured)["passkeys"]}
    assert merged == {"mine": 5, "theirs": 9, "new": 1, "made": 1}


def test_r33_the_counter_of_a_passkey_never_falls():
    base, latest, captured = (state(passkeys=[passkey("p", count)]) for count in (1, 9, 5))
    assert merge(base, latest, captured)["passkeys"] == [passkey("p", 9)]
    assert merge(base, captured, latest)["passkeys"] == [passkey("p", 9)]


def test_r33_a_session_that_knows_of_no_passkeys_drops_none():
    latest = state(passkeys=[passkey("p")])
    assert merge(state(), latest, state(cookie("s", "1")))["passkeys"] == [passkey("p")]
    assert merge(latest, latest, state())["cookies"] == []
    assert "passkeys" not in merge(latest, latest, state())


COOKIES = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("123"), max_size=4)


@settings(deadline=None)  # the machine may be busy
@given(base=COOKIES, latest=COOKIES, captured=COOKIES)
def test_r33_every_cookie_is_decided_by_who_changed_it(
    base: dict[str, str], latest: dict[str, str], captured: dict[str, str]
):
    states = [state(*(cookie(name, value) for name, value in part.items())) for part in (base, latest, captured)]
    merged = {item["name"]: item["value"] for item in merge(*states)["cookies"]}
    for name in "abcd":
        touched = captured.get(name) != base.get(name)
        assert merged.get(name) == (captured if touched else latest).get(name)
