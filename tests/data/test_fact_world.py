"""The world of many facts: independent ones, exact bits, wordings that are kept apart."""

import hashlib
import itertools
import math
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from nanoknow.config.world import RELATIONS, WorldConfig
from nanoknow.data.world.build import build_world
from nanoknow.data.world.facts import FactWorld, Person, Statement
from nanoknow.data.world.parser import Parser
from nanoknow.data.world.words import CODES, UNSEEN, read_relations, read_words, skewed_shares
from nanoknow.errors import DataError
from tests.helpers.examples import examples
from tests.helpers.texts import texts_of

WORLDS = st.builds(
    WorldConfig,
    people=st.integers(10, 60),
    paraphrases=st.integers(1, 20),
    seed=st.integers(0, 2**63 - 1),
    relations=st.integers(4, 6) | st.sampled_from([("employer",), ("code", "employer")]),
    permute=st.booleans(),
    full_name=st.booleans(),
    skewed=st.sampled_from([(), ("employer",)]),
)
BUCKETS = 10


def world_of(people: int = 40, **values: object) -> FactWorld:
    return FactWorld(WorldConfig.model_validate({"people": people, "relations": 6} | values))


def test_a_world_has_the_same_bytes_on_every_platform_and_python_version() -> None:
    config = world_of(permute=True, skewed=("employer",), seed=7).config
    text = "".join(texts_of(build_world(config).files).values())
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert digest == "3159b074fbea0cc69ea76706a6d8de41efd3021912ef58619eeac403d3831649"


@given(config=WORLDS)
def test_every_biography_states_every_fact_once_where_it_says(config: WorldConfig) -> None:
    world = FactWorld(config)
    biographies = list(world.biographies())
    assert len(biographies) == config.people * config.paraphrases
    for person, text, statements in [*biographies, *world.unseen_biographies()]:
        assert text.startswith(f"{person.name}. ")
        assert "{" not in text
        assert "\n" not in text
        said = {n: text[start:end] for n, start, end in statements}
        values = zip(world.relations, person.values, strict=True)
        assert said == {i: relation.value(v) for i, (relation, v) in enumerate(values)}
        assert config.permute or list(said) == sorted(said)
        assert not config.full_name or text.count(person.name) > len(statements)


@given(config=WORLDS)
def test_every_person_is_asked_about_in_one_half_with_every_relation(config: WorldConfig) -> None:
    world = FactWorld(config)
    halves = [set(world.questions(held_out=held_out)) for held_out in (False, True)]
    about = [
        {person.name for person in world.people if any(person.name in text for text, _ in half)}
        for half in halves
    ]
    n = len(world.relations)
    assert not about[0] & about[1]
    assert len(about[1]) == config.people // 2
    assert [len(half) for half in halves] == [n * len(names) for names in about]
    facts = {
        (relation.question.format(name=person.name), relation.value(value))
        for person in world.people
        for relation, value in zip(world.relations, person.values, strict=True)
    }
    assert halves[0] | halves[1] == facts


def test_how_biographies_are_worded_changes_no_fact_and_fewer_are_part_of_more() -> None:
    one, five = world_of(paraphrases=1), world_of(paraphrases=5)
    assert one.people == five.people == world_of(permute=True, full_name=True).people
    assert list(five.biographies())[:40] == list(one.biographies())
    assert one.people != world_of(seed=1).people


def test_the_last_wordings_of_every_relation_are_in_no_biography() -> None:
    world = world_of(300, paraphrases=15, full_name=True)
    corpus = Counter(masked(*biography) for biography in world.biographies())
    unseen = Counter(masked(*biography) for biography in world.unseen_biographies())
    seen_forms = {form for forms in corpus for form in forms}
    unseen_forms = {form for forms in unseen for form in forms}
    assert len(seen_forms) == 6 * (20 - UNSEEN)
    assert len(unseen_forms) == 6 * UNSEEN
    assert not seen_forms & unseen_forms


def masked(person: Person, text: str, statements: tuple[Statement, ...]) -> tuple[str, ...]:
    """Return the sentences of a biography without name and values."""
    for _, start, end in reversed(statements):
        text = f"{text[:start]}*{text[end:]}"
    return tuple(text[:-1].replace(person.name, "X").split(". ")[1:])


