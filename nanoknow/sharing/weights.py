"""A model's config and weights under the names of transformers: a GPT-2, or a GPT-NeoX.

With learned positions a vanilla model is a GPT-2 (Radford et al., 2019) whose output layer is not
tied to the embedding; with rotary ones it is a GPT-NeoX (Black et al., 2022) that rotates all
dimensions of a head and adds attention and MLP one after the other. A perceiver is neither.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from nanoknow.config.models import VanillaConfig
from nanoknow.errors import ConfigError
from nanoknow.models.base import CharacterModel

PARTS = {
    "embedding.token.": ("transformer.wte.", "gpt_neox.embed_in."),
    "embedding.position": ("transformer.wpe.weight", ""),
    "blocks.": ("transformer.h.", "gpt_neox.layers."),
    "ln1.": ("ln_1.", "input_layernorm."),
    "ln2.": ("ln_2.", "post_attention_layernorm."),
    "attention.projection.": ("attn.c_proj.", "attention.dense."),
    "mlp.expand.": ("mlp.c_fc.", "mlp.dense_h_to_4h."),
    "mlp.contract.": ("mlp.c_proj.", "mlp.dense_4h_to_h."),
    "head.ln.": ("transformer.ln_f.", "gpt_neox.final_layer_norm."),
    "head.linear.": ("lm_head.", "embed_out."),
}
"""Names of modules here, in a GPT-2 and in a GPT-NeoX, whose positions have no weights."""


def architecture(model: CharacterModel, marks: dict[str, int]) -> dict[str, Any]:
    """Return the contents of ``config.json``.

    Args:
        model: the model to describe.
        marks: ids of special tokens by their keys, such as ``eos_token_id``.

    Raises:
        ConfigError: transformers has no such model.
    """
    config = model.config
    if not isinstance(config, VanillaConfig):
        raise ConfigError(
            f"{model.origin}: is a {config.variant}, which no architecture of transformers "
            f"computes: export a vanilla run, or open this one with nanoknow.load"
        )
    shared = {
        "vocab_size": model.vocab_size,
        "layer_norm_eps": 1e-5,
        "layer_norm_epsilon": 1e-5,
        "initializer_range": 0.02,
        "tie_word_embeddings": False,
        "dtype": "float32",
        **dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id")),
        **marks,
    }
    if config.positions == "learned":
        own = {
            "model_type": "gpt2",
            "architectures": ["GPT2LMHeadModel"],
            "n_layer": config.n_layers,
            "n_head": config.n_heads,
            "n_embd": config.d_model,
            "n_positions": config.block_size,
            "activation_function": "gelu",
            **dict.fromkeys(("embd_pdrop", "attn_pdrop", "resid_pdrop"), config.dropout),
        }
    else:
        turned = {"rope_theta": 10_000.0, "partial_rotary_factor": 1.0}
        own = {
            "model_type": "gpt_neox",
            "architectures": ["GPTNeoXForCausalLM"],
            "num_hidden_layers": config.n_layers,
            "num_attention_heads": config.n_heads,
            "hidden_size": config.d_model,
            "intermediate_size": 4 * config.d_model,
            "max_position_embeddings": config.block_size,
            "hidden_act": "gelu",
            "use_parallel_residual": False,
            "rope_parameters": {"rope_type": "default", **turned},
            # Releases before 5 read these in place of rope_parameters.
            "rotary_emb_base": 10_000,
            "rotary_pct": 1.0,
            **dict.fromkeys(("hidden_dropout", "attention_dropout"), config.dropout),
        }
    return own | shared


def renamed(name: str, parts: Mapping[str, str]) -> str:
    """Return the name of a parameter with some of its parts replaced by others."""
    for here, there in parts.items():
        name = name.replace(here, there)
    return name


def exported_weights(model: CharacterModel) -> dict[str, Tensor]:
    """Return the weights of ``model.safetensors`` under their names there.

    Query, key and value of a layer are joined into one, (3d, …): in a GPT-NeoX head by head.
    """
    is_gpt2 = model.config.positions == "learned"
    parts = {here: names[not is_gpt2] for here, names in PARTS.items()}
    n = 1 if is_gpt2 else model.config.n_heads
    joined = "attn.c_attn" if is_gpt2 else "attention.query_key_value"
    found = model.state_dict()
    for name in [name for name in found if ".query." in name]:
        apart = [found.pop(name.replace("query", each)) for each in ("query", "key", "value")]
        by_head = [each.unflatten(0, (n, -1)) for each in apart]  # (n, d/n, …)
        found[name.replace("attention.query", joined)] = torch.stack(by_head, 1).flatten(0, 2)
    exported = {}
    for key, tensor in found.items():
        is_turned = is_gpt2 and key.startswith("blocks.") and tensor.dim() == 2  # to (in, out)
        exported[renamed(key, parts)] = (tensor.T if is_turned else tensor).contiguous()
    return exported
