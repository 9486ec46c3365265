"""Every place of the package that opens, makes, renames or deletes a file is known here."""

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "nanoknow"
CALLS = {
    *("open", "fdopen", "open_code", "read_bytes", "read_text", "write_bytes", "write_text"),
    *("touch", "truncate", "mkfifo", "mmap", "memmap", "safe_open", "load_file", "save_file"),
    *("fromfile", "tofile", "genfromtxt", "loadtxt", "savetxt", "savez", "savefig", "load", "save"),
    *("rename", "renames", "replace", "mkdir", "makedirs", "unlink", "remove", "rmdir", "rmtree"),
    *("symlink_to", "hardlink_to", "symlink", "link", "copy", "copy2", "copyfile", "copytree"),
    *("copyfileobj", "move", "chmod", "NamedTemporaryFile", "TemporaryFile", "mkstemp", "mkdtemp"),
    *("TemporaryDirectory", "SpooledTemporaryFile", "urlopen", "urlretrieve", "FileLock"),
    *("SoftFileLock", "SummaryWriter", "require_tensorboard", "FileHandler", "to_csv", "read_csv"),
    "PackageLoader",
}
"""Names that functions which open, make or change a file have; some are names of other things."""
OTHERS = {
    *("AnsweringRun.open", "Run.open", "Subject.open"),  # which read by ``files``
    *("load_file(name_or_path, LawConfig, 'law')", "load_file(name_or_path, SweepConfig, 'sweep')"),
    *("load(self.config", "session.save(", "self.save(", "yaml.load("),
    "left.remove(",  # of a list
    "safetensors.save(",  # to bytes
    "safetensors.load(",  # of bytes
}
"""Beginnings of calls that have such a name and are others."""

WALL = "system/files.py"
OWN = "part of the package, or of the system, at a fixed path"
NAMED = "what a user names: of any kind, read up to a limit"
FOLDER = "makes a folder, which fails where a link or a file has its name, or is one already"
INSIDE = "deletes in a run's folder, links themselves and not what they lead to"
PLACES = {
    "cli/evaluate.py evaluate": ("read_bytes", "the answers that this command just wrote"),
    "config/loading.py described": ("read_text", OWN),
    "config/strict_yaml.py read": ("open", NAMED),
    "data/coding.py Coder._mapped": ("memmap", "a file that ``replacing`` opened"),
    "data/corpus.py _mapped": ("mkdir unlink", "its own folder, and old files in it"),
    "data/corpus.py _open": ("memmap", "a file that ``open_regular`` opened"),
    "data/download.py _download.read": ("urlopen", "up to the file's size and a time"),
    "data/reading.py file_chunks": ("open", NAMED),
    "data/world/build.py write_world": ("mkdir", FOLDER),
    "data/world/words.py _read": ("read_text", OWN),
    "evaluation/evaluate.py save_predictions": ("mkdir", FOLDER),
    "figures/canvas.py rendered": ("savefig", "bytes in memory"),
    "play/server.py _page": ("read_bytes", OWN),
    "report/findings.py environment": ("PackageLoader", OWN),
    "runs/checkpoint.py save_checkpoint": ("mkdir mkdir rename rmtree rmtree rmtree", INSIDE),
    "runs/folders.py new_folder": ("mkdir mkdir", FOLDER),
    "runs/listing.py remove_run": ("rmtree rmtree unlink", INSIDE),
    "runs/lock.py _lock": ("FileLock", "follows no link"),
    "runs/run.py Run.create": ("mkdir", FOLDER),
    "runs/run.py Run.forget_after": ("unlink", INSIDE),
    "sharing/export.py _card": ("read_text", OWN),
    "sharing/params.py read_params": ("load open open", "a regular file, looked at before"),
    "system/device.py _cpu_info": ("read_text", OWN),
    "system/provenance.py _hash_of_code": ("read_bytes", OWN),
    "system/streams.py Guarded.write": ("open", "the null device"),
    "system/streams.py open_streams": ("fdopen open", "the null device"),
    "training/session.py TrainingOptions.__post_init__": ("require_tensorboard", "only asks"),
    "training/loggers.py open_event_log": ("require_tensorboard unlink", INSIDE),
}
"""Each place outside of the wall: the names of its calls, sorted, and why it may."""


def is_of_text(call: ast.Call) -> bool:
    """Tell ``str.replace``, ``dataclasses.replace`` and ``datetime.replace`` from a path's."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    return ast.unparse(call.func).endswith("replace") and (
        len(call.args) != 1 or bool(call.keywords) or not name
    )


def calls(source: str) -> Iterator[tuple[str, str]]:
    """Yield the function that it is in, and the name, of each call that may touch a file."""

    def walk(node: ast.AST, where: str) -> Iterator[tuple[str, str]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call):
                name = getattr(child.func, "attr", getattr(child.func, "id", ""))
                is_other = ast.unparse(child).startswith(tuple(OTHERS)) or is_of_text(child)
                if name in CALLS and not is_other:
                    yield where, name
            inner = where
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                inner = f"{where}.{child.name}".strip(".")
            yield from walk(child, inner)

    return walk(ast.parse(source), "")


def test_every_form_of_call_is_seen() -> None:
    source = (
        "def f(a, b):\n    open(a)\n    a.open()\n    Path(a).write_text(b)\n    a.replace(b)\n"
        "    'x'.replace(a, b)\n    replace(a, c=b)\n    Run.open(a)\n"
        "class C:\n    def g(self):\n        x = [torch.load(a) for a in self]\n"
    )
    assert [where for where, _ in calls(source)] == ["f", "f", "f", "f", "C.g"]


def test_every_place_that_touches_a_file_is_in_the_wall_or_has_a_row() -> None:
    found: dict[str, list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        if module != WALL:
            for where, name in calls(path.read_text(encoding="utf-8")):
                found.setdefault(f"{module} {where}", []).append(name)
    rows = {place: names for place, (names, _) in PLACES.items()}
    assert {place: " ".join(sorted(names)) for place, names in found.items()} == rows


def test_no_module_but_the_wall_opens_by_os() -> None:
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "os.open(" in path.read_text(encoding="utf-8")
    }
    assert users == {WALL, "system/streams.py"}
