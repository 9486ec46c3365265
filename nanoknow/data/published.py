"""The published data sets, pinned by address and SHA-256."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteFile:
    """A published file, pinned by the hash of its content.

    Attributes:
        name: its name, both here and at the end of its address.
        base: its http or https address up to and including the last slash.
        folder: its folder in the data folder.
        size: in bytes.
        sha256: hash of its content, 64 lower-case hexadecimal digits.
    """

    name: str
    base: str
    folder: str
    size: int
    sha256: str


# Stanford CS224N, "Self-Attention, Transformers, and Pretraining"; Wikipedia text (CC BY-SA).
_BIRTHPLACES = (
    "https://raw.githubusercontent.com/shasha3493/Self-Attention-Transformers-and-Pretraining/"
    "eab1999259a197e84baea59193081c77271a742d/"
)
# A public-domain text, in the selection of Andrej Karpathy's char-rnn.
_SHAKESPEARE = (
    "https://raw.githubusercontent.com/karpathy/char-rnn/"
    "6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare/"
)

# fmt: off
DATASETS: dict[str, tuple[RemoteFile, ...]] = {
    "birthplaces": (
        RemoteFile("wiki.txt", _BIRTHPLACES, "birthplaces", 419_253,
                   "823bb536fca77c8b5a15b34b0dead6355d0cf1f806e822464bca28806c2fd055"),
        RemoteFile("birth_places_train.tsv", _BIRTHPLACES, "birthplaces", 79_923,
                   "02364dfca78e23d2583a19f03a2d8cddd90ee3e1a3795ddec7f0addadea30b0d"),
        RemoteFile("birth_dev.tsv", _BIRTHPLACES, "birthplaces", 20_041,
                   "101a56073eba0db9aad5e2aaf1aa9bf8bdae966ae3aaed8fc8cda5edfa7856da"),
        RemoteFile("birth_test_inputs.tsv", _BIRTHPLACES, "birthplaces", 13_880,
                   "5ccd3b2a1682e0daf90d59488aef8805ef21b9d35795cc3bdabdea79d293aa1f"),
    ),
    "shakespeare": (
        RemoteFile("input.txt", _SHAKESPEARE, "tinyshakespeare", 1_115_394,
                   "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"),
    ),
}
# fmt: on
