"""`up` itself: prepare, start, wait until all of it works, say so, and stop cleanly."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from redis import Redis, RedisError

from authsvc.system import browser_ensure
from authsvc.up.folder import Folder, FolderInUse, folder_open, keys_ensure
from authsvc.up.orphans import orphans_adopt, orphans_bury, orphans_end
from authsvc.up.plan import ROOT, Options, Plan, plan_make, redis_binary
from authsvc.up.supervisor import Supervisor
from authsvc.up.words import line_prefixed, ready_text
from authsvc.workers import broker_address, workers_answering

START_SECONDS = 180.0  # a small or busy machine takes its time; a child that fails says so itself
POLL_SECONDS = 0.1


class CannotStart(Exception):
    """The text says why, to a person."""


def up_run(options: Options, *, data_dir: Path, environ: Mapping[str, str], write: Callable[[str], None]) -> None:
    """Run until told to stop. Raises `CannotStart`."""
    port_check(options.host, options.port)
    try:
        folder, lock = folder_open(data_dir, holder=f"process {os.getpid()}, {options.url}")
    except FolderInUse as error:
        raise CannotStart(f"another `up` runs on {data_dir} ({error}). Stop it, or set AUTHSVC_DATA_DIR") from None
    except OSError as error:
        raise CannotStart(f"{data_dir} cannot be used: {error.strerror}") from None
    with lock:
        keys_ensure(folder)
        if not browser_ensure(write=write):
            raise CannotStart("there is no Chromium to log in with")
        plan = plan_make(options, folder=folder, environ=environ, redis_path=redis_binary())
        for note in plan.notes:
            write(f"NOTE: {note}")
        orphans_adopt()
        try:
            asyncio.run(_run(options, plan=plan, folder=folder, given_key=_given_key(environ), write=write))
        finally:
            orphans_end()


def _given_key(environ: Mapping[str, str]) -> str:
    return environ.get("AUTHSVC_BOOTSTRAP_API_KEY", "")


def port_check(host: str, port: int) -> None:
    """Raises `CannotStart` when somebody listens there already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CannotStart(f"port {port} on {host} is not free: {error.strerror}. Try --port") from None


async def _run(options: Options, *, plan: Plan, folder: Folder, given_key: str, write: Callable[[str], None]) -> None:
    supervisor = Supervisor(write=lambda name, text: write(line_prefixed(name, text)))
    stop = _stop_event()
    bury = asyncio.create_task(orphans_bury(lambda: supervisor.pids))
    starting = asyncio.create_task(_start(options, plan, folder, supervisor, given_key, write))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await stopping
        write("Stopping …")
    finally:
        for task in (starting, stopping, bury):
            task.cancel()
        await asyncio.gather(starting, stopping, bury, return_exceptions=True)
        await supervisor.stop(last=["redis"])
    write("Stopped.")


def _stop_event() -> asyncio.Event:
    """Set by Ctrl-C, SIGTERM or a closed terminal; a second Ctrl-C during the stop changes nothing."""
    event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, event.set)
    return event


async def _start(
    options: Options,
    plan: Plan,
    folder: Folder,
    supervisor: Supervisor,
    given_key: str,
    write: Callable[[str], None],
) -> None:
    if plan.redis is not None:
        supervisor.start(plan.redis)
        await _until("Redis", lambda: asyncio.to_thread(_redis_answers, plan.env["REDIS_URL"]))
    write("Preparing the database …")
    made = await _bootstrap(plan.env, given_key=given_key)
    write(f"Starting {', '.join(child.name for child in plan.services)} …")
    for child in plan.services:
        supervisor.start(child)
    await _until("the web process", lambda: asyncio.to_thread(_address_answers, f"{options.url}/readyz"))
    if options.demo_url:
        address = f"{options.demo_url}/login"
        await _until("the demo site", lambda: asyncio.to_thread(_address_answers, address))
    if plan.env.get("REDIS_URL"):
        await _until("the worker", lambda: asyncio.to_thread(_worker_answers, plan.env))
    write(ready_text(options, made=made, given_key=given_key))


async def _bootstrap(env: Mapping[str, str], *, given_key: str) -> dict[str, str | None]:
    """Bring the database up to date and make what is missing; what was made, secrets included."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(ROOT / "manage.py"), "bootstrap", "--migrate", "--json"),
        env={**env, "AUTHSVC_BOOTSTRAP_API_KEY": given_key},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        process_group=0,
    )
    try:
        output, _ = await process.communicate()
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise CannotStart("the database could not be prepared; see above")
    made: dict[str, str | None] = json.loads(output)
    return made


async def _until(name: str, answers: Callable[[], Awaitable[bool]]) -> None:
    """Ask again and again until it answers. Raises `CannotStart` after a while."""
    try:
        async with asyncio.timeout(START_SECONDS):
            while True:
                if await answers():
                    return
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise CannotStart(f"{name} did not come up within {START_SECONDS:.0f} s; see above") from None


def _redis_answers(url: str) -> bool:
    client = Redis.from_url(url)
    try:
        return bool(client.ping())
    except (RedisError, OSError):
        return False
    finally:
        client.close()


def _address_answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as response:  # noqa: S310 - an http address of ours
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _worker_answers(env: Mapping[str, str]) -> bool:
    broker = env.get("CELERY_BROKER_URL") or broker_address(env["REDIS_URL"])
    return bool(workers_answering(broker))
