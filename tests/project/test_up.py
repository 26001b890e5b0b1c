"""What `up` decides and keeps before it starts anything."""

import os
import socket
import stat
from pathlib import Path

import pytest

from authsvc.system import Need, browser_ensure, install_command
from authsvc.up.folder import SOCKET_PATH_LIMIT, Folder, FolderInUse, folder_open, keys_ensure
from authsvc.up.plan import Options, plan_make, redis_binary
from authsvc.up.run import CannotStart, port_check
from authsvc.up.words import ready_text
from vault.keyring import keys_parse


def options(**changed: object) -> Options:
    values = {"host": "127.0.0.1", "port": 8000, "demo_port": 8001, "single_process": False, "is_root": False}
    return Options(**(values | changed))  # type: ignore[arg-type]  # test shorthand


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def names(plan) -> list[str]:
    return [child.name for child in plan.services]


def test_r05_keys_are_made_once_and_only_their_owner_reads_them(folder):
    keys_ensure(folder)
    before = folder.kek_file.read_text(), folder.secret_key_file.read_text()
    keys_ensure(folder)
    assert before == (folder.kek_file.read_text(), folder.secret_key_file.read_text())
    for path in (folder.kek_file, folder.secret_key_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(keys_parse(before[0], name="kek")) == 1
    assert len(before[1]) >= 32
    assert sorted(path.name for path in folder.path.iterdir()) == ["kek", "secret_key"]


def test_r05_two_installations_have_different_keys(tmp_path):
    first, second = Folder(tmp_path / "a"), Folder(tmp_path / "b")
    for one in (first, second):
        one.path.mkdir()
        keys_ensure(one)
    assert first.kek_file.read_text() != second.kek_file.read_text()


def test_a_second_up_on_the_same_folder_is_refused_and_told_by_whom(tmp_path):
    _, lock = folder_open(tmp_path / "data", holder="process 17, http://127.0.0.1:8000")
    with lock, pytest.raises(FolderInUse, match="process 17"):
        folder_open(tmp_path / "data", holder="process 18")
    _, again = folder_open(tmp_path / "data", holder="process 18")
    again.close()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_a_folder_with_a_long_name_gets_its_socket_elsewhere(tmp_path):
    folder = Folder(tmp_path / ("x" * 120))
    assert len(os.fsencode(folder.redis_socket)) <= SOCKET_PATH_LIMIT
    assert folder.redis_socket == Folder(folder.path).redis_socket
    assert Folder(tmp_path / ("y" * 120)).redis_socket != folder.redis_socket


def test_a_port_in_use_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CannotStart, match=f"port {port} on 127.0.0.1 is not free"):
            port_check("127.0.0.1", port)
    port_check("127.0.0.1", port)


def test_embedded_defaults(folder):
    plan = plan_make(options(), folder=folder, environ={"PATH": "/bin"}, redis_path="/usr/bin/redis-server")
    assert names(plan) == ["web", "worker", "beat", "demo"]
    assert plan.redis is not None
    assert plan.env["REDIS_URL"] == f"unix://{folder.redis_socket}"
    assert plan.env["AUTHSVC_BASE_URL"] == "http://127.0.0.1:8000"
    assert plan.env["AUTHSVC_SSRF_ALLOW"] == "127.0.0.0/8,::1,localhost"
    assert "AUTHSVC_BROWSER_SANDBOX" not in plan.env
    assert plan.notes == ()


def test_what_the_environment_says_is_kept(folder):
    environ = {
        "DATABASE_URL": "postgres://u@h/d",
        "REDIS_URL": "redis://h",
        "AUTHSVC_SSRF_ALLOW": "10.0.0.0/8",
        "AUTHSVC_BASE_URL": "https://login.example.com",
    }
    plan = plan_make(options(), folder=folder, environ=environ, redis_path="/usr/bin/redis-server")
    assert plan.redis is None
    assert {name: plan.env[name] for name in environ} == environ


@pytest.mark.parametrize(("redis_path", "single"), [(None, False), ("/usr/bin/redis-server", True)])
def test_without_redis_everything_is_one_process(folder, redis_path, single):
    plan = plan_make(options(single_process=single), folder=folder, environ={}, redis_path=redis_path)
    assert names(plan) == ["service", "demo"]
    assert plan.redis is None
    assert "REDIS_URL" not in plan.env
    assert any("one process" in note for note in plan.notes)


