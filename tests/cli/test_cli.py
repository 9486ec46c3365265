"""The commands, run as a user runs them, on a small world of files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import nanoknow
from nanoknow.cli.app import app
from nanoknow.errors import CheckpointError, ConfigError, DataError

SMALL = ["--set", "model.n_layers=2", "--set", "model.d_model=16", "--set", "model.n_heads=2"]
LINE = "To be, or not to be, that is the question: O God, O God!\n"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def succeed(*arguments: str | Path) -> Result:
    result = run(*arguments)
    assert result.exit_code == 0, result.output
    return result


def refuse(*arguments: str | Path) -> str:
    """Run a command that the user has to mend, and return its one line."""
    result = run(*arguments)
    assert result.exit_code == 1, result.output
    assert "Traceback" not in result.output
    assert result.stdout == ""
    last = result.stderr.splitlines()[-1]
    assert last.startswith("error: ")
    return last


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working directory with a world, and a run of each kind."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for variable in ("NANOKNOW_RUNS", "NANOKNOW_DATA"):
            patch.delenv(variable, raising=False)
        succeed("data", "make", "--people", "40", "--paraphrases", "2", "--out", "data/world")
        (folder / "play.txt").write_text(LINE * 8, encoding="utf-8")
        corpus = ("--corpus", "data/world/wiki.txt", "--epochs", "1")
        succeed("pretrain", *corpus, *SMALL, "--out", "runs/vanilla")
        succeed(
            "pretrain", *corpus, *SMALL, "--model", "perceiver", "--bottleneck-dim", "64",
            "--out", "runs/perceiver",
        )  # fmt: skip
        succeed(
            "pretrain", "--corpus", "play.txt", *SMALL, "--epochs", "1",
            "--set", "pretrain.task.kind=language_modeling", "--out", "runs/play",
        )  # fmt: skip
        succeed(
            "finetune", "--from", "runs/perceiver", "--questions", "birth_places_train.tsv",
            "--eval", "birth_dev.tsv", "--epochs", "1", "--out", "runs/answers",
        )  # fmt: skip
        yield folder


def test_the_perceiver_flag_trains_a_perceiver(home: Path) -> None:
    record = json.loads((home / "runs/perceiver/run.json").read_text(encoding="utf-8"))
    assert record["variant"] == "perceiver"
    vanilla = json.loads((home / "runs/vanilla/run.json").read_text(encoding="utf-8"))
    assert record["n_parameters"] - vanilla["n_parameters"] == 64 * 16
    assert "bottleneck_dim: 64" in (home / "runs/perceiver/config.yaml").read_text("utf-8")


def test_evaluate_takes_the_latest_run_that_answers_questions_and_says_so(home: Path) -> None:
    result = succeed("evaluate", "--eval", "birth_dev.tsv")
    assert "using runs/answers (perceiver, question_answering, epoch 1 of 1)" in result.stderr
    assert "exact match" in result.stdout
    assert "McNemar" in result.stdout
    [path] = (home / "runs/answers/predictions").glob("birth_dev-*-step-1.txt")
    answers = path.read_text("utf-8").splitlines()
    details = path.with_suffix(".jsonl").read_text("utf-8").splitlines()
    assert len(answers) == len(details) == 8
    assert json.loads(details[0])["answer"] == answers[0]
    assert json.loads(details[0])["log_probability"] < 0


def test_evaluate_prints_json_whose_counts_add_up(home: Path) -> None:
    result = succeed("evaluate", "runs/answers", "--json")
    report = json.loads(result.stdout)
    assert report["score"]["n"] == 8
    assert sum(report["verdicts"].values()) == 8
    assert sum(part["n"] for part in report["splits"]) == 8
    low, high = report["score"]["interval_95"]
    assert low <= report["score"]["accuracy"] <= high
    assert report["baseline"]["n"] == 8
    assert 0 < report["mcnemar_p"] <= 1


def test_questions_without_answers_get_predictions_and_a_note(home: Path) -> None:
    result = succeed("evaluate", "--eval", "birth_test_inputs.tsv")
    assert "has no answers: predictions only, no score" in result.stderr
    assert "exact match" not in result.stdout
    [path] = (home / "runs/answers/predictions").glob("birth_test_inputs-*.txt")
    assert len(path.read_text("utf-8").splitlines()) == 8


def test_characters_outside_the_vocabulary_are_left_out_counted_and_shown(home: Path) -> None:
    (home / "odd.tsv").write_text("Where was Ωμέγα born?\tParis\n", encoding="utf-8")
    result = succeed("evaluate", "runs/answers", "--eval", "odd.tsv")
    assert "left out 5 characters of 1 questions" in result.stderr
    assert "'Ω' (U+03A9)" in result.stderr
    line = refuse("evaluate", "--eval", "odd.tsv")
    assert "runs/answers lacks 'Ω' (U+03A9): named, it would leave that out" in line
    assert "nanoknow finetune" in line


def test_evaluate_works_when_the_training_text_has_gone(home: Path) -> None:
    moved = home / "data" / "world" / "wiki.txt"
    moved.rename(home / "elsewhere.txt")
    try:
        result = succeed("evaluate", "runs/answers", "--json")
    finally:
        (home / "elsewhere.txt").rename(moved)
    assert "no training text available: answers cannot be checked" in result.stderr
    assert json.loads(result.stdout)["verdicts"] is None
    assert json.loads(result.stdout)["score"]["n"] == 8


def test_a_pretrained_run_answers_no_questions(home: Path) -> None:
    assert "answers no questions: name one that 'nanoknow finetune' made" in refuse(
        "evaluate", "runs/vanilla", "--eval", "birth_dev.tsv"
    )


def test_pretraining_does_not_ask_for_the_questions(home: Path) -> None:
    nowhere = ("--set", "data.questions=no.tsv", "--set", "data.eval=no.tsv")
    run = ("--epochs", "1", *SMALL, *nowhere, "--out", "runs/no-questions")
    succeed("pretrain", "--corpus", "data/world/wiki.txt", *run)
    shutil.rmtree(home / "runs/no-questions")  # other tests take the latest run


def test_finetune_starts_from_the_latest_pretrained_run(home: Path) -> None:
    result = succeed(
        "finetune", "--questions", "birth_places_train.tsv", "--epochs", "1", "--out", "runs/tuned",
        "--json",
    )  # fmt: skip
    assert "starting from runs/perceiver" in result.stderr
    assert json.loads(result.stdout)["variant"] == "perceiver"
    record = json.loads((home / "runs/tuned/run.json").read_text(encoding="utf-8"))
    assert record["started_from"].endswith("runs/perceiver/checkpoints/step-00000001")


def test_finetune_from_scratch_needs_no_run(home: Path) -> None:
    result = succeed(
        "finetune", "--from", "scratch", "--corpus", "wiki.txt", "--questions",
        "birth_places_train.tsv", "--eval", "birth_dev.tsv", *SMALL, "--epochs", "2",
        "--out", "runs/scratch",
    )  # fmt: skip
    assert "accuracy" in result.stdout
    lines = (home / "runs/scratch/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds.count("epoch") == 2
    assert kinds.count("accuracy") == 1


def test_flags_cannot_change_the_model_of_a_run(home: Path) -> None:
    line = refuse(
        "finetune", "--from", "runs/vanilla", "--model", "perceiver", "--questions",
        "birth_places_train.tsv",
    )  # fmt: skip
    assert "--model perceiver: runs/vanilla has variant vanilla" in line


def test_finetune_refuses_questions_without_answers(home: Path) -> None:
    line = refuse("finetune", "--from", "runs/vanilla", "--questions", "birth_test_inputs.tsv")
    assert "has no answers to learn" in line


def test_questions_that_do_not_fit_the_block_are_refused_before_training(home: Path) -> None:
    (home / "long.tsv").write_text("Where was X born?\tParis\n" + "x" * 130 + "\tParis\n", "utf-8")
    line = refuse(
        "finetune", "--from", "runs/vanilla", "--questions", "birth_places_train.tsv", "--eval",
        "long.tsv", "--out", "runs/never",
    )  # fmt: skip
    assert "long.tsv:2: question and answer take 137 characters" in line
    assert "block_size is 128" in line
    assert not (home / "runs/never").exists()


def test_finetuning_keeps_the_corpus_its_run_was_pretrained_on(home: Path) -> None:
    (home / "other.txt").write_text("Ada Bright. Born in Rome.\n", encoding="utf-8")
    tune = ("finetune", "--from", "runs/vanilla", "--questions", "birth_places_train.tsv")
    succeed(*tune, "--epochs", "1", "--out", "runs/kept")
    record = json.loads((home / "runs/kept/run.json").read_text(encoding="utf-8"))
    before = json.loads((home / "runs/vanilla/run.json").read_text(encoding="utf-8"))
    assert record["data"]["corpus"] == before["data"]["corpus"]
    assert "was pretrained on" in refuse(*tune, "--corpus", "other.txt")


def test_a_run_that_learned_nothing_is_not_the_latest(home: Path) -> None:
    failed = refuse(
        "pretrain", "--corpus", "wiki.txt", *SMALL, "--learning-rate", "1e30", "--epochs", "9",
        "--out", "runs/failed",
    )  # fmt: skip
    assert "stopped before the update" in failed
    (home / "runs/broken").mkdir()
    (home / "runs/broken/run.json").write_text("{", encoding="utf-8")
    result = succeed(
        "finetune", "--questions", "birth_places_train.tsv", "--epochs", "1", "--out", "runs/after"
    )
    assert "starting from runs/failed" not in result.stderr


def test_a_file_name_that_fits_several_folders_is_refused(home: Path) -> None:
    (home / "data/twin").mkdir()
    (home / "data/twin/wiki.txt").write_text("Ada Bright. Born in Rome.\n", encoding="utf-8")
    try:
        line = refuse("pretrain", "--corpus", "wiki.txt")
    finally:
        (home / "data/twin/wiki.txt").unlink()
        (home / "data/twin").rmdir()
    assert "wiki.txt: could be data/twin/wiki.txt or data/world/wiki.txt" in line


def test_the_demo_ends_in_a_table_and_a_picture_and_goes_on_where_it_was(home: Path) -> None:
    tiny = [
        f"--set={key}"
        for key in (
            "data.world.people=20",
            "data.world.paraphrases=1",
            "model.d_model=16",
            "pretrain.epochs=1",
            "finetune.epochs=1",
            "scratch.epochs=1",
        )
    ]
    first = succeed("demo", *tiny, "--seeds", "2", "--out", "demo", "--json")
    report = json.loads(first.stdout)
    assert [len(scores) for scores in report["scores"].values()] == [2, 2]
    assert (home / "demo/demo.png").read_bytes().startswith(b"\x89PNG")
    again = succeed("demo", *tiny, "--seeds", "2", "--out", "demo")
    assert "held-out people born?" in again.stdout
    assert "Picture: demo/demo.png" in again.stdout
    assert "resuming demo/seed-1/finetune" in again.stderr


def test_sample_streams_the_context_and_as_many_characters_as_asked(home: Path) -> None:
    result = succeed("sample", "--context", "O God, O God!", "--length", "150")
    assert result.stdout.startswith("O God, O God!")
    assert len(result.stdout) == len("O God, O God!") + 150 + 1
    assert "using runs/play" in result.stderr
    again = succeed("sample", "--context", "O God, O God!", "--length", "150")
    assert again.stdout == result.stdout
    other = succeed("sample", "--context", "O God, O God!", "--length", "150", "--seed", "1")
    assert other.stdout != result.stdout


def test_sample_hops_the_window_or_computes_in_float32_where_asked(home: Path) -> None:
    long = ("sample", "--context", "O God", "--length", "300")
    in_float32 = (*long, "--precision", "float32")
    result = succeed(*in_float32)
    assert "float32: asked for); full weights; past the block: recompute" in result.stderr
    eight = succeed(*long, "--past-block", "hop", "--weights", "int8")
    assert "int8 weights; past the block: hop" in eight.stderr
    assert len(eight.stdout) == len(result.stdout)
    rounded = succeed(*long, "--precision", "bfloat16")
    assert "bfloat16: asked for)" in rounded.stderr
    assert len(rounded.stdout) == len(result.stdout)
    hopped = json.loads(succeed(*in_float32, "--past-block", "hop", "--json").stdout)
    assert hopped["past_block"] == "hop"
    written = result.stdout.removeprefix("O God").removesuffix("\n")
    assert hopped["text"][: 128 - 4] == written[: 128 - 4]  # until the block is full
    assert hopped["text"] != written
    loaded = nanoknow.load(home / "runs" / "play")
    assert loaded.sample("O God", length=300, past_block="hop") == hopped["text"]


def test_sample_names_the_ways_past_the_block_and_the_precisions(home: Path) -> None:
    line = refuse("sample", "runs/play", "--past-block", "skip")
    assert "--past-block" in line
    assert "unknown 'skip'. Available: recompute, hop" in line
    assert "Available: auto, float32, bfloat16" in refuse(
        "sample", "runs/play", "--precision", "half"
    )


READER = [
    item
    for assignment in ("reader.d_model=16", "reader.n_layers=1", "training.epochs=2")
    for item in ("--set", f"augment.{assignment}")
]


def test_augment_writes_a_question_for_everybody_and_keeps_the_training_answers(home: Path) -> None:
    data = ("--corpus", "wiki.txt", "--questions", "birth_places_train.tsv")
    asked = (*data, "--eval", "birth_dev.tsv", *READER, "--json")
    result = json.loads(succeed("data", "augment", *asked, "--out", "augmented").stdout)
    lines = (home / "augmented/augmented.tsv").read_text("utf-8").splitlines()
    assert len(lines) == result["questions"] == 40
    training = (home / "data/world/birth_places_train.tsv").read_text("utf-8").splitlines()
    assert set(training) <= set(lines)
    assert result["from_training"] == len(training) == 24
    assert result["eval"]["n"] == 8
    assert 0 < result["reader"]["n"] < 24
    again = json.loads(succeed("data", "augment", *asked, "--out", "twice").stdout)
    assert again["reader"] == result["reader"]
    assert (home / "twice/augmented.tsv").read_text("utf-8").splitlines() == lines
    shown = succeed("data", "augment", *data, *READER, "--out", "third").stdout
    assert "answered by the training questions" in shown


def test_augment_refuses_texts_that_do_not_belong_together(home: Path) -> None:
    (home / "others.tsv").write_text("Where was Nobody born?\tParis\n", encoding="utf-8")
    data = ("--corpus", "wiki.txt", "--questions", "others.tsv", *READER)
    line = refuse("data", "augment", *data, "--out", "augmented-2")
    assert "others.tsv: no question names the subject of a document" in line
    assert not (home / "augmented-2").exists()


def test_int8_weights_in_float32_are_refused(home: Path) -> None:
    asked = ("--weights", "int8", "--precision", "float32")
    assert "multiplies in bfloat16: leave --precision" in refuse("sample", "runs/play", *asked)


def test_augment_refuses_a_text_that_cannot_spell_yes_and_no(home: Path) -> None:
    (home / "cyrillic.txt").write_text("Анна Ли. Анна Ли из города Рига .\n", encoding="utf-8")
    (home / "cyrillic.tsv").write_text("Где Анна Ли?\tРига\n", encoding="utf-8")
    data = ("--corpus", "cyrillic.txt", "--questions", "cyrillic.tsv", *READER)
    line = refuse("data", "augment", *data, "--out", "augmented-3")
    assert "cyrillic.txt: holds no 'y'" in line


def test_an_unknown_character_of_the_context_is_named(home: Path) -> None:
    assert "'é' (U+00E9)" in refuse("sample", "runs/play", "--context", "été")
    assert "lacks 'é'" in refuse("sample", "--context", "été")
    assert "sample.context" in refuse("sample", "--context", "")


def test_resume_continues_to_the_end_and_takes_no_other_settings(home: Path) -> None:
    arguments = ("pretrain", "--corpus", "wiki.txt", *SMALL, "--out", "runs/halves")
    first = succeed(*arguments, "--epochs", "3", "--max-minutes", "0", "--json")
    assert json.loads(first.stdout)["step"] == 1
    assert "is a pretrain run" in refuse("finetune", "--resume", "--out", "runs/halves")
    assert "drop --epochs" in refuse(
        "pretrain", "--resume", "--out", "runs/halves", "--epochs", "9"
    )
    second = succeed("pretrain", "--resume", "--out", "runs/halves", "--json")
    assert json.loads(second.stdout)["epochs"] == 3
    assert "holds files already" in refuse(*arguments, "--epochs", "3")
    lines = (home / "runs/halves/metrics.jsonl").read_text(encoding="utf-8").splitlines()
    epochs = [m["epoch"] for m in map(json.loads, lines) if m["kind"] == "epoch"]
    assert epochs == [1, 2, 3]


def test_baseline_says_the_most_frequent_answer_or_the_one_given(home: Path) -> None:
    files = ("--questions", "birth_places_train.tsv", "--eval", "birth_dev.tsv")
    report = json.loads(succeed("baseline", *files, "--json").stdout)
    assert report["n"] == 8
    assert report["answer"]
    given = succeed("baseline", "--eval", "birth_dev.tsv", "--answer", "Atlantis", "--json")
    assert json.loads(given.stdout)["n_right"] == 0
    assert "--answer TEXT" in refuse("baseline", "--eval", "birth_dev.tsv")


def test_inspect_shows_both_views_and_the_counts(home: Path) -> None:
    result = succeed(
        "data", "inspect", "--corpus", "wiki.txt", "--questions", "birth_places_train.tsv",
        "--eval", "birth_dev.tsv", "--count", "2",
    )  # fmt: skip
    assert result.stdout.startswith("data has ")
    pairs = [line[3:] for line in result.stdout.splitlines() if line[:3] in ("x: ", "y: ")]
    assert len(pairs) == 8
    assert {len(text) for text in pairs} == {127}
    assert pairs[0].count("⁇") == 2
    assert "81 (1 empty)" in result.stdout
    report = json.loads(succeed("data", "inspect", "--corpus", "wiki.txt", "--json").stdout)
    assert list(report["pairs"]) == ["charcorruption"]
    play = succeed(
        "data",
        "inspect",
        "--corpus",
        "play.txt",
        "--set",
        "pretrain.task.kind=language_modeling",
        "--json",
    )
    assert list(json.loads(play.stdout)["pairs"]) == ["windows"]
    assert json.loads(play.stdout)["vocabulary"] == len(set(LINE))
    assert "unknown view 'nameddata'. Did you mean 'namedata'?" in refuse(
        "data", "inspect", "nameddata"
    )


def test_without_config_and_data_the_built_in_world_is_used_and_named(home: Path) -> None:
    result = succeed("baseline", "--json")
    assert "using the built-in world (--config demo)" in result.stderr
    assert json.loads(result.stdout)["questions"].startswith("built-in world (people ")


def test_complexity_prints_the_exact_line_of_the_originals_sizes() -> None:
    report = json.loads(
        succeed("complexity", "--seq-len", "128", "--bottleneck", "64", "--json").stdout
    )
    assert report["vanilla"]["parameters"] == 3_323_392
    assert report["perceiver"]["parameters"] == 3_339_776
    assert "mℓd" in succeed("complexity").stdout
    assert "m = 64 (spread)" in succeed("complexity", "--latents", "spread").stdout
    spread = json.loads(succeed("complexity", "--latents", "spread", "--json").stdout)
    assert spread["perceiver"]["parameters"] == 3_339_776
    assert spread["perceiver"]["flops"] > report["perceiver"]["flops"]
    assert "'first' or 'spread'" in refuse("complexity", "--latents", "last")
    assert "--sweep 1,x" in refuse("complexity", "--sweep", "1,x")


def test_attention_measures_its_findings_beside_theory(tmp_path: Path) -> None:
    small = ("attention", "--dim", "16", "--keys", "5", "--draws", "40", "--beta", "9")
    shown = succeed(*small, "--plot", str(tmp_path / "a.png"))
    assert "5 keys and values of 16 dimensions, β = 9; 40 draws, seed 0" in shown.stdout
    assert "draws where head 1 loses v_a" in shown.stdout
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    report = json.loads(succeed(*small, "--json", "--seed", "3").stdout)
    assert [finding["letter"] for finding in report["findings"]] == ["a", "b", "c", "c", "d"]
    sizes = {"dim": 16, "n_keys": 5, "beta": 9.0, "draws": 40, "seed": 3}
    assert report["setting"] == sizes
    assert "--dim 4: too few for 8 orthonormal keys" in refuse("attention", "--dim", "4")
    assert "--plot a.pdf: name a file that ends in .png or .svg" in refuse(
        "attention", "--draws", "2", "--plot", "a.pdf"
    )
    assert "only with --question" in refuse("attention", "--device", "cpu")


QUESTION = "Where was Ada Bright born?"


def test_attention_shows_where_a_run_looks(home: Path) -> None:
    shown = succeed("attention", "runs/answers", "--question", QUESTION, "--plot", "heads.svg")
    lines = shown.stdout.splitlines()
    assert sum(line.strip().startswith(f"{QUESTION}⁇") for line in lines) == 2
    for head in ("down 1 ", "down 2 ", "up   1 ", "up   2 "):
        assert sum(line.startswith(head) for line in lines) == 1
    assert "A latent is marked under the last character that it reads." in lines
    assert (home / "heads.svg").read_bytes().startswith(b"<?xml")


def test_attention_takes_the_latest_run_that_answers_questions(home: Path) -> None:
    asked = ("--question", QUESTION)
    [note] = [x for x in succeed("attention", *asked).stderr.splitlines() if "using " in x]
    assert "question_answering" in note
    assert note in succeed("evaluate", "--eval", "birth_dev.tsv").stderr


def test_attention_as_json_holds_every_weight(home: Path) -> None:
    report = json.loads(
        succeed("attention", "runs/answers", "--question", QUESTION, "--json").stdout
    )
    assert report["answer"] == nanoknow.load("runs/answers").answer(QUESTION)
    assert report["read"][: report["n_prompt"]] == f"{QUESTION}⁇"
    assert report["read"][report["n_prompt"] :] == report["written"][:-1]
    down, up = report["layers"]
    for layer in (down, up):
        assert len(layer["weights"]) == len(layer["queries"]) == len(report["written"])
        for heads in layer["weights"]:
            assert len(heads) == 2
            for weights in heads:
                assert len(weights) == len(layer["keys"])
                assert sum(weights) == pytest.approx(1, abs=1e-5)
    assert {key["kind"] for key in down["keys"]} == {"character"}
    assert "".join(key["character"] for key in down["keys"]) == report["read"]
    assert {key["kind"] for key in up["keys"]} == {"latent"}


def test_attention_cuts_a_long_text_to_the_terminal(home: Path) -> None:
    long = "Where was " + "Ada" * 33 + " born?"
    lines = succeed("attention", "runs/answers", "--question", long).stdout.splitlines()
    assert max(map(len, lines)) <= 120
    starts = [i for i, line in enumerate(lines) if line.strip().startswith("Where")]
    assert len(starts) == 2  # by head, by character written; each then goes on below
    first, rest = lines[starts[0]].strip(), lines[starts[0] + 5].strip()  # four heads between
    assert f"{first}{rest}".startswith(f"{long}⁇")


def test_attention_refuses_what_does_not_go_together(home: Path) -> None:
    asked = ("--question", QUESTION)
    assert "--dim: not with --question" in refuse("attention", *asked, "--dim", "8")
    assert "Add --question TEXT" in refuse("attention", "runs/answers")
    assert "answers no questions" in refuse("attention", "runs/vanilla", *asked)
    line = refuse("attention", "runs/answers", "--question", "x" * 128)
    assert "the question takes 129 characters, and the model's block_size is 128" in line
    assert "lacks 'Ω' (U+03A9): named, it would leave that out" in refuse(
        "attention", "--question", "Ω?"
    )
    left_out = succeed("attention", "runs/answers", "--question", "Where was Ω born?")
    assert "left out 1 characters" in left_out.stderr


def test_config_show_resolves_flags_over_file_over_defaults() -> None:
    text = succeed("config", "show", "birthplaces", "--set", "seed=7").stdout
    assert "seed: 7" in text
    assert "decay_tokens: 75212800" in text
    assert "Did you mean 'epochs'?" in refuse("config", "show", "--set", "pretrain.epoch=3")


def test_usage_errors_exit_with_2_and_version_is_printed() -> None:
    assert run("pretrain", "--no-such-flag").exit_code == 2
    assert succeed("--version").stdout == f"nanoknow {nanoknow.__version__}\n"


def test_debug_shows_the_traceback(home: Path) -> None:
    result = run("--debug", "baseline", "--eval", "nothing.tsv")
    assert isinstance(result.exception, DataError)
    assert run("baseline", "--eval", "nothing.tsv").exit_code == 1


def test_a_run_answers_and_samples_from_python_in_two_lines(home: Path) -> None:
    loaded = nanoknow.load(home / "runs" / "answers")
    assert isinstance(loaded.answer("Where was Ada Lovelace born?"), str)
    text = nanoknow.load(str(home / "runs" / "play")).sample("O God", length=20)
    assert len(text) == 20
    with pytest.raises(CheckpointError, match="answers no questions"):
        nanoknow.load(home / "runs" / "play").answer("Where?")
    with pytest.raises(ConfigError, match=r"sample\.top_k"):
        loaded.sample("O", top_k=0)
    with pytest.raises(ConfigError, match=r"sample\.context"):
        loaded.sample("")


@pytest.mark.real_data
def test_the_real_data_give_the_originals_figures(
    real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NANOKNOW_DATA", str(real_data))
    result = succeed("data", "inspect", "--config", "birthplaces")
    assert result.stdout.splitlines()[0] == "data has 418352 characters, 256 unique."
    assert "x: Where was Khatchig Mouradian born?⁇Lebanon⁇□□" in result.stdout
    report = json.loads(succeed("baseline", "--config", "birthplaces", "--json").stdout)
    assert (report["answer"], report["n_right"], report["n"]) == ("London", 25, 500)
