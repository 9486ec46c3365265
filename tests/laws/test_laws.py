"""Laws as a user tests them, by models of a few thousand parameters."""

import copy
import json
import math
import re
from bisect import bisect
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch.nn.utils import parameters_to_vector
from torch.nn.utils.rnn import pad_sequence

from nanoknow.config.law import load_law
from nanoknow.config.loading import shipped
from nanoknow.data.world.facts import FactWorld
from nanoknow.evaluation.scores import Score
from nanoknow.experiments.pipeline import Launch
from nanoknow.generation.decoding import decode_at_random
from nanoknow.laws import measures
from nanoknow.laws.measures import (
    MEASURES,
    Subject,
    capacity,
    extraction,
    invention,
    needs,
    reversal,
)
from nanoknow.laws.run import run_law
from nanoknow.models.base import CharacterModel
from nanoknow.system.plain import plain
from nanoknow.system.seeds import new_generator
from tests.helpers.cli import json_of, refuse, run, succeed
from tests.helpers.silent import OtherProcess, Silent

LAW = """
paper: Nobody (2026)
finding: Four people are known by heart.
config: demo
seeds: 2
measure: {measure}
finetunes: {finetunes}
common:
  data.world: {{people: 10, paraphrases: 1, relations: [code], backward: true}}
  model: {{variant: vanilla, n_layers: 1, n_heads: 2, d_model: 32, block_size: 64}}
  pretrain.task: {{kind: document_modeling}}
  pretrain.epochs: 60
  pretrain.batch_size: 10
  finetune.epochs: 1
rows: {{whole: {{}}, short: {{pretrain.epochs: 1}}}}
published: {{whole: {{{value}: 2}}}}
claims:
  - {{says: more is known, row: whole, minus: short, measure: {value}, at_least: 0.001}}
quick: {{pretrain.epochs: 2}}
"""
SHORT = "{pretrain.task: {kind: span_corruption}}"


def law_file(folder: Path, measure: str, value: str, finetunes: str = "true") -> Path:
    path = folder / f"{measure}.yaml"
    text = LAW.format(measure=measure, value=value, finetunes=finetunes)
    path.write_text(text, encoding="utf-8")
    return path


def subject_of(law: Path, row: str = "whole") -> Subject:
    """Return a row's first run, which is not finetuned."""
    run = law.parent / f"runs/law-{law.stem}/{row}/seed-0/pretrain"
    world = load_law(str(law)).resolve()[row].data.world
    assert world
    return Subject.open(run, str(run), FactWorld(world), "cpu", Silent())


@pytest.mark.parametrize("name", shipped("laws"))
def test_every_shipped_law_names_rows_that_are_configs_and_values_that_are_measured(
    name: str,
) -> None:
    law = load_law(name)
    configs = law.resolve()
    assert law.measure in MEASURES
    for config in configs.values():
        assert config.data.world
        assert config.data.world.relations
        assert needs(law.measure, config.data.world, config.pretrain.task.kind) == []
        without_texts = needs(law.measure, config.data.world, "span_corruption")
        assert bool(without_texts) == (law.measure in ("capacity", "invention"))
    short = law.in_short().resolve()
    for rows in (configs, short):
        assert len({config.model_dump_json() for config in rows.values()}) == len(configs)
    assert all(short[row] != configs[row] for row in configs)
    assert law.seeds == 3


def test_list_shows_every_law_with_its_paper(here: Path) -> None:
    shown = succeed("law", "list").stdout
    found = json_of("law", "list")
    assert set(found) == set(shipped("laws"))
    for name, law in found.items():
        assert name in shown
        assert {"paper", "finding"} <= set(law)