def test_a_person_has_every_wording_of_a_relation_once_before_any_again() -> None:
    world = world_of(10, paraphrases=15)
    for person in world.people:
        texts = [masked(*each) for each in world.biographies() if each.person == person]
        assert len({forms[0] for forms in texts}) == 15


def bucketed(world: FactWorld) -> dict[str, list[int]]:
    """Return views of all that is drawn of people, each in ten equal buckets."""
    found = {"gender": [5 * person.is_female for person in world.people]}
    for i, relation in enumerate(world.relations):
        found[f"{relation.name}, high"] = [
            p.values[i] * BUCKETS // relation.n_values for p in world.people
        ]
        found[f"{relation.name}, low"] = [p.values[i] % BUCKETS for p in world.people]
    names = sorted({p.name.split()[0] for p in world.people})
    found["given name"] = [names.index(p.name.split()[0]) % BUCKETS for p in world.people]
    return found


def dependence(one: list[int], other: list[int]) -> float:
    """Return Pearson's chi-square of two views, in standard deviations above its mean."""
    n, pairs = len(one), Counter(zip(one, other, strict=True))
    rows, columns = Counter(one), Counter(other)
    square = sum(
        (pairs[r, c] - expected) ** 2 / expected
        for r, c in itertools.product(rows, columns)
        for expected in [rows[r] * columns[c] / n]
    )
    freedom = (len(rows) - 1) * (len(columns) - 1)
    return (square - freedom) / math.sqrt(2 * freedom)


@pytest.mark.parametrize("skewed", [(), ("birthplace", "university", "employer", "profession")])
def test_no_attribute_tells_anything_about_another(skewed: tuple[str, ...]) -> None:
    views = bucketed(world_of(8000, skewed=skewed, seed=3))
    pairs = [
        (one, other)
        for one, other in itertools.combinations(views, 2)
        if one.split(",")[0] != other.split(",")[0] and {one, other} != {"gender", "given name"}
    ]
    assert len(pairs) > 60
    assert {pair: d for pair in pairs if (d := dependence(*(views[v] for v in pair))) > 5} == {}
    shifted = views["birthplace, high"][1:] + views["birthplace, high"][:1]
    copied = [
        v if i % 5 else w for i, (v, w) in enumerate(zip(shifted, views["code, low"], strict=True))
    ]
    assert dependence(copied, views["code, low"]) > 5  # one in five copied would be seen


def test_all_names_and_codes_differ_where_names_have_to_be_lengthened() -> None:
    words = read_words()
    people = world_of(words.n_names + 3000, relations=6).people
    assert len({person.name for person in people}) == len(people)
    for person in people[words.n_names :]:
        first, second, _ = person.name.split()
        assert first != second
        assert {first, second} <= {*(words.given_female if person.is_female else words.given_male)}
    assert len({person.values[-1] for person in people}) == len(people)


def test_relations_are_named_or_counted_and_each_is_drawn_alike_with_any_others() -> None:
    assert world_of(relations=2).config.relations == ("birthplace", "birth date")
    alone, all_six = world_of(relations=("code", "employer")), world_of()
    assert [p.values[::-1] for p in alone.people] == [p.values[3::2] for p in all_six.people]


def test_who_has_a_code_is_asked_of_the_same_people() -> None:
    world = world_of(relations=("code", "employer"), backward=True)
    for held_out in (False, True):
        asked = list(world.questions(held_out=held_out))
        each = zip(asked[::3], asked[1::3], asked[2::3], strict=True)
        for (forward, code), (backward, name), (employer, _) in each:
            assert (forward, backward) == (f"What is the code of {name}?", f"Whose code is {code}?")
            assert employer == world.relations[1].question.format(name=name)


@pytest.mark.parametrize(
    "values",
    [
        {"relations": 0}, {"relations": 7}, {"relations": True}, {"relations": ["age"]},
        {"relations": ["code", "code"]},
        {"relations": (), "permute": True}, {"relations": 2, "backward": True},
        {"relations": 6, "skewed": ["code"]}, {"relations": 2, "skewed": ["employer"]},
    ],
)  # fmt: skip
def test_a_config_that_contradicts_itself_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WorldConfig.model_validate(values)


