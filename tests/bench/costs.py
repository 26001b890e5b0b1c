"""What keeping people signed in costs: processor seconds and memory of health checks, in a service that runs whole.

    uv run python -m tests.bench.costs [--seconds 60] [--connections 4] [--json]

One service as `up` starts it, without the demo; its processes are watched from outside, twenty times a second. First it
does nothing, then it checks sites that only a browser can tell about, then sites where plain requests do. The sites run
in this process and are not counted. Figures per month are for checks at every hour; for memory they are what is held
more than at rest, all the time: a browser stays warm for five minutes, and 100 connections have a check every 36 s.
"""

import argparse
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field

import httpx
import psutil
from kernel import Kernel
from prometheus_client.parser import text_string_to_metric_families

from tests.bench.soak import connected
from tests.service.stack import Stack, running
from tests.sites.endings import App, EndingSite
from tests.sites.server import serving

TOKEN = "costs-" + "t" * 32
SPEED = 60  # an interval of 300 s is one of 5
SAMPLE_SECONDS = 0.05
HOURS = 730  # of a month
BUSY = 0.7  # of the machine: the rest is for logins and peaks


@dataclass
class Meter:
    """Processor seconds and memory of a process and all below it, those that ended meanwhile included."""

    root: psutil.Process
    spent: dict[tuple[int, float], float] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        return sum(self.spent.values())

    def sample(self, *, memory: bool) -> None:
        held = 0
        for process in [self.root, *self.root.children(recursive=True)]:
            try:
                times = process.cpu_times()
                self.spent[process.pid, process.create_time()] = times.user + times.system
                held += process.memory_full_info().pss if memory else 0
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        if memory:
            self.memory.append(held)


@dataclass(frozen=True, slots=True)
class Window:
    """What a stretch of time cost."""

    seconds: float
    processor: float
    memory: float  # bytes on average
    checks: dict[str, int]  # by the way they were made


@contextmanager
def metered(stack: Stack) -> Iterator[Meter]:
    meter, over = Meter(psutil.Process(stack.process.pid)), threading.Event()
    meter.sample(memory=True)

    def watch() -> None:
        turn = 0
        while not over.wait(SAMPLE_SECONDS):
            turn += 1
            meter.sample(memory=turn % 20 == 0)  # the kernel walks every page for it

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield meter
    finally:
        over.set()
        thread.join()


def window(stack: Stack, meter: Meter, seconds: float) -> Window:
    before, spent, begun, pictures = counted(stack), meter.seconds, time.monotonic(), len(meter.memory)
    time.sleep(seconds)  # what is measured is a stretch of time
    after, took = counted(stack), time.monotonic() - begun
    held = meter.memory[pictures:]
    checks = {way: after[way] - before.get(way, 0) for way in after if after[way] > before.get(way, 0)}
    return Window(took, meter.seconds - spent, sum(held) / max(1, len(held)), checks)


def counted(stack: Stack) -> dict[str, int]:
    """Checks that ended with `ok`, by the way they were made."""
    said = httpx.get(f"{stack.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    name = "authsvc_health_check_seconds_count"
    samples = (item for family in text_string_to_metric_families(said) for item in family.samples)
    return {item.labels["way"]: int(item.value) for item in samples if item.name == name}


@dataclass(frozen=True, slots=True)
class Cost:
    way: str
    checks: int
    processor: float  # seconds per check
    hourly: int  # connections that two cores keep checked at every hour
    month_processor: int  # seconds per 100 connections and month
    month_memory: int  # GiB·h, the same


def measure(*, seconds: float, connections: int) -> tuple[Window, list[Cost]]:
    env = {
        "AUTHSVC_CHECK_SPEED": str(SPEED),
        "AUTHSVC_BEAT_SECONDS": "1",
        "AUTHSVC_DOMAIN_CHECKS": "0",
        "AUTHSVC_METRICS_TOKEN": TOKEN,
    }
    with ExitStack() as opened:
        stack = opened.enter_context(running(env=env))
        meter = opened.enter_context(metered(stack))
        client = stack.client()
        idle = window(stack, meter, min(seconds, 30))
        print(f"idle: {idle.processor / idle.seconds:.3f} cores, {idle.memory / 2**30:.2f} GiB", flush=True)
        browser = checked(stack, meter, client, App.TOKEN, seconds=seconds, connections=connections)
        plain = checked(stack, meter, client, App.PAGES, seconds=seconds, connections=connections)
        by_browser = cost("browser", idle, browser, others=0.0)
        share = plain.checks.get("browser", 0) * by_browser.processor
        return idle, [by_browser, cost("request", idle, plain, others=share)]


def checked(stack: Stack, meter: Meter, client: Kernel, app: App, *, seconds: float, connections: int) -> Window:
    """Sites of one kind, each with a session of its own, checked every five seconds."""
    with ExitStack() as sites:
        ids = []
        for _ in range(connections):
            server = sites.enter_context(serving())
            ids.append(connected(client, EndingSite(server, app)))
        time.sleep(20)  # they learn whether requests will do
        found = window(stack, meter, seconds)
        for connection_id in ids:
            client.auth.connections.delete(connection_id)
        print(f"{app}: {found.checks} checks, {found.processor / found.seconds:.3f} cores", flush=True)
        return found


def cost(way: str, idle: Window, busy: Window, *, others: float) -> Cost:
    number = busy.checks.get(way, 0)
    if not number:
        raise RuntimeError(f"no check by {way} ended: {busy.checks}")
    at_rest = idle.processor / idle.seconds * busy.seconds
    processor = max(0.0, busy.processor - at_rest - others) / number
    memory = max(0.0, busy.memory - idle.memory) / 2**30
    return Cost(
        way,
        number,
        round(processor, 3),
        round(2 * 3600 * BUSY / processor) if processor else 0,
        round(processor * 100 * HOURS),
        round(memory * HOURS),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    idle, costs = measure(seconds=given.seconds, connections=given.connections)
    if given.json:
        print(json.dumps({"idle": asdict(idle), "costs": [asdict(found) for found in costs]}, indent=1))
        return 0
    for found in costs:
        print(
            f"by {found.way}: {found.checks} checks, {found.processor} s of processor each; two cores keep "
            f"{found.hourly} connections checked at every hour; 100 connections take {found.month_processor} s of "
            f"processor and {found.month_memory} GiB·h a month"
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
