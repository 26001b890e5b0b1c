"""Rows for tests, with defaults."""

from datetime import UTC, datetime

from flows.engine.contract import AskedField, Pause
from flows.engine.reading.model import FieldRole
from flows.models import Connection, Flow
from flows.services.connections import NewConnection, connection_create
from flows.services.flows import flow_start
from vault.principal import Principal
from vault.tenancy import organization_create

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LOOPBACK = ("127.0.0.0/8", "localhost")


def make_principal(name: str = "acme") -> Principal:
    organization, project = organization_create(name)
    return Principal(organization_id=organization.id, project_id=project.id, key_id="key_test", key_name="test")


def make_connection(
    principal: Principal, *, domain: str = "example.com", profile_name: str = "work", **options: object
) -> Connection:
    new = NewConnection(domain=domain, profile_name=profile_name, **options)  # type: ignore[arg-type]  # passed through
    return connection_create(principal, new, ssrf_allow=LOOPBACK, now=NOW)


def make_flow(connection: Connection, *, now: datetime = NOW) -> Flow:
    flow, _ = flow_start(connection, now=now)
    return flow


USERNAME = AskedField(id="f1", ref="username", role=FieldRole.IDENTIFIER, name="login", label="Login")
PASSWORD = AskedField(id="f2", ref="password", role=FieldRole.PASSWORD, name="pw", label="Password")
CODE = AskedField(id="f3", ref="code", role=FieldRole.CODE, name="otp", label="Code")


def make_pause(*fields: AskedField, **options: object) -> Pause:
    return Pause(
        url="https://example.com/login",
        title="Sign in",
        fields=fields or (USERNAME, PASSWORD),
        **options,  # type: ignore[arg-type]  # passed through
    )
