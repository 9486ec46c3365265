"""No module reads or writes pickles."""

import ast
from pathlib import Path

import nanoknow

FORBIDDEN_MODULES = {
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal",
}  # fmt: skip
FORBIDDEN_CALLS = {("torch", "load"), ("torch", "save"), ("np", "load"), ("numpy", "load")}


def pickling(source: str) -> list[str]:
    """Name what a module imports or calls that reads or writes pickles."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [a.name for a in node.names if a.name.split(".")[0] in FORBIDDEN_MODULES]
        elif isinstance(node, ast.ImportFrom):
            top = (node.module or "").split(".")[0]
            found += [
                a.name
                for a in node.names
                if top in FORBIDDEN_MODULES or (top, a.name) in FORBIDDEN_CALLS
            ]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            call = (node.value.id, node.attr)
            found += [".".join(call)] if call in FORBIDDEN_CALLS else []
    return found


def test_no_module_reads_or_writes_pickles() -> None:
    sample = "import pickle\nfrom torch import load\nimport torch\ntorch.save({}, 'x')\nf.load(1)"
    assert pickling(sample) == ["pickle", "load", "torch.save"]
    folder = Path(str(nanoknow.__file__)).parent
    modules = sorted(folder.rglob("*.py"))
    assert folder / "runs" / "checkpoint.py" in modules
    offenders = {str(m): pickling(m.read_text(encoding="utf-8")) for m in modules}
    assert {m: found for m, found in offenders.items() if found} == {}
