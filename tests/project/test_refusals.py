"""Every way to fail has one form, one status, and repeats nothing that came in."""

import json

import pytest
from django.test import AsyncClient, Client

from authsvc.refusals import PROBLEMS
from tests.project.stub_urls import CANARY

pytestmark = pytest.mark.urls("tests.project.stub_urls")


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("invalid", 400, "invalid_request"),
        ("unauthorized", 401, "unauthorized"),
        ("forbidden", 403, "forbidden"),
        ("not_found", 404, "not_found"),
        ("conflict", 409, "conflict"),
        ("lease_lost", 409, "lease_lost"),
        ("sealed", 503, "sealed"),
        ("connection_not_found", 404, "not_found"),
        ("connection_exists", 409, "conflict"),
        ("interaction_stale", 400, "interaction_stale"),
        ("http404", 404, "not_found"),
        ("denied", 403, "forbidden"),
    ],
)
def test_error_families_have_their_status(client, name, status, code):
    response = client.get(f"/stub/fail/{name}")
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code)
    assert body["message"]
    assert CANARY not in response.text
    assert response.headers["x-should-retry"] == "false"


def test_too_many_may_be_repeated(client):
    response = client.get("/stub/fail/too_many")
    assert response.status_code == 429
    assert response.json()["code"] == "too_many_requests"
    assert "x-should-retry" not in response.headers


@pytest.mark.parametrize("name", ["unexpected", "tampered"])
def test_trouble_of_ours_says_nothing_outside(client, name, caplog):
    response = client.get(f"/stub/fail/{name}")
    assert response.status_code == 500
    assert response.json() == {"code": "internal_error", "message": "Something went wrong on our side"}
    assert response.headers["x-should-retry"] == "false"
    assert any(record.levelname == "ERROR" and record.name == "authsvc.refusals" for record in caplog.records)


def post(client, body, path="/stub/echo"):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post(path, data=raw, content_type="application/json")


def test_r09_validation_names_fields_and_repeats_no_value(client):
    response = post(client, {"name": CANARY, "size": CANARY, "values": {"password": [CANARY]}})
    assert response.status_code == 400
    body = response.json()
    assert body["code"] == "invalid_request"
    assert {item["field"]: item["message"] for item in body["details"]} == {
        "name": "must have at most 5 characters",
        "size": "must be a whole number",
        "values.password": "must be a text",
    }
    assert CANARY not in response.text


def test_r09_a_validator_message_is_not_passed_on(client):
    response = post(client, {"name": "bad"})
    assert response.json()["details"] == [{"field": "name", "message": "is not valid"}]


def test_query_problems_are_named(client):
    response = client.get("/stub/number?limit=many")
    assert response.json()["details"] == [{"field": "limit", "message": "must be a whole number"}]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"",
        b"[]",
        b"nonsense",
        b'"text"',
        b'{"name": NaN}',
        b'{"name": "\\u0000"}',
        b'{"name": "\\ud800"}',
        b'{"name": "\xff"}',
        b"[" * 100_000,
        b'{"size": ' + b"9" * 5000 + b"}",
    ],
)
def test_malformed_bodies_are_400(client, body):
    response = post(client, body)
    assert response.status_code == 400
    assert response.json()["code"] == "invalid_request"


def test_escapes_that_mean_something_pass(client):
    assert post(client, b'{"name": "\\u00e9\\ud83d\\ude00"}').json()["name"] == "é😀"


def test_oversized_body_is_413(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2048
    response = post(client, {"name": "x" * 4096})
    assert response.status_code == 413
    assert response.json()["code"] == "body_too_large"


def test_unknown_address_is_json_for_programs(client):
    response = client.get("/auth/nowhere")
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"
    assert client.get("/pages/missing", headers={"accept": "*/*"}).json()["code"] == "not_found"


def test_unknown_address_is_a_page_for_people(client):
    response = client.get("/pages/missing", headers={"accept": "text/html,*/*"})
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert CANARY not in response.text


def test_wrong_method_is_405_and_says_which_are_right(client):
    response = client.delete("/stub/number")
    assert response.status_code == 405
    assert response.json()["code"] == "method_not_allowed"
    assert response.headers["allow"] == "GET"


def test_a_view_that_breaks_is_500_json(client):
    response = client.get("/pages/broken")
    assert response.status_code == 500
    assert response.json()["code"] == "internal_error"
    assert CANARY not in response.text


def test_no_key_is_401(client):
    response = client.get("/stub/private")
    assert response.status_code == 401
    assert response.json()["code"] == "unauthorized"


@pytest.mark.parametrize("address", ["/auth/a%00b", "/stub/number?limit=%00"])
def test_nul_in_an_address_is_400(client, address):
    assert client.get(address).status_code == 400


def test_problem_texts_take_only_what_pydantic_gives():
    given = {"min_length": 1, "max_length": 2, "pattern": "x", "expected": "a", "gt": 1, "ge": 1, "lt": 1, "le": 1}
    assert all(text.format_map(given) for text in PROBLEMS.values())


async def test_async_requests_get_the_same_refusals(async_client: AsyncClient):
    response = await async_client.get("/stub/number?limit=x")
    assert response.status_code == 400
    assert response.headers["x-request-id"]
    assert response.headers["cache-control"] == "no-store"