def test_bits_are_those_of_the_best_code_for_what_was_drawn() -> None:
    world = world_of(500, skewed=("employer",))
    bits = world.bits()
    assert tuple(bits) == RELATIONS
    assert bits["profession"] == 500 * 6
    assert bits["birthplace"] == pytest.approx(500 * math.log2(100))
    assert bits["birth date"] == pytest.approx(500 * math.log2(28 * 12 * 100))
    assert bits["code"] == pytest.approx(sum(math.log2(CODES - i) for i in range(500)))
    shares = skewed_shares(100)
    assert sum(shares) == pytest.approx(1)
    assert bits["employer"] == pytest.approx(
        -sum(math.log2(shares[person.values[3]]) for person in world.people)
    )
    assert bits["employer"] < 0.9 * 500 * math.log2(100)


def test_skewed_values_come_by_zipfs_law() -> None:
    met = Counter(person.values[0] for person in world_of(8000, skewed=("birthplace",)).people)
    for rank in range(3):
        assert met[rank] / 8000 == pytest.approx(skewed_shares(100)[rank], rel=0.15)


def test_no_value_is_in_another_a_wording_or_a_question() -> None:
    relations = read_relations().values()
    texts = [text for each in relations for text in (*each.wordings, each.question)]
    words = read_words()
    values = [value for each in relations for value in each.values]
    assert len(values) == len(set(values))
    for value in values:
        whole = re.compile(rf"\b{re.escape(value)}\b")
        others = {*texts, *words.surnames, *words.given_female, *words.given_male, *values} - {
            value
        }
        assert [text for text in others if whole.search(text)] == []


def test_every_wording_has_one_value_and_is_written_for_one_relation() -> None:
    wordings = [w for each in read_relations().values() for w in each.wordings]
    assert len(set(wordings)) == len(wordings) == 6 * 20
    assert all(wording.count("{v}") == 1 and wording.endswith(".") for wording in wordings)


def test_a_world_with_more_people_than_names_or_codes_is_refused_with_the_limit() -> None:
    for most, relations in ((read_words().n_names * 100, 5), (CODES, 6)):
        with pytest.raises(DataError, match=f"ask for 10 to {most}, "):
            world_of(most + 1, relations=relations)


@pytest.mark.slow
@given(config=WORLDS)
@examples(0.25)
def test_the_parser_reads_what_biographies_state_and_nothing_else(config: WorldConfig) -> None:
    world = FactWorld(config.model_copy(update={"permute": False}))
    parser = Parser(world)
    for person, text, _ in [*world.biographies(), *world.unseen_biographies()]:
        values = zip(world.relations, person.values, strict=True)
        assert parser.read(text) == (person.name, tuple(r.value(n) for r, n in values))
        assert parser.read(text[:-1]) is None
        assert parser.read(text + text) is None
        assert parser.read(text.replace(". ", ".  ", 1)) is None


@given(
    exponent=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    repeats=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_drawn_statements_are_true_come_by_their_shares_and_the_first_again(
    exponent: float, repeats: int, seed: int
) -> None:
    drawn = {"statements": 400, "exponent": exponent, "repeats": repeats}
    world = world_of(20, relations=("code",), paraphrases=1, seed=seed, drawn=drawn)
    people, texts = world.draws(), [each.text for each in world.biographies()]
    own = [each.text for each in world.true_statements()]
    assert texts[:400] == [own[i] for i in people]
    assert texts[400:] == texts[:20] * (repeats - 1)
    shares = world.shares()
    assert sum(shares) == pytest.approx(1)
    assert shares[3] / shares[0] == pytest.approx(4**-exponent)
    for i, share in enumerate(shares):
        assert abs(people.count(i) - 400 * share) < 5 * math.sqrt(400 * share) + 1


@pytest.mark.parametrize("more", [{"permute": True}, {"paraphrases": 2}, {"relations": ()}])
def test_drawn_statements_have_one_form_each(more: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="drawn"):
        WorldConfig.model_validate(
            {"relations": 6, "paraphrases": 1, "drawn": {"statements": 5}} | more
        )