@pytest.mark.slow
def test_a_law_is_trained_measured_judged_and_continued(here: Path) -> None:
    path = law_file(here, "capacity", "learned", "false")
    shown = succeed("law", "run", path)
    assert "holds: Four people are known by heart. (Nobody (2026))" in shown.stdout
    assert "[2]" in shown.stdout
    folder = here / "runs" / "law-capacity"
    assert (folder / "law.png").stat().st_size > 1000
    steps = [*folder.glob("*/seed-*/pretrain/checkpoints/*")]
    times = [step.stat().st_mtime_ns for step in steps]
    result = json_of("law", "run", path)
    assert [step.stat().st_mtime_ns for step in steps] == times  # nothing was trained again
    assert result == json.loads((folder / "law.json").read_text("utf-8"))
    whole, short = result["rows"]
    assert (whole["seeds"], whole["published"]) == ([0, 1], {"learned": 2})
    assert min(whole["values"]["learned"]) > max(short["values"]["learned"])
    [claim] = result["claims"]
    assert claim["interval_95"][0] > 0
    assert not [*folder.glob("*/*/finetune")]


@pytest.mark.parametrize("name", ["law.json", "law.png", "table.csv"])
def test_a_report_that_could_not_be_written_is_refused_before_the_first_step(
    here: Path, name: str
) -> None:
    folder = here / "runs" / "law-reversal"
    (folder / name).mkdir(parents=True)
    line = refuse("law", "run", law_file(here, "reversal", "forward"))
    assert f"law-reversal/{name}: cannot be written: is a folder: move it" in line
    assert [path.name for path in folder.iterdir()] == [name]


@pytest.mark.slow
def test_a_quick_run_has_a_folder_of_its_own_and_one_seed_gives_no_verdict(here: Path) -> None:
    path = law_file(here, "reversal", "forward")
    result = json_of("law", "run", path, "--quick", "--seeds", "1")
    assert result["verdict"] == "not tested"
    assert result["folder"].endswith("law-reversal-quick")
    assert set(result["rows"][0]["values"]) == {"memorised", "forward", "backward"}
    [forward] = [r for r in result["table"] if (r["row"], r["questions"]) == ("whole", "forward")]
    assert forward["n"] == 5
    assert 100 * forward["accuracy"] == result["rows"][0]["values"]["forward"][0]
    assert [*here.glob("runs/law-reversal-quick/whole/seed-0/finetune")]
    world = load_law(str(path)).in_short().resolve()["whole"].data.world
    assert world
    last, first = (
        here / f"runs/law-reversal-quick/whole/seed-0/{stage}" for stage in ("finetune", "pretrain")
    )
    opened = [
        Subject.open(each, str(first), FactWorld(world), "cpu", Silent()) for each in (last, first)
    ]
    before, after, alone = (
        parameters_to_vector(model.parameters())
        for model in (opened[0].pretrained, opened[0].answering.model, opened[1].pretrained)
    )
    assert torch.equal(before, alone)
    assert not torch.equal(before, after)
    moved = (here / "runs/law-reversal-quick").rename(here / "moved")
    again = json_of("law", "run", path, "--quick", "--seeds", "1", "--out", moved)
    assert again["rows"] == result["rows"]
    seconds = [[row["seconds"] for row in each["table"]] for each in (result, again)]
    assert seconds[0] == seconds[1]
    assert min(seconds[0]) > 0


def test_a_place_where_a_text_may_go_on_otherwise_is_not_asked_for(here: Path) -> None:
    path = law_file(here, "reversal", "forward", "false")
    text = path.read_text("utf-8").replace("paraphrases: 1", "paraphrases: 15")
    text = text.replace("short: {pretrain.epochs: 1}", f"short: {SHORT}")
    path.write_text(text.replace("pretrain.epochs: 60", "pretrain.epochs: 1"), encoding="utf-8")
    result = json_of("law", "run", path, "--quick", "--seeds", "1")
    world = load_law(str(path)).resolve()["whole"].data.world
    assert world
    goes_on: dict[str, set[str]] = {}  # names are at the beginning, and nobody else's
    texts = [each.text for each in FactWorld(world).biographies()]
    for each in texts:
        for start in range(len(each) - 6):
            goes_on.setdefault(each[:start], set()).add(each[start : start + 6])
    places = [re.search(r"\d{6}", each) for each in texts]
    clear = [len(goes_on[m.string[: m.start()]]) == 1 for m in places if m]
    assert 0 < sum(clear) < len(clear) == 150
    asked = {r["row"]: r["n"] for r in result["table"] if r["questions"] == "memorised"}
    assert asked == {"whole": sum(clear), "short": 150}  # a short context ends in a mask


