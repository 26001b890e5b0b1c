"""`manage.py up`: the whole service on this machine, in one go."""

import os
import socket
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from authsvc.up.plan import DEMO_HOST, Options
from authsvc.up.run import CannotStart, up_run

DEMO_PORTS = 20


class Command(BaseCommand):
    help = "Start everything: database, Redis, web, worker, beat and a demo site. State lives in AUTHSVC_DATA_DIR."
    requires_system_checks: list[str] = []  # it makes the keys that they ask for

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="where the service listens (default 8000)")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default 127.0.0.1)")
        parser.add_argument("--no-demo", action="store_true", help="without the demo site")
        parser.add_argument("--single-process", action="store_true", help="everything in one process, no Redis")

    def handle(self, *, port: int, host: str, no_demo: bool, single_process: bool, **_: Any) -> None:
        if not 1 <= port <= 65535:
            raise CommandError(f"--port must be between 1 and 65535, not {port}")
        options = Options(
            host=host,
            port=port,
            demo_port=None if no_demo else _free_port(range(port + 1, port + 1 + DEMO_PORTS)),
            single_process=single_process,
            is_root=os.geteuid() == 0,
        )
        try:
            up_run(options, data_dir=settings.DATA_DIR, environ=os.environ, write=self._write)
        except CannotStart as error:
            raise CommandError(str(error)) from None

    def _write(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def _free_port(ports: Iterable[int]) -> int:
    """The first port that nobody listens on."""
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex((DEMO_HOST, port)) != 0:
                return port
    raise CommandError("no free port for the demo site; try --no-demo")