def test_r32_the_sandbox_is_off_only_for_root_and_said(folder):
    plan = plan_make(options(is_root=True), folder=folder, environ={}, redis_path=None)
    assert plan.env["AUTHSVC_BROWSER_SANDBOX"] == "False"
    assert any("WITHOUT its sandbox" in note for note in plan.notes)
    chosen = plan_make(
        options(is_root=True), folder=folder, environ={"AUTHSVC_BROWSER_SANDBOX": "True"}, redis_path=None
    )
    assert chosen.env["AUTHSVC_BROWSER_SANDBOX"] == "True"


def test_r09_keys_are_in_no_argument_and_strangers_get_none(folder):
    keys_ensure(folder)
    environ = {"AUTHSVC_BOOTSTRAP_API_KEY": "sk_canary", "AUTHSVC_KEK": "canary-kek", "DATABASE_URL": "canary-url"}
    plan = plan_make(options(), folder=folder, environ=environ, redis_path="/usr/bin/redis-server")
    assert plan.redis is not None
    for child in (*plan.services, plan.redis):
        assert "canary" not in " ".join(child.argv)
        assert "AUTHSVC_BOOTSTRAP_API_KEY" not in child.env
    demo = plan.services[-1]
    for stranger in (demo, plan.redis):
        assert not any("canary" in value for value in stranger.env.values())


def test_no_demo(folder):
    plan = plan_make(options(demo_port=None), folder=folder, environ={}, redis_path="/usr/bin/redis-server")
    assert "demo" not in names(plan)
    assert "Demo" not in ready_text(options(demo_port=None), made={}, given_key="")


def test_this_machine_has_a_redis():
    assert redis_binary()


def test_the_words_hold_what_a_newcomer_needs():
    text = ready_text(options(), made={"api_key": "sk_1", "admin_password": "pw"}, given_key="")
    for part in ("http://127.0.0.1:8000/docs", "sk_1", "/admin/", "pw", "http://127.0.0.1:8001", "uv run python"):
        assert part in text
    again = ready_text(options(), made={"api_key": None, "admin_password": None}, given_key="")
    assert "as shown at the first start" in again
    assert "sk_given" in ready_text(options(), made={"api_key": None}, given_key="sk_given")


class Machine:
    """A pretended machine: what it lacks, and what installing brings."""

    def __init__(self, *, lacking: set[str], installable: set[str]) -> None:
        self.lacking = lacking
        self.installable = installable
        self.ran: list[tuple[str, ...]] = []
        self.said: list[str] = []

    def missing(self):
        needs = [Need(name, lambda: False, name == "chromium", "purpose") for name in ("chromium", "xvfb")]
        return [need for need in needs if need.package in self.lacking]

    def run(self, command) -> bool:
        self.ran.append(tuple(command))
        if "install" not in command:
            return True
        wanted = set(command[command.index("--no-install-recommends") + 1 :])
        if wanted <= self.installable:
            self.lacking -= wanted
            return True
        return False

    def ensure(self, *, can_install: bool) -> bool:
        return browser_ensure(write=self.said.append, missing=self.missing, can_install=can_install, run=self.run)


def test_what_is_missing_is_installed_by_root():
    machine = Machine(lacking={"chromium", "xvfb"}, installable={"chromium", "xvfb"})
    assert machine.ensure(can_install=True)
    assert machine.lacking == set()


def test_one_package_that_is_not_to_be_had_does_not_stop_the_others():
    machine = Machine(lacking={"chromium", "xvfb"}, installable={"chromium"})
    assert machine.ensure(can_install=True)
    assert machine.lacking == {"xvfb"}
    assert any("Not found: xvfb" in text for text in machine.said)


def test_others_are_told_the_one_command():
    machine = Machine(lacking={"chromium"}, installable={"chromium"})
    assert not machine.ensure(can_install=False)
    assert machine.ran == []
    assert any(install_command(machine.missing()) in text for text in machine.said)


def test_nothing_is_done_where_nothing_is_missing():
    machine = Machine(lacking=set(), installable=set())
    assert machine.ensure(can_install=True)
    assert machine.ran == []
    assert machine.said == []
