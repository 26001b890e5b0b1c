"""Pictures of every step: `uv run python -m tests.hosted.gallery FOLDER [--only NAME …] [--languages en de ar ja]`.

Each on a phone and a desktop, light and dark. With `--axe` each of them is also examined, and findings end the run
with an error.
"""

import argparse
import asyncio
import itertools
import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--only", nargs="*", default=[])
    arguments.add_argument("--languages", nargs="*", default=["en", "de", "ar", "ja"])
    arguments.add_argument("--axe", action="store_true")
    options = arguments.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        _set_up(place)
        findings = asyncio.run(_shoot(options))
    for finding in findings:
        print(finding)
    sys.exit(bool(findings))


def _set_up(place: str) -> None:
    os.environ["AUTHSVC_DATA_DIR"] = place
    os.environ["DATABASE_URL"] = f"sqlite:///{place}/gallery.sqlite3"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


async def _shoot(options: argparse.Namespace) -> list[str]:
    import uvicorn
    from django.conf import settings
    from django.core.asgi import get_asgi_application
    from playwright.async_api import async_playwright

    from flows.engine.chromium import headless_shell_path
    from tests.hosted.axe import STAY, axe_findings
    from tests.hosted.scenes import SCENES, principals_make, scene_open
    from vault.aio import run_db

    listener = socket.create_server(("127.0.0.1", 0))
    settings.BASE_URL = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(
        uvicorn.Config(get_asgi_application(), log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    )
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    plain, branded = await run_db(principals_make)
    findings: list[str] = []
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=headless_shell_path(), args=["--no-sandbox"])
        for scene in SCENES:
            if options.only and scene.name not in options.only:
                continue
            opening = await run_db(scene_open, scene, branded if scene.branded else plain)
            looks = itertools.product((("phone", PHONE), ("desktop", DESKTOP)), ("light", "dark"), options.languages)
            for (device, size), theme, language in looks:
                context = await browser.new_context(**size, color_scheme=theme, locale=language)
                if opening.cookie is not None:
                    name, value = opening.cookie
                    await context.add_cookies([{"name": name, "value": value, "url": settings.BASE_URL}])
                page = await context.new_page()
                await page.add_init_script(STAY)  # nothing moves on by itself
                await page.goto(f"{settings.BASE_URL}{opening.path}", wait_until="load")
                name = f"{scene.name}-{device}-{theme}-{language}"
                await page.screenshot(path=options.folder / f"{name}.png", full_page=True)
                if options.axe:
                    findings += [f"{name}: {finding}" for finding in await axe_findings(page)]
                await context.close()
        await browser.close()
    server.should_exit = True
    await serving
    return findings


if __name__ == "__main__":
    main()
