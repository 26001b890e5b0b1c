"""What the README promises exists, and what exists is in the README."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

from authsvc.system import NEEDS

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
COMPOSE_TEXT = (ROOT / "docker-compose.yml").read_text("utf-8")
SERVICES = ("web", "worker", "beat", "setup")
READ = re.compile(r"env_(?:str|bool|int|list)\(\s*\"([A-Z_]+)\"")
# Where the machine's own conditions decide; an image has its own answer.
NOT_FOR_COMPOSE = {"AUTHSVC_DATA_DIR", "AUTHSVC_CHROMIUM_PATH", "AUTHSVC_HEADLESS_SHELL_PATH"}


def variables_read() -> set[str]:
    files = (ROOT / "authsvc").rglob("*.py")
    return {name for path in files for name in READ.findall(path.read_text("utf-8"))}


def variables_documented() -> set[str]:
    return set(re.findall(r"^\| `([A-Z_]+)` \|", README, re.MULTILINE))


def test_every_variable_is_documented_and_every_documented_one_is_read():
    assert variables_read() == variables_documented()


def test_the_compose_file_passes_every_variable_on_and_no_other():
    given = {name for service in SERVICES for name in COMPOSE["services"][service]["environment"]}
    assert given == variables_documented() - NOT_FOR_COMPOSE


def test_what_the_compose_file_takes_from_outside_is_in_the_readme():
    for name in set(re.findall(r"\$\{([A-Z_]+)", COMPOSE_TEXT)):
        assert f"`{name}`" in README


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_services_wait_for_setup_and_drop_their_rights(name):
    service = COMPOSE["services"][name]
    assert service["depends_on"]["setup"]["condition"] == "service_completed_successfully"
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


def test_images_are_not_root_at_the_end_of_any_stage():
    stages = re.split(r"^FROM ", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)[1:]
    final = {stage.split("\n")[0].split(" AS ")[1]: re.findall(r"^USER (\S+)", stage, re.MULTILINE) for stage in stages}
    assert final["web"][-1] == "10001:10001"
    assert final["worker"][-1] == "10001:10001"


def test_the_worker_image_has_every_package_a_browser_needs():
    worker = (ROOT / "Dockerfile").read_text("utf-8").partition("FROM web AS worker")[2]
    for need in NEEDS:
        assert re.search(rf"^\s+{re.escape(need.package)} \\$", worker, re.MULTILINE), need.package


def test_the_example_in_the_readme_is_the_one_that_runs():
    for path, code in re.findall(r"<!-- (docs/\S+) -->\n```python\n(.*?)```", README, re.DOTALL):
        assert (ROOT / path).read_text("utf-8") == code
    assert "<!-- docs/examples/stored_credential.py -->" in README


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "examples").glob("*.py")), ids=lambda path: path.name)
def test_an_example_without_what_it_needs_says_how_it_is_called(path: Path, tmp_path: Path):
    (tmp_path / "browser_use.py").write_text("Browser = None", "utf-8")  # none of this project's own packages
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KERNEL_", "DEMO_"))}
    done = subprocess.run(
        [sys.executable, str(path)],
        env=kept | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"usage: {path.name}"), done.stderr
    assert done.stderr.count("\n") == 1


def test_files_the_readme_names_exist():
    for path in set(re.findall(r"\b(?:docs|tests|flows)/[\w/.-]*\w", README)):
        assert (ROOT / path).exists(), path


def test_commands_the_readme_names_exist():
    for name in set(re.findall(r"manage\.py (\w+)", README)):
        assert name in get_commands(), name


def test_every_flow_error_code_is_documented():
    from flows.engine.contract import ErrorCode

    for code in ErrorCode:
        assert f"`{code.value}`" in README


def test_every_refusal_of_a_browser_is_in_its_guide():
    doors = [*(ROOT / "flows" / "api").glob("browser*.py"), ROOT / "flows" / "api" / "replays.py"]
    rooms = [ROOT / "flows" / "services" / f"{name}.py" for name in ("sessions", "allowlists", "replays")]
    code = "\n".join(path.read_text("utf-8") for path in [*doors, *rooms, ROOT / "flows" / "relay.py"])
    guide = (ROOT / "docs" / "browsers.md").read_text("utf-8")
    named = set(re.findall(r"code=\"(\w+)\"", code))
    assert len(named) > 12
    assert {name for name in named if f"`{name}`" not in guide} == set()
    for path in re.findall(r"\]\((examples/[\w.]+)\)", guide):
        assert (ROOT / "docs" / path).exists(), path


def test_exact_versions_without_addresses():
    text = (ROOT / "pyproject.toml").read_text("utf-8")
    block = text.partition("constraint-dependencies = [")[2].partition("\n]")[0]
    lines = [line.strip().strip('",') for line in block.splitlines() if line.strip()]
    assert len(lines) > 80
    assert all(re.fullmatch(r"[\w.\-]+==[\w.+!]+(; .+)?", line) for line in lines)
    assert "://" not in text


def test_r39_the_threat_model_says_what_is_protected_against_whom_and_what_is_not():
    text = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert {"What is worth stealing", "Against whom", "What is not protected"} <= set(headings)
    assert "(docs/threat-model.md)" in README
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = {int(number) for number in re.findall(r"\bR(\d+)\b", text)}
    assert {number for number in named if f"_r{number:02}_" not in tests} == set()
