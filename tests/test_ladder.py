"""The house holds: imports run one way, and light commands stay light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "nanoknow"
LADDER = (
    ("errors", "files"),
    ("config_values", "config_models", "config_tasks", "config"),
    ("config_errors", "config_file", "sweep_file", "reporter", "signals", "lock"),
    ("data.coding", "data.reading", "data.order", "data.draws", "data.salient"),
    ("data.corpus", "data.tokenizer", "data.facts", "data.lookup", "data.open_book", "data.probes"),
    ("data.evidence", "data.copied"),
    ("data.world_words", "data.world_files", "data.world"),
    ("data.download", "data.sources"),
    (
        "device",
        "memory",
        "data.batch",
        "models.kernels",
        "models.cache",
        "models.layers",
        "models.base",
        "models.latents",
        "models.bfloat16",
    ),
    ("tasks.base", "tasks.encoded_text", "tasks.pieces", "tasks.clauses", "tasks.spans"),
    ("tasks.span_corruption", "tasks.question_answering", "tasks.language_modeling"),
    ("models.vanilla", "models.perceiver"),
    ("tasks.mixed", "tasks.registry", "models.registry"),
    ("optimizer", "checkpoint", "generator", "beam", "complexity", "attention_theory"),
    ("trainer", "evaluator", "attention_experiments", "attention_weights"),
    ("calibration", "knowledge", "wrong_answers", "probing", "report", "comparison"),
    (
        "run_folders",
        "runs",
        "found_runs",
        "plots",
        "plots_runs",
        "plots_attention",
        "plots_compare",
        "event_log",
    ),
    ("svg", "plots_report", "report_tables"),
    ("report_answers", "report_confidence", "report_sections", "report_page"),
    ("recipes.settings", "recipes.sitting", "recipes.resuming", "recipes.training"),
    ("recipes.pretrain", "recipes.finetune", "recipes.examinee", "recipes.evaluate"),
    (
        "recipes.experiment",
        "recipes.ask",
        "recipes.sample",
        "recipes.probe",
        "recipes.report",
        "recipes.compare",
        "recipes.baseline",
        "recipes.data_files",
        "recipes.data_inspect",
        "recipes.augment",
        "recipes.plot",
        "recipes.complexity",
        "recipes.attention_theory",
        "recipes.attention_weights",
        "recipes.demo",
        "recipes.sweep",
    ),
    ("api",),
    ("console", "options", "tables", "tables_attention", "tables_report", "terminal_chart"),
    ("cli_ask", "cli_sample", "cli_plot", "cli_attention", "cli_evaluation"),
    ("cli_data", "cli_training", "cli", "__main__"),
)
ORDER = [room for level in LADDER for room in level]


def rooms() -> dict[str, Path]:
    found = {}
    for path in PACKAGE.rglob("*.py"):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        if not name.endswith("__init__"):
            found[name] = path
    return found


def imports(path: Path) -> set[str]:
    """Return the rooms that a file imports, at its top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nanoknow"):
            module = (node.module or "").removeprefix("nanoknow").removeprefix(".")
            names = [f"{module}.{alias.name}".removeprefix(".") for alias in node.names]
            found |= {module} if module in ORDER else set(names)
    return found & set(ORDER)


def test_every_room_has_its_place_on_the_ladder() -> None:
    assert sorted(rooms()) == sorted(ORDER)


@pytest.mark.parametrize("room", ORDER)
def test_a_room_imports_only_from_below(room: str) -> None:
    above = [other for other in imports(rooms()[room]) if ORDER.index(other) >= ORDER.index(room)]
    assert above == []


@pytest.mark.parametrize("folder", ["data", "models", "tasks", "recipes"])
def test_an_init_file_is_empty(folder: str) -> None:
    assert (PACKAGE / folder / "__init__.py").read_text(encoding="utf-8") == ""


def test_help_and_the_data_commands_load_no_torch(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from nanoknow.cli import app\n"
        "for arguments in (['--help'], ['pretrain', '--help'], ['config', 'show', 'demo'],\n"
        "                  ['attention', '--draws', '2'],\n"
        "                  ['data', 'make', '--people', '20', '--out', sys.argv[1]]):\n"
        "    try:\n"
        "        app(arguments)\n"
        "    except SystemExit as end:\n"
        "        assert not end.code, arguments\n"
        "assert 'torch' not in sys.modules\n"
        "import nanoknow\n"
        "assert 'torch' not in sys.modules\n"
    )
    command = [sys.executable, "-W", "error", "-c", script, str(tmp_path / "world")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "world" / "wiki.txt").exists()
