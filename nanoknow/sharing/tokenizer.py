"""A character vocabulary as the files of a fast tokenizer, whose tokens are characters."""

from typing import Any

from nanoknow.data.tokenizer import MASK, PAD, SPECIALS, Tokenizer


def tokenizer_files(tokenizer: Tokenizer, block_size: int) -> dict[str, dict[str, Any]]:
    """Return ``tokenizer.json`` and ``tokenizer_config.json``.

    A normalizer drops characters that the vocabulary lacks, as ``Tokenizer`` does; a mask in a text
    becomes the mask token.
    """
    ids = {character: i for i, character in enumerate(tokenizer.characters)}
    # Without specials, these are ordinary characters that a language model's text may hold.
    marks = SPECIALS if tokenizer.characters.startswith("".join(SPECIALS)) else ()
    known = "".join(f"\\x{{{ord(character):x}}}" for character in tokenizer.characters)
    added = [
        {"id": ids[mark], "content": mark, "special": True}
        | dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        for mark in marks
    ]
    whole = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": {"type": "Replace", "pattern": {"Regex": f"[^{known}]"}, "content": ""},
        "pre_tokenizer": {
            "type": "Split",
            "pattern": {"Regex": r"[\s\S]"},
            "behavior": "Isolated",
            "invert": False,
        },
        "post_processor": None,
        "decoder": {"type": "Fuse"},
        "model": {"type": "WordLevel", "vocab": ids, "unk_token": tokenizer.characters[0]},
    }
    named = {"pad_token": PAD, "eos_token": MASK} if marks else {}
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": block_size,
        "padding_side": "left",  # as generation goes on at the right end
        "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"],
        **named,
    }
    return {"tokenizer.json": whole, "tokenizer_config.json": settings}
