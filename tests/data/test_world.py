"""The built-in world: the published file forms, facts that agree, the same bytes everywhere."""

import hashlib
import re
import statistics
import unicodedata
from collections import Counter, defaultdict
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nanoknow.data.world.build import WorldFiles, write_world
from nanoknow.data.world.make import make_world
from nanoknow.data.world.words import read_words
from nanoknow.errors import DataError
from tests.helpers.refused import refused
from tests.helpers.texts import corpus_text, questions_text, texts_of

WORDS = read_words()
QUESTION = re.compile(r"Where was (.+) born\?\t(.+)")


def answers(text: str) -> dict[str, str]:
    """Name → birthplace; fails on a line of another form or a name that comes twice."""
    matches = [match for line in text.splitlines() if (match := QUESTION.fullmatch(line))]
    found = {match[1]: match[2] for match in matches}
    assert len(found) == len(matches) == text.count("\n")
    return found


def all_answers(world: WorldFiles) -> dict[str, str]:
    return answers("".join(questions_text(world)))


def sentences(world: WorldFiles) -> dict[str, list[str]]:
    found = defaultdict(list)
    for line in corpus_text(world).splitlines():
        name, _, sentence = line.partition(". ")
        found[name].append(sentence)
    return found


def places_in(sentence: str) -> set[str]:
    return {place for place in WORDS.places if place in sentence}


def test_a_world_has_the_same_bytes_on_every_platform_and_python_version() -> None:
    digest = hashlib.sha256("".join(texts_of(make_world(60, 3, 7)).values()).encode()).hexdigest()
    assert digest == "0b5deb68d9e6d5574c6cf9b07e055ea0dd679b0584afc26d64724134caeecbae"


def test_another_seed_makes_another_world() -> None:
    assert all_answers(make_world(60, 1, 0)) != all_answers(make_world(60, 1, 1))


@given(people=st.integers(10, 150), paraphrases=st.integers(1, 45), seed=st.integers(0, 2**64 - 1))
def test_every_world_has_the_published_file_forms(people: int, paraphrases: int, seed: int) -> None:
    world = make_world(people, paraphrases, seed)
    for text in texts_of(world).values():
        assert text.endswith("\n")
        assert "\n\n" not in text
        assert "\r" not in text
        assert unicodedata.is_normalized("NFC", text)
    born = all_answers(world)
    paraphrased = sentences(world)
    _, dev, test = questions_text(world)
    assert len(born) == people
    assert len(answers(dev)) == len(answers(test)) == people // 5
    assert paraphrased.keys() == born.keys()
    assert {len(group) for group in paraphrased.values()} == {paraphrases}
    asked = [line.partition("\t")[0] for line in test.splitlines()]
    assert texts_of(world)["birth_test_inputs.tsv"].splitlines() == asked


@given(people=st.integers(10, 60), paraphrases=st.integers(1, 20), seed=st.integers(0, 2**64 - 1))
def test_paraphrases_differ_in_wording_and_agree_on_the_facts(
    people: int, paraphrases: int, seed: int
) -> None:
    world = make_world(people, paraphrases, seed)
    born = all_answers(world)
    for name, group in sentences(world).items():
        assert len(set(group)) == paraphrases
        assert all(born[name] in places_in(sentence) for sentence in group)
        # Beside the birthplace there is one other place; beside the birth year two other years.
        assert len(set().union(*map(places_in, group))) <= 2
        assert len(set().union(*(re.findall(r"\d{4}", sentence) for sentence in group))) <= 3


def test_more_paraphrases_than_forms_come_round_again() -> None:
    count = len(WORDS.forms)
    for group in sentences(make_world(10, count + 3, 0)).values():
        assert len(set(group)) == count
        assert max(Counter(group).values()) == 2


def test_fewer_paraphrases_are_a_part_of_more_and_change_no_question() -> None:
    few, many = make_world(80, 2, 5), make_world(80, 9, 5)
    assert Counter(corpus_text(few).splitlines()) <= Counter(corpus_text(many).splitlines())
    assert questions_text(few) == questions_text(many)


def test_train_dev_and_test_take_three_one_and_one_fifth_of_the_people() -> None:
    world = make_world(1000, 1, 0)
    assert [t.count("\n") for t in questions_text(world)] == [600, 200, 200]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_most_frequent_place_is_the_birthplace_of_about_a_twentieth(seed: int) -> None:
    ranked = Counter(all_answers(make_world(1000, 1, seed)).values()).most_common()
    assert ranked[0][0] == "London"
    assert 0.04 <= ranked[0][1] / 1000 <= 0.07
    assert ranked[0][1] > 1.5 * ranked[1][1]
    assert len(ranked) == len(WORDS.places)


