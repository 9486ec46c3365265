"""The attention weights that are recorded are those that the model computes with."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from nanoknow.attention.figure import plot_trace
from nanoknow.attention.question import AttentionReport
from nanoknow.attention.trace import AttentionTrace, points_of, recording, trace_answer
from nanoknow.config.models import ModelConfig, PerceiverConfig, VanillaConfig
from nanoknow.generation.decoding import decode_greedily
from nanoknow.models.base import CharacterModel
from nanoknow.models.layers import Attention
from tests.helpers.models import LENGTH, SIZES, every_model, logits_of, random_model, random_tokens
from tests.helpers.pictures import check_png, check_svg, drawn_by

STOP = 1


def attentions(model: nn.Module) -> dict[str, Attention]:
    return {
        name.removesuffix(".attention"): module
        for name, module in model.named_modules()
        if isinstance(module, Attention)
    }


def perceiver(**sizes: object) -> CharacterModel:
    return random_model(PerceiverConfig.model_validate({**SIZES, **sizes}))


def traced(model: CharacterModel, n_prompt: int = 9, max_new: int = 7) -> AttentionTrace:
    return trace_answer(model, random_tokens(n_prompt).numpy(), STOP, max_new)


@every_model
@pytest.mark.parametrize("length", [1, 7, LENGTH])
def test_the_logits_come_from_the_recorded_weights(config: ModelConfig, length: int) -> None:
    model, tokens = random_model(config), random_tokens(length)
    plain = logits_of(model, tokens)
    with recording(model) as found:
        recorded = logits_of(model, tokens)
    torch.testing.assert_close(recorded, plain, rtol=0, atol=1e-5)
    assert [record.layer for record in found] == list(attentions(model))
    assert torch.equal(logits_of(model, tokens), plain)  # and no hook is left
    assert not any(module._forward_pre_hooks for module in model.modules())


@every_model
def test_the_weights_times_the_values_are_what_each_layer_gathered(config: ModelConfig) -> None:
    model, tokens = random_model(config), random_tokens(LENGTH)
    kept: dict[nn.Module, tuple[Tensor, Tensor]] = {}  # what went into a layer and came out

    def keep(layer: nn.Module, inputs: tuple[Tensor], out: Tensor) -> None:
        kept[layer] = (inputs[0], out)

    layers = [x for a in attentions(model).values() for x in (a.value, a.projection)]
    handles = [layer.register_forward_hook(keep) for layer in layers]
    logits_of(model, tokens)  # an ordinary pass
    for handle in handles:
        handle.remove()
    with recording(model) as found:
        logits_of(model, tokens)
    for record in found:
        attention = attentions(model)[record.layer]
        value, gathered = kept[attention.value][1], kept[attention.projection][0]
        by_head = value.view(len(value), config.n_heads, -1).transpose(0, 1)  # (h, S, d/h)
        c = (record.weights[0] @ by_head).transpose(0, 1).flatten(1)
        torch.testing.assert_close(c, gathered, rtol=0, atol=1e-5)


@every_model
def test_weights_sum_to_one_and_see_nothing_later(config: ModelConfig) -> None:
    model = random_model(config)
    with recording(model) as found:
        logits_of(model, random_tokens(LENGTH))
    for record in found:
        weights = record.weights[0]
        torch.testing.assert_close(weights.sum(-1), torch.ones(weights.shape[:2]))
        queries, keys = points_of(model, record.layer, LENGTH)
        assert weights.shape == (config.n_heads, len(queries), len(keys))
        later = [[key.position > query.position for key in keys] for query in queries]
        assert not weights[:, torch.tensor(later)].any()
        if isinstance(config, VanillaConfig):
            assert (weights[:, ~torch.tensor(later)] > 0).all()


def test_the_first_latents_never_read_past_as_many_characters() -> None:
    down = traced(perceiver(bottleneck_dim=6)).layers[0]
    assert (down.weights[:, :, :6] > 0).all()
    assert not down.weights[:, :, 6:].any()


@every_model
def test_an_answer_is_traced_as_it_is_decoded(config: ModelConfig) -> None:
    model = random_model(config, seed=3)
    prompt = random_tokens(9, seed=5).numpy()
    trace = trace_answer(model, prompt, STOP, 7)
    [decoded] = decode_greedily(model, [prompt], STOP, 7)
    assert trace.answer.ids == decoded.ids
    assert trace.read == [*prompt, *decoded.ids[:-1]]
    assert logits_of(model, torch.tensor(trace.read))[8:].argmax(1).tolist() == decoded.ids
    with recording(model) as found:
        logits_of(model, torch.tensor(trace.read))
    for layer, record in zip(trace.layers, found, strict=True):
        assert layer.name == record.layer
        for i, query in enumerate(layer.queries):
            if query is None:
                assert not layer.weights[i].any()
                continue
            row = record.weights[0, :, query.number]
            torch.testing.assert_close(layer.weights[i], row)
            assert query.position <= len(prompt) - 1 + i
            if query.kind == "character":
                assert query.number == len(prompt) - 1 + i
        marked = layer.by_position(len(trace.read))
        assert marked.shape == (*layer.weights.shape[:2], len(trace.read))
        torch.testing.assert_close(marked.sum(-1), layer.weights.sum(-1))


def kinds(model: CharacterModel) -> dict[str, tuple[set[str], set[str]]]:
    return {
        layer.name: ({q.kind for q in layer.queries if q}, {k.kind for k in layer.keys})
        for layer in traced(model).layers
    }


def test_a_perceivers_latents_read_characters_and_are_read_by_them() -> None:
    character, latent = {"character"}, {"latent"}
    vanilla = kinds(random_model(VanillaConfig.model_validate(SIZES)))
    assert vanilla == dict.fromkeys(("blocks.0", "blocks.1", "blocks.2"), (character, character))
    below = {"down": (latent, character), "blocks.0": (latent, latent)}
    assert kinds(perceiver(bottleneck_dim=6)) == {**below, "up": (character, latent)}
    spread = kinds(perceiver(bottleneck_dim=6, latents="spread"))
    assert spread == {**below, "up": (character, character | latent)}


def test_a_latent_is_at_the_position_where_it_is_complete() -> None:
    trace = traced(perceiver(bottleneck_dim=5, latents="spread"))  # one for four characters
    (down, block, up), n = trace.layers, len(trace.read)
    assert [key.position for key in block.keys] == list(range(3, n, 4))
    assert [key.number for key in up.keys if key.kind == "latent"] == list(range(n // 4))
    assert all(key.position == i for i, key in enumerate(up.keys))
    for i, query in enumerate(down.queries):
        assert query is not None
        assert query.position == (9 + i) // 4 * 4 - 1  # the last latent that is complete


def test_before_any_latent_is_complete_nothing_is_attended_to() -> None:
    model = perceiver(bottleneck_dim=1, latents="spread", n_layers=2)
    down, up = traced(model, max_new=3).layers
    assert set(down.queries) == {None}
    assert not down.weights.any()
    assert {key.kind for key in up.keys} == {"character"}
    torch.testing.assert_close(up.weights.sum(-1), torch.ones(up.weights.shape[:2]))


@pytest.mark.slow
@pytest.mark.parametrize("latents", ["first", "spread"])
def test_every_head_is_drawn_whatever_the_characters(latents: str, tmp_path: Path) -> None:
    trace = traced(perceiver(bottleneck_dim=6, latents=latents, n_heads=2))
    n_read, n_written = len(trace.read), len(trace.answer.ids)
    read, written = ("$é\n水\u0301\\_^{" * 3)[:n_read], "⁇\t$水Ł語🙂"[:n_written]
    report = AttentionReport("runs/r", "perceiver", 1, "?", "!", read, written, trace)
    plot_trace(report, tmp_path / "a.png")
    [figure] = drawn_by(lambda: plot_trace(report, tmp_path / "a.svg"))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert any(title.startswith("layer 1, head 2: ") for title in titles)
    assert "look for a head" in figure.get_suptitle().replace("\n", " ")
    assert figure.texts[0].get_window_extent().x1 <= 72 * figure.get_figwidth()  # points
    width, height = check_png((tmp_path / "a.png").read_bytes())
    assert width > 160 * 3
    assert height > 160 * 2 * 0.3
    check_svg((tmp_path / "a.svg").read_bytes())