def test_values_are_by_ascending_seed_whichever_run_ended_first(here: Path) -> None:
    law = load_law(str(law_file(here, "capacity", "learned", "false"))).in_short()
    launch = Launch(2, here / "law", "cpu")
    first = run_law("short", law, launch, Silent())
    other = OtherProcess(here / "law/whole/seed-0/pretrain")
    again = run_law("short", law, launch, other)
    assert sum("left to another process" in note for note in other.notes) == 1
    assert [row.seeds for row in again.rows] == [[0, 1]] * 2
    assert plain(again.rows) == plain(first.rows)
    assert first.unmet == []
    [claim] = law.claims
    alone = law.model_copy(
        update={"claims": (claim.model_copy(update={"minus": None, "measure": "parameters"}),)}
    )
    part = run_law("short", alone, Launch(2, here / "law", "cpu", shard="1/2"), Silent())
    assert [row.seeds for row in part.rows] == [[0, 1], []]
    assert part.claims[0].verdict == "holds"
    assert (part.verdict, part.unmet) == (
        "not tested",
        ["2 of 4 runs are measured, by this process"],
    )


def test_a_law_that_cannot_be_is_refused_in_a_line(here: Path) -> None:
    assert "one of: capacity, extraction" in refuse("law", "run", "gravity")
    path = law_file(here, "gravity", "learned")
    assert "measure: no 'gravity'. Available: extraction" in refuse("law", "run", path)
    whole = law_file(here, "capacity", "learned", "false")
    text = whole.read_text("utf-8")
    whole.write_text(text.replace("quick: {pretrain.epochs: 2}", ""), encoding="utf-8")
    assert "has no 'quick' values" in refuse("law", "run", whole, "--quick")
    whole.write_text(text.replace("at_least", "atleast"), encoding="utf-8")
    assert "Did you mean 'at_least'? Known here: measure, at_least," in refuse("law", "run", whole)
    wrong = law_file(here, "capacity", "lerned", "false")
    assert "lerned: is not measured. Did you mean 'learned'?" in refuse("law", "run", wrong)
    required = law_file(here, "capacity", "learned", "false")
    text = required.read_text("utf-8") + "require: [{measure: parameter, at_least: 1}]\n"
    required.write_text(text, encoding="utf-8")
    told = "parameter: is not measured. Did you mean 'parameters'?"
    assert told in refuse("law", "run", required, "--quick", "--out", "required")
    assert len([*here.glob("required/*/seed-*")]) == 1  # at the first run, not after the last
    assert len([*here.glob("runs/law-capacity/*/*/pretrain")]) == 1  # and no other run was trained
    narrow = law_file(here, "reversal", "forward")
    narrow.write_text(narrow.read_text("utf-8").replace("size: 64", "size: 32"), encoding="utf-8")
    assert "whole: model.block_size 32: its longest text has " in refuse("law", "run", narrow)
    bare = law_file(here, "extraction", "memorised")
    text = bare.read_text("utf-8").replace("relations: [code], backward: true", "seed: 1")
    bare.write_text(text, encoding="utf-8")
    assert "set data.world.relations" in refuse("law", "run", bare)
    assert not [*here.glob("runs/law-reversal"), *here.glob("runs/law-extraction")]
    assert run("law", "run").exit_code == 2