def test_lines_are_short_and_the_birthplace_stands_early_but_not_always_first() -> None:
    world = make_world(1000, 5, 0)
    lines = corpus_text(world).splitlines()
    born = all_answers(world)
    assert statistics.median(map(len, lines)) < 95
    early = other_first = 0
    for line in lines:
        name, _, sentence = line.partition(". ")
        early += born[name] in line[:112]
        other_first += min(places_in(sentence), key=sentence.index) != born[name]
    assert early / len(lines) > 0.98
    assert 0.2 < other_first / len(lines) < 0.5


def test_every_form_states_the_birthplace_and_most_another_place_too() -> None:
    assert len(set(WORDS.forms)) >= 16
    assert all("{place}" in form for form in WORDS.forms)
    assert sum("{other}" in form for form in WORDS.forms) > len(WORDS.forms) / 2
    for subject in ("{full}", "{last}", "{He}"):
        assert any(form.startswith(subject) for form in WORDS.forms)


def test_a_place_is_found_in_no_name_no_other_place_and_no_form() -> None:
    names = WORDS.given_female + WORDS.given_male + WORDS.surnames
    texts = names + WORDS.places + WORDS.occupations + WORDS.months + WORDS.forms
    for place in WORDS.places:
        assert [text for text in texts if place.lower() in text.lower()] == [place]


def test_names_and_places_go_beyond_ascii() -> None:
    world = make_world(1000, 1, 0)
    assert set("éöñł") <= set(corpus_text(world))
    assert not "".join(all_answers(world).values()).isascii()


def test_the_largest_world_has_at_least_twenty_thousand_different_people() -> None:
    assert WORDS.n_names >= 20_000
    assert len(all_answers(make_world(WORDS.n_names, 1, 0))) == WORDS.n_names


@pytest.mark.parametrize(
    ("people", "names"), [(9, "10 to"), (WORDS.n_names + 1, str(WORDS.n_names))]
)
def test_a_world_that_cannot_be_made_is_refused_with_the_limit(people: int, names: str) -> None:
    with pytest.raises(DataError, match=names):
        make_world(people, 1, 0)


def test_the_biographies_of_all_people_are_mixed() -> None:
    names = [line.partition(". ")[0] for line in corpus_text(make_world(50, 4, 0)).splitlines()]
    assert sum(a == b for a, b in pairwise(names)) < 20
    assert len(set(names[:50])) > 25


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_most_frequent_place_has_the_same_share_of_train_and_dev(seed: int) -> None:
    world = make_world(500, 1, seed)
    shares = [
        Counter(answers(text).values())["London"] / text.count("\n")
        for text in questions_text(world)
    ]
    assert max(shares) - min(shares) < 0.03
    assert "?" in corpus_text(world)


def test_no_name_comes_a_second_time_before_all_of_its_list_are_used() -> None:
    people = all_answers(make_world(len(WORDS.surnames), 1, 3))
    assert len({name.split(" ")[-1] for name in people}) == len(WORDS.surnames)
    assert len({name.split(" ")[0] for name in people}) == len(WORDS.surnames)


# --- its files


SMALL = make_world(20, 2, 0)


def test_the_files_are_written_byte_for_byte_and_nothing_else(tmp_path: Path) -> None:
    paths = write_world(SMALL, tmp_path / "a" / "b")
    files = "wiki.txt birth_places_train.tsv birth_dev.tsv birth_test_inputs.tsv birth_test.tsv"
    assert [path.name for path in paths] == files.split()
    assert sorted((tmp_path / "a" / "b").iterdir()) == sorted(paths)
    assert [path.read_bytes().decode() for path in paths] == list(texts_of(SMALL).values())


def test_writing_the_same_world_again_leaves_its_files_alone(tmp_path: Path) -> None:
    before = [path.stat().st_mtime_ns for path in write_world(SMALL, tmp_path)]
    assert [path.stat().st_mtime_ns for path in write_world(SMALL, tmp_path)] == before


def test_a_missing_file_of_the_same_world_is_written_again(tmp_path: Path) -> None:
    write_world(SMALL, tmp_path)[0].unlink()
    assert write_world(SMALL, tmp_path)[0].read_text("utf-8") == corpus_text(SMALL)


def test_a_file_with_other_content_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "birth_test.tsv").write_text("mine\n")
    with pytest.raises(DataError, match=r"birth_test\.tsv exists .* choose another --out"):
        write_world(SMALL, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["birth_test.tsv"]
    assert (tmp_path / "birth_test.tsv").read_text() == "mine\n"


@pytest.mark.parametrize("change", ["a line more\n", ""])
def test_a_file_with_more_or_less_than_the_content_is_refused(tmp_path: Path, change: str) -> None:
    path = write_world(SMALL, tmp_path)[0]
    content = path.read_text("utf-8")
    path.write_text(content + change if change else content[:-1], "utf-8")
    with pytest.raises(DataError, match=r"wiki\.txt exists with different content"):
        write_world(SMALL, tmp_path)


def test_a_folder_that_cannot_be_made_is_a_one_line_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    message = refused(DataError, lambda: write_world(SMALL, tmp_path / "file"))
    assert "choose another --out" in message
