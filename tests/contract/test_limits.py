"""Rate limits (R28) and idempotency keys (R31)."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from kernel import BadRequestError, RateLimitError
from redis.exceptions import ConnectionError as RedisConnectionError

from flows.dispatch import RUN_FLOW
from flows.models import Connection, Flow, Interaction, OnceKey
from tests.contract.tenants import Tenant
from tests.contract.test_embedding import Login
from vault.errors import RateLimited
from vault.rates import rate_take

LOGIN_PATH = "/auth/connections/{}/login"


@pytest.fixture(autouse=True)
def fresh_cache() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def test_r28_a_key_that_calls_too_often_waits(owner: Tenant, outsider: Tenant, settings: Any) -> None:
    settings.KEY_REQUESTS = 3
    for _ in range(3):
        owner.sdk.auth.context.retrieve()
    with pytest.raises(RateLimitError) as refusal:
        owner.sdk.auth.context.retrieve()
    response = refusal.value.response
    assert 1 <= int(response.headers["Retry-After"]) <= 60
    assert "x-should-retry" not in response.headers
    assert refusal.value.body == {"code": "too_many_requests", "message": "Too many requests"}
    outsider.sdk.auth.context.retrieve()


def test_r28_one_domain_gets_so_many_logins(owner: Tenant, settings: Any) -> None:
    settings.DOMAIN_LOGINS = 1
    one, two = (
        owner.sdk.auth.connections.create(domain="example.com", profile_name=name).id for name in ("one", "two")
    )
    owner.sdk.auth.connections.login(one)
    owner.sdk.auth.connections.login(one)  # joins
    with pytest.raises(RateLimitError):
        owner.sdk.auth.connections.login(two)
    assert Flow.objects.count() == 1
    elsewhere = owner.sdk.auth.connections.create(domain="other.example", profile_name="one").id
    owner.sdk.auth.connections.login(elsewhere)


def test_r28_one_link_gets_so_many_tries(owner: Tenant, settings: Any) -> None:
    settings.LINK_TRIES = 2
    login = Login(owner)
    assert [login.exchange("x").status_code for _ in range(3)] == [400, 400, 429]


def test_r28_counts_start_anew_every_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    rate_take("a", limit=1, at=59.0)
    with pytest.raises(RateLimited) as refusal:
        rate_take("a", limit=1, at=59.9)
    assert refusal.value.retry_after == 1
    rate_take("a", limit=1, at=60.0)
    rate_take("b", limit=1, at=59.0)
    rate_take("a", limit=0, at=59.0)

    def down(*_: object, **__: object) -> None:
        raise RedisConnectionError

    monkeypatch.setattr(cache, "add", down)
    rate_take("b", limit=1, at=59.0)


def keyed(key: str) -> Any:
    return {"extra_headers": {"Idempotency-Key": key}}


def test_r31_a_repeated_create_makes_one_connection(owner: Tenant, outsider: Tenant) -> None:
    create = owner.sdk.auth.connections.create
    first = create(domain="example.com", profile_name="w", **keyed("k1"))
    assert create(domain="example.com", profile_name="w", **keyed("k1")).id == first.id
    with pytest.raises(BadRequestError, match="idempotency_key_reused"):
        create(domain="other.example", profile_name="w", **keyed("k1"))
    assert create(domain="other.example", profile_name="w", **keyed("k2")).id != first.id
    theirs = outsider.sdk.auth.connections.create(domain="example.com", profile_name="w", **keyed("k1"))
    assert theirs.id != first.id
    assert Connection.objects.count() == 3
    with pytest.raises(BadRequestError):
        create(domain="third.example", profile_name="w", **keyed("k" * 256))


def test_r31_a_refused_request_leaves_its_key_unused(owner: Tenant) -> None:
    create = owner.sdk.auth.connections.create
    with pytest.raises(BadRequestError):
        create(domain="not a host", profile_name="w", **keyed("k"))
    assert OnceKey.objects.count() == 0
    assert create(domain="example.com", profile_name="w", **keyed("k")).id


def test_r31_a_repeated_login_starts_one_and_keeps_its_link(owner: Tenant, sent: list[tuple[str, str]]) -> None:
    connection_id = owner.sdk.auth.connections.create(domain="example.com", profile_name="w").id
    first = owner.sdk.auth.connections.login(connection_id, **keyed("k"))
    again = owner.sdk.auth.connections.login(connection_id, **keyed("k"))
    assert again == first
    assert [name for name, _ in sent].count(RUN_FLOW) == 1
    assert owner.sdk.auth.connections.login(connection_id).hosted_url != first.hosted_url


def test_r31_a_repeated_submit_is_accepted_once(owner: Tenant) -> None:
    login = Login(owner)
    connections = owner.sdk.auth.connections
    seen = connections.retrieve(login.connection_id)
    values = {field.id: "canary-value" for field in seen.fields or []}
    for _ in range(2):
        answer = connections.submit(
            login.connection_id, interaction_id=str(seen.interaction_id), field_values=values, **keyed("k")
        )
        assert answer.accepted
    assert Interaction.objects.count() == 1
    assert "canary-value" not in str(list(OnceKey.objects.values()))
