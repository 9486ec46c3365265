"""The package works where POSIX's own modules are missing, and asks for its calls by name."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.small_runs import ENVIRONMENT

PACKAGE = Path(__file__).parent.parent / "nanoknow"
MODULES = {"fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "posix", "syslog", "crypt"}
PORTABLE = {
    "os": {
        *("PathLike", "close", "devnull", "dup2", "environ", "fsync", "getpid", "open", "path"),
        *("sep", "strerror", "stat_result", "walk", "O_RDONLY", "O_WRONLY", "SEEK_END"),
        *("cpu_count", "fdopen", "fspath", "replace", "linesep", "name", "curdir", "pardir"),
    },
    "signal": {
        "SIGINT",
        "SIGTERM",
        "SIG_DFL",
        "SIG_IGN",
        "getsignal",
        "SIG_BLOCK",
        "SIG_SETMASK",
        "raise_signal",
        "signal",
    },
}
"""What is used of modules that have more on some systems than on others."""
SCRIPT = """
import importlib, io, os, pkgutil, signal, sys, warnings
from contextlib import redirect_stdout
from pathlib import Path

for name in {modules}:
    sys.modules[name] = None
for name in ("O_NOFOLLOW", "O_NONBLOCK", "fchmod", "sync", "mkfifo"):
    delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "pthread_sigmask", "alarm"):
    delattr(signal, name)
warnings.simplefilter("error")
import nanoknow
from typer.main import get_command
from nanoknow.cli.app import app

def commands(command, names):
    yield names
    for name, each in getattr(command, "commands", {{}}).items():
        yield from commands(each, [*names, name])

for names in commands(get_command(app), []):
    with redirect_stdout(io.StringIO()):
        try:
            app([*names, "--help"])
        except SystemExit as end:
            assert not end.code, names
assert "torch" not in sys.modules
warnings.simplefilter("ignore")  # of other packages, that their locks are soft
for module in pkgutil.walk_packages(nanoknow.__path__, "nanoknow."):
    if module.name != "nanoknow.__main__":
        importlib.import_module(module.name)
from nanoknow.runs.lock import is_locked, lock_run
from nanoknow.system.files import append, read_regular, sync_folder, write_atomically
here = Path(sys.argv[1])
with lock_run(here):
    assert is_locked(here)
    write_atomically(here / "file", b"a")
    append(here / "file", b"b")
    sync_folder(here)
assert read_regular(here / "file") == b"ab"
assert not is_locked(here)
"""


@pytest.mark.slow
def test_everything_imports_and_every_help_shows_without_the_modules_of_posix(
    tmp_path: Path,
) -> None:
    script = SCRIPT.format(modules=sorted(MODULES - {"posix"}))
    command = [sys.executable, "-c", script, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert result.returncode == 0, result.stderr


def test_no_module_imports_or_calls_what_only_some_systems_have() -> None:
    odd = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
                if node.module in PORTABLE:
                    odd += [f"{path.name}: from {node.module}"]
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                known = PORTABLE.get(node.value.id)
                odd += [f"{path.name}: {node.attr}"] if known and node.attr not in known else []
            odd += [f"{path.name}: {name}" for name in names if name.split(".")[0] in MODULES]
    assert odd == []
