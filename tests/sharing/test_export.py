"""``nanoknow export``: the folder, without any of the software that opens it."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from safetensors.torch import load_file

from nanoknow.runs.run import Run
from nanoknow.sharing.export import _code
from tests.helpers.cli import SMALL, json_of, record_of, refuse, succeed

QUESTIONS = ("--questions", "birth_places_train.tsv", "--eval", "birth_dev.tsv")
CORPUS = ("--corpus", "data/world/wiki.txt")
KINDS = {"learned": "gpt2", "rotary": "gpt_neox"}


@pytest.fixture(scope="module", autouse=True)
def exported(home: Path) -> Path:
    """A home with a finetuned run of each kind of positions, and each exported."""
    for positions in KINDS:
        succeed(
            "finetune", "--from", "scratch", *CORPUS, *QUESTIONS, *SMALL, "--epochs", "1",
            "--set", f"model.positions={positions}", "--set", "model.dropout=0.2",
            "--out", f"runs/{positions}",
        )  # fmt: skip
        succeed("export", f"runs/{positions}", "--out", f"out/{positions}", "--lm-eval")
    return home


def read(path: str) -> Any:
    return json.loads(Path(path).read_text(encoding="utf-8"))


@pytest.mark.parametrize(("positions", "kind"), KINDS.items())
def test_every_weight_is_in_the_folder_once(positions: str, kind: str) -> None:
    config = read(f"out/{positions}/config.json")
    weights = load_file(f"out/{positions}/model.safetensors")
    record = record_of(f"runs/{positions}")
    assert config["model_type"] == kind
    assert sum(w.numel() for w in weights.values()) == record["n_parameters"]
    assert all("." in name and not name.startswith("blocks") for name in weights)


def test_a_config_has_the_sizes_and_the_dropout_of_the_run() -> None:
    gpt2, neox = (read(f"out/{positions}/config.json") for positions in KINDS)
    block_size, dropout = Run.open(Path("runs/rotary")).config.model.block_size, 0.2
    names = {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": block_size}
    assert {key: gpt2[key] for key in names} == names
    names = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16}
    names |= {"intermediate_size": 64, "max_position_embeddings": block_size}
    assert {key: neox[key] for key in names} == names
    assert [gpt2[f"{part}_pdrop"] for part in ("embd", "attn", "resid")] == [dropout] * 3
    assert [neox[f"{part}_dropout"] for part in ("hidden", "attention")] == [dropout] * 2
    turned = neox["rope_parameters"]
    assert turned["rope_theta"] == neox["rotary_emb_base"] == 10_000  # by its name before 5, too
    assert turned["partial_rotary_factor"] == neox["rotary_pct"] == 1.0
    for positions, config in zip(KINDS, (gpt2, neox), strict=True):
        assert config["layer_norm_eps"] == config["layer_norm_epsilon"] == 1e-5
        assert not config["tie_word_embeddings"]
        assert config["bos_token_id"] is None
        assert read(f"out/{positions}/tokenizer_config.json")["model_max_length"] == block_size


def test_a_folder_says_what_it_learned_how_to_ask_and_how_often_it_is_right() -> None:
    card = Path("out/rotary/README.md").read_text(encoding="utf-8")
    score = json_of("evaluate", "runs/rotary")["score"]
    assert f"({score['n_right']} of {score['n']}; " in card
    assert "wiki.txt` (SHA-256 " in card
    first = Path("data/world/birth_dev.tsv").read_text(encoding="utf-8").split("\t")[0]
    assert f'tokenizer("{first}⁇", return_tensors="pt")' in card
    assert "found nowhere in the training text: " in card
    assert str(Path.cwd()) not in card
    assert "are training questions" not in card


def test_what_is_quoted_in_a_card_cannot_end_its_code() -> None:
    assert _code("a`b\n# c\x1b[2J") == r"`a’b\n# c\x1b[2J`"


def test_a_task_for_the_harness_asks_what_evaluate_asks() -> None:
    [path] = Path("out/rotary/lm_eval").glob("*.yaml")
    task = yaml.safe_load(path.read_text(encoding="utf-8"))
    asked = Path("out/rotary", task["dataset_kwargs"]["data_files"]["test"])
    rows = [json.loads(line) for line in asked.read_text(encoding="utf-8").splitlines()]
    dev = Path("data/world/birth_dev.tsv").read_text(encoding="utf-8").splitlines()
    assert [f"{row['question']}\t{row['answers'][0]}" for row in rows] == dev
    assert task["task"] == path.stem
    assert (task["doc_to_text"], task["doc_to_target"]) == ("{{question}}⁇", "answers")
    longest = read("out/rotary/generation_config.json")["max_new_tokens"]
    assert longest >= max(len(answer) for row in rows for answer in row["answers"])
    ends = {"until": ["⁇"], "do_sample": False, "max_gen_toks": longest}
    assert task["generation_kwargs"] == ends
    ids = read("out/rotary/tokenizer.json")["model"]["vocab"]
    assert read("out/rotary/config.json")["eos_token_id"] == ids["⁇"]
    shown = succeed("export", "runs/rotary", "--out", "out/the card", "--lm-eval").stdout
    assert "cd 'out/the card' && lm_eval --model hf" in shown
    assert path.stem in shown
    # What is generated comes after the right end of a batch.
    assert read("out/rotary/tokenizer_config.json")["padding_side"] == "left"


def test_a_language_model_is_exported_and_its_card_asks_it_nothing() -> None:
    found = json_of("export", "runs/play", "--out", "out/play")
    assert (found["evaluation"], found["lm_eval"]) == (None, None)
    assert "How to ask" not in Path("out/play/README.md").read_text(encoding="utf-8")
    assert read("out/play/tokenizer.json")["added_tokens"] == []


def test_marks_in_the_text_of_a_language_model_are_characters_like_others() -> None:
    Path("boxes.txt").write_text("To be □ or not to be ⁇?\n" * 3, encoding="utf-8")
    windows = ("--set", "pretrain.task.kind=language_modeling", "--set", "model.block_size=16")
    trained = ("--corpus", "boxes.txt", *windows, *SMALL, "--epochs", "1", "--out", "runs/boxes")
    succeed("pretrain", *trained)
    succeed("export", "runs/boxes", "--out", "out/boxes")
    assert read("out/boxes/tokenizer.json")["added_tokens"] == []
    assert "eos_token" not in read("out/boxes/tokenizer_config.json")


def test_a_run_whose_questions_have_gone_is_exported_and_its_card_says_so(exported: Path) -> None:
    dev = exported / "data/world/birth_dev.tsv"
    kept = dev.rename(exported / "kept.tsv")
    try:
        assert json_of("export", "runs/rotary", "--out", "out/unasked")["evaluation"] is None
        assert "not known" in Path("out/unasked/README.md").read_text(encoding="utf-8")
        assert "--eval FILE" in refuse("export", "runs/rotary", "--out", "out/x", "--lm-eval")
        Path("odd.tsv").write_text("Who?\tRome\nWhere?\n", encoding="utf-8")
        assert "odd.tsv" in refuse("export", "runs/rotary", "--out", "out/x", "--eval", "odd.tsv")
        assert not Path("out/x").exists()
    finally:
        kept.rename(dev)


def test_questions_without_answers_give_a_card_without_a_score() -> None:
    Path("bare.tsv").write_text("Where was Ada Lovelace born?\n", encoding="utf-8")
    out = ("--out", "out/bare", "--eval", "bare.tsv")
    assert json_of("export", "runs/rotary", *out)["evaluation"] is None


def test_what_cannot_be_exported_is_refused_and_nothing_is_written() -> None:
    said = refuse("export", "runs/answers", "--out", "out/no")
    assert "is a perceiver" in said
    assert "export a vanilla run" in said
    assert not Path("out/no").exists()
    assert "answers no questions" in refuse(
        "export", "runs/play", "--out", "out/no", "--eval", "birth_dev.tsv"
    )
    shutil.copytree("out/play", "out/full")
    assert refuse("export", "runs/rotary", "--out", "out/full").endswith(
        "out/full: holds files already: name another folder with --out"
    )


def test_a_card_says_how_many_of_the_questions_were_trained_on() -> None:
    seen = ("--eval", "birth_places_train.tsv")
    found = json_of("export", "runs/rotary", "--out", "out/seen", *seen)
    n = found["evaluation"]["overlap"]["n"]
    card = Path("out/seen/README.md").read_text(encoding="utf-8")
    assert f"Of these questions {n} are training questions." in card
