"""Connections, their flows, what each flow asked, and what happened; and browsers that callers drive themselves.

Every row names its organization and project, and every query starts from a principal (`for_principal`)."""

from flows.models.browsers import BrowserSession, Replay, ReplayPart
from flows.models.checks import HealthCheck, Picture
from flows.models.connections import (
    DEFAULT_CHECK_INTERVAL,
    Connection,
    ConnectionStatus,
    Proxy,
    RefusedPassword,
    SiteIcon,
)
from flows.models.logins import Flow, FlowEvent, FlowType, Interaction, OnceKey
from flows.models.tallies import Tally

__all__ = [
    "DEFAULT_CHECK_INTERVAL",
    "BrowserSession",
    "Connection",
    "ConnectionStatus",
    "Flow",
    "FlowEvent",
    "FlowType",
    "HealthCheck",
    "Interaction",
    "OnceKey",
    "Picture",
    "Proxy",
    "RefusedPassword",
    "Replay",
    "ReplayPart",
    "SiteIcon",
    "Tally",
]
