"""No module reads or writes pickles, but for the one that lets torch read tensors from some."""

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


SOLE = Path("sharing", "params.py")
"""Which reads the course's state dicts, and only by what torch restricts to tensors."""


def test_the_one_reader_of_pickles_lets_torch_read_tensors_alone() -> None:
    tree = ast.parse(
        Path(str(nanoknow.__file__)).with_name("sharing").joinpath("params.py").read_text()
    )
    calls = [
        n for n in ast.walk(tree) if isinstance(n, ast.Call) and ast.unparse(n.func) == "torch.load"
    ]
    [only] = [{k.arg: ast.unparse(k.value) for k in call.keywords} for call in calls]
    assert only["weights_only"] == "True"


def test_no_module_reads_or_writes_pickles() -> None:
    sample = "import pickle\nfrom torch import load\nimport torch\ntorch.save({}, 'x')\nf.load(1)"
    assert pickling(sample) == ["pickle", "load", "torch.save"]
    folder = Path(str(nanoknow.__file__)).parent
    modules = sorted(folder.rglob("*.py"))
    assert folder / "runs" / "checkpoint.py" in modules
    offenders = {str(m): pickling(m.read_text(encoding="utf-8")) for m in modules}
    assert {m: found for m, found in offenders.items() if found} == {
        str(folder / SOLE): ["torch.load"]
    }