@pytest.mark.parametrize(
    ("measure", "old", "new", "needs"),
    [
        ("reversal", ", backward: true", "", "data.world.backward"),
        ("invention", "", "", "data.world.drawn"),
        ("capacity", "backward: true", "drawn: {statements: 9}", "data.world without drawn"),
        ("capacity", "document", "language", "pretrain.task.kind document_modeling"),
        ("extraction", "document", "language", "pretrain.task.kind document_modeling"),
        ("capacity", "document_modeling", "span_corruption", "pretrain.task.kind document_"),
        ("reversal", "data.world", "data.corpus: own.txt\n  data.world", "no data.corpus"),
    ],
)
def test_a_world_or_task_that_a_measure_would_read_wrongly_is_refused_before_the_training(
    here: Path, measure: str, old: str, new: str, needs: str
) -> None:
    path = law_file(here, measure, "learned", "false")
    path.write_text(path.read_text("utf-8").replace(old, new), encoding="utf-8")
    line = refuse("law", "run", path)
    assert line.startswith("error: whole: ")
    assert needs in line
    assert not (here / "runs").exists()


def test_a_model_that_knows_nothing_holds_about_no_bits(here: Path) -> None:
    path = law_file(here, "capacity", "learned", "false")
    succeed("law", "run", path, "--seeds", "1")
    subject = subject_of(path)
    learned: Any = capacity(subject)
    assert learned["bits a parameter"] * learned["parameters"] == pytest.approx(
        learned["learned"] / 100 * sum(subject.world.bits().values())
    )
    with torch.no_grad():
        for weights in (each for each in subject.pretrained.parameters() if each.dim() > 1):
            step = weights.abs().max(dim=-1, keepdim=True).values / 127
            weights.copy_(torch.round(weights / step) * step)
    in_eight_bits: Any = capacity(subject)
    for value in ("bits a parameter", "bits a parameter, int8"):
        assert in_eight_bits[value] == pytest.approx(learned["bits a parameter, int8"], rel=1e-5)
    assert learned["bits a parameter"] != pytest.approx(in_eight_bits["bits a parameter"], rel=1e-5)
    # With all logits equal, a code of six digits costs six times the whole vocabulary.
    vocabulary = len(subject.answering.tokenizer)
    with torch.no_grad():
        for parameter in subject.pretrained.parameters():
            parameter.zero_()
    bits = sum(subject.world.bits().values())
    uniform = bits - 10 * 6 * math.log2(vocabulary)
    assert capacity(subject)["learned"] == pytest.approx(100 * uniform / bits)


def test_a_model_that_has_learned_every_value_has_memorised_all_of_them_and_no_question(
    here: Path,
) -> None:
    path = law_file(here, "reversal", "forward", "false")
    text = path.read_text("utf-8").replace("[code]", "[code, employer]").replace(": 64", ": 160")
    text = text.replace("short: {pretrain.epochs: 1}", f"short: {SHORT}")
    path.write_text(text.replace("epochs: 60", "epochs: 1"), encoding="utf-8")
    table = json_of("law", "run", path, "--seeds", "1")["table"]
    for row in ("whole", "short"):
        subject = subject_of(path, row)
        record = subject.answering.checkpoint.record
        cells = {(each["seconds"], each["device"]) for each in table if each["row"] == row}
        assert cells == {(round(record.seconds, 3), f"{record.device}, {record.precision}")}
        tokenizer, model = subject.answering.tokenizer, copy.deepcopy(subject.pretrained)
        prompts, values = [], []
        for person, biography, statements in subject.world.biographies():
            for _, start, end in statements:
                left = biography[:start].removeprefix(f"{person.name}. ")[-24:]
                context = f"\n{biography[:start]}" if row == "whole" else left + person.name
                mask = [] if row == "whole" else [tokenizer.mask_id]
                prompts.append([*tokenizer.encode(context).tolist(), *mask])
                values.append(tokenizer.encode(biography[start:end]).tolist())
        learn(model, prompts, values)
        taught = Subject(subject.answering, model, subject.world)
        scores: Any = reversal(taught)
        assert scores["memorised"] == Score(20, 20)
        assert (scores["forward"].n, scores["backward"].n) == (10, 5)  # about half of the people
        if row == "whole":
            extracted: Any = extraction(taught)
            assert (extracted["memorised"], extracted["extracted"].n) == (Score(20, 20), 15)
            assert capacity(taught)["learned"] == pytest.approx(100, abs=2)


