"""Whether the process that holds something is dead, and freeing what it held."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from flows.models import BrowserSession, Flow
from flows.runner import holder
from flows.runner.holder import holder_name, holders_dead
from flows.services.flows import flow_claim, flow_renew, flows_abandoned, flows_holders, flows_orphan
from flows.services.sessions import sessions_holders, sessions_lapsed, sessions_orphan
from tests.flows.factories import NOW, make_connection, make_flow, make_principal


def of_process(pid: int) -> str:
    return holder_name().replace(f":{os.getpid()}:", f":{pid}:")


def gone() -> int:
    """The id of a process that has ended and was reaped."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_a_name_fits_its_column_and_is_never_given_twice() -> None:
    names = {holder_name() for _ in range(20)}
    assert len(names) == 20
    assert all(len(name) <= 80 for name in names)


def test_who_is_dead() -> None:
    mine = holder_name()
    earlier = holder_name()  # of the same process id: an incarnation before this one
    dead, alive = of_process(gone()), of_process(os.getppid())
    elsewhere = dead.rsplit(":", 2)[0] + ":another:0"
    assert holders_dead([mine, earlier, dead, alive, elsewhere, "w1", ""], mine=mine) == [earlier, dead]


def test_nobody_is_taken_for_dead_where_the_system_does_not_say(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = of_process(gone())
    monkeypatch.setattr(holder, "BOOT", holder.BOOT / "missing")
    assert holders_dead([dead, holder_name()], mine="me") == []


@pytest.mark.django_db
def test_what_a_dead_worker_held_is_handed_out_at_once() -> None:
    flow = make_flow(make_connection(make_principal()))
    claim = flow_claim(flow.id, holder="dead", now=NOW)
    other = flow_claim(make_flow(make_connection(make_principal("globex"))).id, holder="alive", now=NOW)
    assert claim is not None
    assert other is not None
    assert sorted(flows_holders()) == ["alive", "dead"]
    soon = NOW + timedelta(seconds=1)
    assert flows_abandoned(now=soon) == []
    assert flows_orphan(["dead"], now=soon) == 1
    assert flows_abandoned(now=soon) == [flow.id]
    assert flow_claim(flow.id, holder="alive", now=soon) is not None
    assert not flow_renew(claim, now=soon)
    assert flow_renew(other, now=soon)
    assert Flow.objects.get(pk=flow.id).attempt == 2


@pytest.mark.django_db
def test_a_dead_workers_browsers_end_at_the_next_look() -> None:
    principal = make_principal()
    session = BrowserSession.objects.create(
        organization_id=principal.organization_id,
        project_id=principal.project_id,
        state=BrowserSession.State.RUNNING,
        lease_holder="dead",
        lease_expires_at=NOW + timedelta(seconds=30),
        created_at=NOW,
        last_activity_at=NOW,
    )
    assert sessions_holders() == ["dead"]
    assert sessions_lapsed(now=NOW) == []
    assert sessions_orphan(["dead"], now=NOW) == 1
    assert sessions_lapsed(now=NOW) == [session.id]
    assert BrowserSession.objects.get(pk=session.pk).ending == BrowserSession.Ending.LOST
