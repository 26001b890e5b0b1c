"""`projects`: their life, their limits, and the origins that may use them."""

from typing import Any

import pytest
from kernel import (
    BadRequestError,
    ConflictError,
    NotFoundError,
)
from kernel.types import Project

from tests.contract.tenants import Tenant, items, sdk_make


def test_projects_live_and_end(owner: Tenant, outsider: Tenant) -> None:
    projects = owner.sdk.projects
    made = projects.create(name="Støre ✓")
    assert (made.status, projects.retrieve("Støre ✓").id) == ("active", made.id)
    with pytest.raises(ConflictError):
        projects.create(name="Støre ✓")
    for bad in ("", "a/b", "a%b", "x" * 256):
        with pytest.raises(BadRequestError):
            projects.create(name=bad)
    assert projects.update(made.id, name="new").name == "new"
    assert [project.name for project in items(Project, projects.list(query="NE"))] == ["new"]
    assert [project.name for project in projects.list(name="New", limit=1, offset=0)] == ["new"]
    inside = {"X-Kernel-Project": "new"}
    connection = owner.sdk.auth.connections.create(domain="a.example", profile_name="w", extra_headers=inside)
    assert owner.sdk.auth.connections.list().items == []
    with pytest.raises(NotFoundError):
        owner.sdk.auth.connections.retrieve(connection.id)
    with pytest.raises(ConflictError):
        projects.delete(made.id)
    owner.sdk.auth.connections.delete(connection.id, extra_headers=inside)
    owner.sdk.profiles.delete("w", extra_headers=inside)
    assert projects.update("new", status="archived").status == "archived"
    with pytest.raises(NotFoundError):
        owner.sdk.auth.connections.list(extra_headers=inside)
    projects.delete("new")
    with pytest.raises(NotFoundError):
        projects.retrieve(made.id)
    assert projects.create(name="new").id != made.id
    for refused in (lambda: projects.delete("default"), lambda: projects.update("default", status="archived")):
        with pytest.raises(BadRequestError):
            refused()
    assert [project.name for project in outsider.sdk.projects.list()] == ["default"]


def test_a_key_of_an_archived_project_opens_nothing(owner: Tenant) -> None:
    project_id = owner.project_more("old")
    key = sdk_make(owner.sdk.api_keys.create(name="k", project_id=project_id).key)
    assert key.auth.connections.list().items == []
    owner.sdk.projects.update(project_id, status="archived")
    with pytest.raises(NotFoundError):
        key.auth.connections.list()


def test_limits_of_a_project(owner: Tenant) -> None:
    limits = owner.sdk.projects.limits
    assert limits.retrieve("default").max_concurrent_sessions is None
    changed = limits.update("default", max_concurrent_sessions=3, max_concurrent_invocations=2)
    assert (changed.max_concurrent_sessions, changed.max_concurrent_invocations) == (3, 2)
    changed = limits.update("default", max_concurrent_sessions=0)
    assert (changed.max_concurrent_sessions, changed.max_concurrent_invocations) == (None, 2)
    with pytest.raises(BadRequestError):
        limits.update("default", max_pooled_sessions=1)
    with pytest.raises(BadRequestError):
        limits.update("default", max_concurrent_sessions=-1)


@pytest.mark.parametrize("origin", ["example.com", "https://a.example/path", "javascript:", "https://", "http://a b"])
def test_r20_only_origins_are_listed(owner: Tenant, origin: str) -> None:
    with pytest.raises(BadRequestError):
        owner.sdk.patch("/org/projects/default", cast_to=object, body={"allowed_origins": [origin]})
    listed = {"allowed_origins": ["https://App.example/", "myapp:"]}
    answer = owner.sdk.patch("/org/projects/default", cast_to=dict[str, Any], body=listed)
    assert answer["allowed_origins"] == ["https://app.example", "myapp:"]
