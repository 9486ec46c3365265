"""``nanoknow import``: state dicts of the textbook's transformer."""

import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

import nanoknow
from nanoknow.errors import DataError
from nanoknow.runs.run import Run
from nanoknow.sharing.params import read_params
from tests.helpers.cli import json_of, refuse, succeed
from tests.helpers.textbook_twins import textbook_vanilla
from tests.tools.textbook_models import Sizes, TextbookPerceiver

WIKI = "data/world/wiki.txt"
CORPUS = ("--corpus", WIKI)


def test_an_imported_run_computes_what_the_course_s_code_computes(home: Path) -> None:
    model = textbook_vanilla(home / WIKI)
    masks = {f"blocks.{i}.attn.mask": torch.ones(1, 1, 64, 64).tril() for i in range(2)}
    torch.save({**model.state_dict(), **masks}, "vanilla.params")  # which the course's has too
    model_flag = ("--model", "vanilla")
    summary = json_of("import", "vanilla.params", *model_flag, *CORPUS, "--out", "runs/in")
    assert (summary["stage"], summary["epochs"]) == ("pretrain", 0)
    run = nanoknow.load("runs/in")
    ids = torch.randint(len(run.tokenizer), (3, 64), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(run.model(ids), model(ids)[0], atol=1e-5, rtol=1e-5)
    files = ("--questions", "birth_places_train.tsv", "--eval", "birth_dev.tsv")
    told = succeed("finetune", "--from", "runs/in", *files, "--epochs", "1", "--json").stdout
    assert '"finetune"' in told


def test_with_its_training_questions_it_answers_evaluates_and_goes_on(home: Path) -> None:
    torch.save(textbook_vanilla(home / WIKI).state_dict(), "finetuned.params")
    files = ("--questions", "birth_places_train.tsv", "--eval", "birth_dev.tsv")
    out = ("--out", "runs/asked")
    summary = json_of("import", "finetuned.params", *CORPUS, *files, *out)
    assert summary["stage"] == "finetune"
    assert Run.open(Path("runs/asked")).config.finetune.task.max_answer_length is not None
    assert json_of("evaluate", "runs/asked")["score"]["n"] > 0
    assert json_of("ask", "Where was Ada Lovelace born?", "--run", "runs/asked")["answers"]
    listed = {run["run"]: run for run in json_of("runs", "list")["runs"]}
    assert "half-made" not in str(listed["runs/asked"])
    more = json_of("finetune", "--resume", *out, "--epochs", "1")
    assert more["epochs"] == 1


@pytest.mark.parametrize("before", ["module.", "_orig_mod.", "module._orig_mod."])
def test_what_wrappers_put_before_the_names_is_left_out(
    home: Path, tmp_path: Path, before: str
) -> None:
    weights = textbook_vanilla(home / WIKI).state_dict()
    torch.save(weights, tmp_path / "plain")
    torch.save({f"{before}{name}": w.half() for name, w in weights.items()}, tmp_path / "wrapped")
    plain, wrapped = (read_params(tmp_path / name) for name in ("plain", "wrapped"))
    assert wrapped.keys() == plain.keys()
    torch.testing.assert_close(wrapped, plain, atol=1e-3, rtol=1e-3)


class Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("ran"),)


def bad_files(home: Path) -> dict[str, tuple[object, str]]:
    good = textbook_vanilla(home / WIKI).state_dict()
    perceiver = TextbookPerceiver(Sizes(10, 64, 2, 4, 16, 0.0, n_latents=8)).state_dict()
    bias = good["blocks.0.ln1.bias"]
    return {
        "hostile": ({"tok_emb.weight": Hostile()}, "no state dict of tensors alone"),
        "list": ([1, 2], "holds no state dict"),
        "nested": ({"model": good}, "is no tensor by a name"),
        "perceiver": (perceiver, "import takes"),
        "other": (textbook_vanilla(home / WIKI, vocab_size=11).state_dict(), "has 11 characters"),
        "one layer of a million": (
            {**good, "blocks.999999.ln1.bias": bias}, "has not the"
        ),
        "renamed": ({k.replace("1.ln1.b", "1.x.b"): v for k, v in good.items()}, "is missing"),
        **{
            name: ({**good, "ln_f.bias": odd}, "is no tensor of plain floats")
            for name, odd in {
                "whole": torch.arange(16), "complex": bias.to(torch.complex64),
                "switches": bias > 0, "one for all": torch.zeros(1, 1).expand(10**6, 10**6),
            }.items()
        },
        **{
            name: ({**good, "ln_f.bias": odd}, "no state dict of tensors alone")
            for name, odd in {
                "sparse": bias.to_sparse(), "without values": bias.to("meta"),
                "quantized": bias.to(torch.float8_e4m3fn),
            }.items()
        },
        "turned": ({**good, "blocks.0.mlp.0.weight": good["blocks.0.mlp.0.weight"].T}, "shape"),
        "controls": ({"a\0\n\x1b[31m": 3}, r"'a\x00\n\x1b[31m' is no tensor by a name"),
        "nan": ({**good, "ln_f.bias": torch.full((16,), torch.nan)}, "not finite"),
    }  # fmt: skip


