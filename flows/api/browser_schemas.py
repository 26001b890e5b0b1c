"""Bodies and answers of `/browsers`. The `kernel` package's types are their specification."""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import Field, StringConstraints

from flows.api.schemas import BrowserProxy, Name, Short
from vault.api.schemas import ProfileOut

Region = Literal["us-east", "us-west", "eu-west", "ap-southeast"]
Memory = Literal["1GiB", "2GiB", "4GiB", "8GiB", "16GiB"]
Size = Annotated[int, Field(ge=1, le=32767)]
TagText = Annotated[str, StringConstraints(max_length=256)]
Tags = Annotated[dict[Annotated[str, StringConstraints(min_length=1, max_length=128)], TagText], Field(max_length=50)]


class ProfileReference(Schema):
    """Exactly one of id and name."""

    id: Short | None = None
    name: Short | None = None
    save_changes: bool = False


class Viewport(Schema):
    height: Size
    width: Size
    refresh_rate: Annotated[int, Field(ge=1, le=1000)] | None = None


class ViewportUpdate(Viewport):
    force: bool = False


class Reference(Schema):
    id: Short | None = None
    name: Short | None = None


class Location(Schema):
    locale: Annotated[str, StringConstraints(max_length=35)] | None = None
    timezone: Annotated[str, StringConstraints(max_length=64)] | None = None


HostEntry = Annotated[str, StringConstraints(min_length=1, max_length=260)]
AllowedHosts = Annotated[list[HostEntry], Field(min_length=1, max_length=1000)]


class AllowlistState(Schema):
    """`revision` is what a conditional change names; the others tell of the last one."""

    revision: str
    base_revision: str | None = None
    mutation_id: str | None = None


class Network(Schema):
    allowed_hosts: AllowedHosts | None = Field(None, description="The only destinations; absent: any")
    private_hosts: list[Any] | None = Field(None, description="Nothing goes around the way out: refused unless empty")
    proxy_routes: list[Any] | None = Field(None, description="Not on this installation: refused unless empty")


class NetworkUpdate(Schema):
    allowed_hosts: AllowedHosts | None = Field(None, description="Takes the list's place; null removes it for good")
    expected_allowlist_revision: Short | None = None
    mutation_id: Short | None = None
    private_hosts: list[Any] | None = Field(None, description="Fixed: a change is refused")
    proxy_routes: list[Any] | None = Field(None, description="Fixed: a change is refused")


class NetworkOut(Schema):
    allowed_hosts: list[str] | None = None
    allowlist_state: AllowlistState | None = None


class BrowserCreate(Schema):
    """Parts that mean nothing to this installation (region, memory, telemetry, extensions, vaults) are kept and, where
    the answer has room, echoed."""

    profile: ProfileReference | None = None
    headless: bool = False
    stealth: bool = False
    kiosk_mode: bool = False
    viewport: Viewport | None = None
    start_url: Short | None = None
    proxy: BrowserProxy | None = None
    proxy_id: Short | None = Field(None, description="Deprecated: use proxy")
    timeout_seconds: Annotated[int, Field(ge=10, le=259_200)] = Field(60, description="Of inactivity")
    name: Name | None = None
    tags: Tags | None = None
    location: Location | None = None
    region: Region | None = None
    memory: Memory | None = None
    telemetry: dict[str, Any] | None = None
    extensions: Annotated[list[Reference], Field(max_length=50)] | None = None
    vaults: Annotated[list[Reference], Field(max_length=50)] | None = None
    invocation_id: Short | None = None
    gpu: bool = Field(False, description="Not on this installation: true is refused")
    video_memory: Literal["2GiB", "4GiB"] | None = None
    network: Network | None = None
    chrome_policy: dict[str, Any] | None = Field(None, description="Not on this installation: refused unless empty")


class BrowserUpdate(Schema):
    """Absent members stay as they are."""

    name: Annotated[str, StringConstraints(max_length=255)] | None = None
    tags: Tags | None = None
    profile: ProfileReference | None = None
    viewport: ViewportUpdate | None = None
    start_url: Short | None = None
    proxy: BrowserProxy | None = None
    proxy_id: Short | None = Field(None, description="Deprecated: use proxy; empty removes it")
    disable_default_proxy: bool | None = Field(None, description="Deprecated: use proxy.mode")
    telemetry: dict[str, Any] | None = None
    location: Location | None = Field(None, description="A running browser keeps its own: a change is refused")
    network: NetworkUpdate | None = None


class LocationOut(Schema):
    locale: str
    locale_source: Literal["override", "default"]
    timezone: str
    timezone_source: Literal["override", "default"]


class Usage(Schema):
    uptime_ms: int


class BrowserOut(Schema):
    session_id: str
    cdp_ws_url: str = Field(description="For CDP clients, as long as the browser lives; empty afterwards")
    webdriver_ws_url: str = Field(description="Empty: WebDriver BiDi is not spoken here")
    created_at: datetime
    headless: bool
    stealth: bool
    timeout_seconds: int
    memory: Memory
    region: Region
    browser_live_view_url: str | None = None
    deleted_at: datetime | None = None
    gpu: bool | None = None
    kiosk_mode: bool | None = None
    location: LocationOut | None = None
    name: str | None = None
    network: NetworkOut | None = None
    profile: ProfileOut | None = None
    profile_save_changes: bool | None = None
    proxy: BrowserProxy | None = None
    proxy_id: str | None = None
    start_url: str | None = None
    tags: dict[str, str] | None = None
    telemetry: dict[str, Any] | None = None
    usage: Usage | None = None
    usage_status: Literal["pending", "ready"] | None = None
    vaults: list[Reference] | None = None
    viewport: Viewport | None = None
