"""A corpus as ids that are looked up where they are needed."""

import torch
from torch import Tensor

from nanoknow.data.corpus import Corpus
from nanoknow.data.tokenizer import Tokenizer


class EncodedText:
    """The ids of a text, kept as its codes and a table, so that no second copy of it exists."""

    def __init__(self, corpus: Corpus, tokenizer: Tokenizer) -> None:
        """Look up a corpus's characters in a vocabulary.

        Raises:
            DataError: names the characters that the vocabulary does not hold.
        """
        self._codes = torch.from_numpy(corpus.codes)  # (characters of the text,)
        self._ids = torch.from_numpy(tokenizer.encode(corpus.characters))  # by code

    def __len__(self) -> int:
        return len(self._codes)

    @property
    def device(self) -> torch.device:
        """Where the ids come out."""
        return self._codes.device

    def to(self, device: torch.device) -> None:
        """Move to a device."""
        self._codes, self._ids = self._codes.to(device), self._ids.to(device)

    def ids(self, indices: Tensor) -> Tensor:
        """Return the int64 ids of the characters at some indices, any shape."""
        return self._ids[self._codes[indices].long()]