def learn(model: CharacterModel, prompts: list[list[int]], values: list[list[int]]) -> None:
    """Teach a model what follows each prompt, and nothing else."""
    both = zip(prompts, values, strict=True)
    rows = pad_sequence([torch.tensor(p + v) for p, v in both], batch_first=True)
    targets = torch.full_like(rows, -1)
    for i, (prompt, value) in enumerate(zip(prompts, values, strict=True)):
        targets[i, len(prompt) : len(prompt) + len(value)] = torch.tensor(value)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        logits = model.train()(rows[:, :-1]).flatten(0, 1)
        loss = F.cross_entropy(logits, targets[:, 1:].flatten(), ignore_index=-1)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad()
    model.eval()


@pytest.mark.slow
def test_what_a_model_writes_is_judged_by_the_facts_of_its_world(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measures, "SAMPLES", 400)
    path = law_file(here, "invention", "hallucinated", "false")
    text = path.read_text("utf-8").replace("backward: true", "drawn: {statements: 40}")
    faster = (
        "pretrain.epochs: 100\n  pretrain.schedule.warmup_tokens: 5000\n"
        "  pretrain.optimizer.learning_rate: 1e-2"
    )
    path.write_text(text.replace("pretrain.epochs: 60", faster), encoding="utf-8")
    succeed("law", "run", path, "--seeds", "1")
    subject = subject_of(path)
    found: Any = invention(subject)
    assert found["stated"].accuracy > 0.8
    assert found["hallucinated"].accuracy < 0.4
    assert found["bound"] == found["monofacts"] - found["miscalibration"]
    times = [subject.world.draws().count(i) for i in range(10)]
    assert found["monofacts"] == pytest.approx(100 * times.count(1) / 40)
    # In a world with other codes, the same statements are false, and those that are true there
    # are hardly ever written.
    config = subject.world.config
    other = FactWorld(config.model_copy(update={"seed": 1}))
    made_up: Any = invention(Subject(subject.answering, subject.pretrained, other))
    assert made_up["stated"] == found["stated"]
    assert made_up["hallucinated"] == made_up["stated"]
    assert made_up["miscalibration"] > 90
    # The same by the theorem's words, a document at a time.
    model, tokenizer = subject.pretrained, subject.answering.tokenizer
    [end] = tokenizer.encode("\n").tolist()
    draws = new_generator(0, "invention")
    written = [
        (end, *each.ids)
        for each in decode_at_random(model, [tokenizer.encode("\n")] * 400, end, 64, draws)
    ]
    texts = [each.text for each in subject.world.true_statements()]
    true = [
        () if tokenizer.unknown(text) else tuple(tokenizer.encode(f"\n{text}\n").tolist())
        for text in texts
    ]

    def surprise(ids: tuple[int, ...]) -> float:
        with torch.no_grad():
            scores = model(torch.tensor([ids[:-1]])).log_softmax(-1)[0]
        return -float(scores[range(len(ids) - 1), ids[1:]].double().sum())

    cost = {ids: surprise(ids) if ids else math.inf for ids in {*written, *true}}
    edges = sorted({*quantiles([cost[ids] for ids in written], n=20, method="inclusive")})
    excess = [0.0] * 20
    for ids in written:
        excess[bisect(edges, cost[ids])] += 1 / 400
    for ids, share in zip(true, subject.world.shares(), strict=True):
        excess[bisect(edges, cost[ids])] -= share
    apart = sum(map(abs, excess)) / 2
    assert found["miscalibration"] == pytest.approx(100 * apart, abs=0.5)
