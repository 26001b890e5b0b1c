"""Two tenants, and no worker."""

from typing import Any

import pytest

from authsvc.celery import app as celery_app
from tests.contract.tenants import Tenant, tenant_make


@pytest.fixture(autouse=True)
def no_broker(settings: Any) -> None:
    """Wake-ups stay in this process. The test client gives an asynchronous operation a loop that ends with it, and what
    listens to Redis cannot always be ended that soon."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Tasks that would have gone to a worker: (name, id)."""
    tasks: list[tuple[str, str]] = []
    monkeypatch.setattr(celery_app, "send_task", lambda name, args, **_: tasks.append((name, args[0])))
    return tasks


@pytest.fixture
def owner(sent: list[tuple[str, str]], transactional_db: None) -> Tenant:
    return tenant_make("owner")


@pytest.fixture
def outsider(owner: Tenant) -> Tenant:
    return tenant_make("outsider")