KINDS = (
    "hostile|list|nested|perceiver|other|one layer of a million|renamed|whole|complex|switches|"
    "sparse|without values|quantized|one for all|turned|controls|nan"
)


@pytest.mark.parametrize("kind", KINDS.split("|"))
def test_what_is_no_such_state_dict_is_refused_in_a_line_and_nothing_runs(
    home: Path, kind: str
) -> None:
    content, says = bad_files(home)[kind]
    torch.save(content, "bad.params")
    assert says in refuse("import", "bad.params", *CORPUS, "--out", "runs/bad")
    assert not Path("ran").exists()
    assert not Path("runs/bad").exists()


def test_what_would_unpack_to_more_than_it_is_refused_unread(tmp_path: Path) -> None:
    torch.save({"x": torch.zeros(100_000)}, tmp_path / "whole")
    with zipfile.ZipFile(tmp_path / "whole") as whole:
        parts = {part.filename: whole.read(part) for part in whole.infolist()}
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as bomb:
        for name, content in parts.items():
            bomb.writestr(name, content)
    with pytest.raises(DataError, match="no state dict of tensors alone"):
        read_params(tmp_path / "bomb")
    assert read_params(tmp_path / "whole").keys() == {"x"}


def key_of(tuples: bytes) -> bytes:
    """Return a pickle of a dictionary of one key."""
    return b"\x80\x02})" + tuples + b"K\x01s."


PICKLES = {
    "a key of tuples that are one": key_of(b"".join(b"q%ch%c\x86" % (i, i) for i in range(12))),
    "a key of tuples in tuples": key_of(b"\x85" * 100),
    "a key of marked tuples": key_of(b"").replace(b")", b"(" * 100 + b"t" * 100),
    "a gigabyte of nothing": b"\x80\x02c__builtin__\nbytearray\nJ\0\0\0\1\x85R.",
}
"""Of tuples so many that to hash them takes long, or the stack; of such, much less."""


@pytest.mark.parametrize("what", PICKLES)
@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "older"])
def test_a_pickle_of_more_than_tensors_is_refused_unread(
    tmp_path: Path, what: str, is_zip: bool
) -> None:
    names = ("whole", "bad")
    tensors = {"x": torch.zeros(2)}
    whole, bad = (tmp_path / name for name in names)
    torch.save(tensors, whole, _use_new_zipfile_serialization=is_zip)
    if is_zip:
        with zipfile.ZipFile(whole) as parts, zipfile.ZipFile(bad, "w") as made:
            for name in parts.namelist():
                is_pickle = name.endswith("data.pkl")
                made.writestr(name, PICKLES[what] if is_pickle else parts.read(name))
    else:
        raw = whole.read_bytes()
        bad.write_bytes(raw[: raw.index(b"\x80\x02}q", 30)] + PICKLES[what])
    assert torch.equal(read_params(whole)["x"], tensors["x"])
    with pytest.raises(DataError, match=r"no state dict of tensors alone \(ValueError\)"):
        read_params(bad)


def test_any_bytes_are_refused_in_a_line(home: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole.params"
    torch.save(textbook_vanilla(home / WIKI).state_dict(), whole)
    raw = whole.read_bytes()
    cut = tmp_path / "cut.params"
    for content in (b"", b"hello", raw[: len(raw) // 2], raw[:100]):
        cut.write_bytes(content)
        with pytest.raises(DataError, match="no state dict"):
            read_params(cut)
    for missing in (tmp_path, tmp_path / "none", Path("/dev/zero")):
        with pytest.raises(DataError, match="no such file"):
            read_params(missing)


def test_a_perceiver_or_heads_that_do_not_divide_are_refused(home: Path) -> None:
    torch.save(textbook_vanilla(home / WIKI).state_dict(), "vanilla.params")
    assert "--model perceiver" in refuse(
        "import", "vanilla.params", *CORPUS, "--model", "perceiver"
    )
    assert "n_heads 3 must divide d_model 16" in refuse(
        "import", "vanilla.params", *CORPUS, "--set", "model.n_heads=3", "--set", "model.d_model=3"
    )
