"""nanoknow as it is installed: a wheel, run away from its checkout (``make wheel``)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import nanoknow

pytestmark = pytest.mark.wheel
CHECKOUT = Path(__file__).parents[1]
CONFIGS = {str(path.relative_to(CHECKOUT)) for path in (CHECKOUT / "configs").rglob("*.yaml")}


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with nanoknow installed from a wheel."""
    built, target = tmp_path_factory.mktemp("built"), tmp_path_factory.mktemp("installed")
    pip("wheel", "--no-deps", "--wheel-dir", built, CHECKOUT)
    [wheel] = built.iterdir()
    pip("install", "--no-deps", "--target", target, wheel)
    return target


def run_installed(target: Path, cwd: Path, *command: str | Path) -> str:
    """Run a command of an installation in a folder that is not the checkout's."""
    environment = {**os.environ, "PYTHONPATH": str(target)}
    result = subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env=environment, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_command_of_a_wheel_runs_anywhere(installed: Path, tmp_path: Path) -> None:
    command = installed / "bin" / "nanoknow"
    version = run_installed(installed, tmp_path, command, "--version")
    assert version == f"nanoknow {nanoknow.__version__}\n"
    module = (sys.executable, "-m", "nanoknow")
    assert run_installed(installed, tmp_path, *module, "--version") == version
    assert "people: " in run_installed(installed, tmp_path, *module, "config", "show", "demo")
    make = ("data", "make", "--people", "20", "--out", "world")
    run_installed(installed, tmp_path, *module, *make)
    assert (tmp_path / "world" / "wiki.txt").exists()
    run_installed(installed, tmp_path, *module, *make[:-1], "facts", "--relations", "6")
    assert (tmp_path / "facts" / "corpus.txt").exists()


def test_a_wheel_finds_its_own_configs(installed: Path, tmp_path: Path) -> None:
    script = (
        "from nanoknow.config.loading import shipped\n"
        "for folder in ('', 'sweeps', 'laws'):\n"
        "    print(*shipped(folder).values(), sep='\\n')\n"
    )
    found = run_installed(installed, tmp_path, sys.executable, "-c", script).splitlines()
    assert {str(Path(path).relative_to(installed / "nanoknow")) for path in found} == CONFIGS
    for path in found:
        name = Path(path).relative_to(installed / "nanoknow")
        assert Path(path).read_bytes() == (CHECKOUT / name).read_bytes()


def test_a_wheel_has_what_a_report_is_made_of(installed: Path) -> None:
    own = CHECKOUT / "nanoknow/report"
    parts = {path.name for path in own.iterdir() if path.suffix in (".html", ".css", ".js")}
    assert {path.suffix for path in map(Path, parts)} == {".html", ".css", ".js"}
    for name in parts:
        assert (installed / "nanoknow/report" / name).read_bytes() == (own / name).read_bytes()


def test_an_editable_install_leaves_no_copy_of_the_configs(tmp_path: Path) -> None:
    pip("install", "--no-deps", "--target", tmp_path, "--editable", CHECKOUT)
    assert list(tmp_path.glob("*.dist-info"))
    assert not list(tmp_path.rglob("*.yaml"))
