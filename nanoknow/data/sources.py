"""The texts that a config names, each read when it is first used."""

import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Self, TypeVar

from nanoknow.config.experiment import DataConfig
from nanoknow.data.corpus import Corpus, corpus_from_chunks, read_corpus
from nanoknow.data.questions import QuestionSet, questions_from_bytes, read_questions
from nanoknow.data.reading import NO_FILE
from nanoknow.data.tokenizer import Tokenizer
from nanoknow.data.world.build import World, build_world, require_small
from nanoknow.errors import ConfigError, DataError
from nanoknow.system.files import open_regular

LINES = 10_000
"""Lines of a world's corpus that are read at a time: about a megabyte."""
ROLES = ("corpus", "questions", "eval")
Text = TypeVar("Text", Corpus, QuestionSet)


@dataclass(frozen=True)
class Texts:
    """Corpus, training questions and evaluation questions, from files or the built-in world."""

    config: DataConfig
    roles: tuple[str, ...] = ROLES

    @classmethod
    def find(cls, config: DataConfig, roles: tuple[str, ...] = ROLES) -> Self:
        """Find the files that a config names, and replace their names by absolute paths.

        Args:
            config: names the files.
            roles: the roles that will be read; files of other roles may be missing.

        Raises:
            DataError: a named file is not found.
        """
        named = {role: getattr(config, role) for role in roles}
        found = {role: locate(path).absolute() for role, path in named.items() if path}
        return cls(config.model_copy(update=found), roles)

    @cached_property
    def corpus(self) -> Corpus | None:
        """The pretraining text: the named file, else the world's; None without either."""
        if self.config.corpus:
            return read_corpus(self.config.corpus, self.config.documents)
        if self._world:
            name = self._world.roles["corpus"]
            lines = iter(self._world.files[name])
            parts = iter(lambda: b"".join(islice(lines, LINES)), b"")
            return corpus_from_chunks(parts, f"{self.config.world}/{name}")
        return None

    @cached_property
    def questions(self) -> QuestionSet | None:
        """The training questions, from the named file or the world."""
        return self._questions(self.config.questions, "questions")

    @cached_property
    def eval(self) -> QuestionSet | None:
        """The questions to evaluate on, from the named file or the world."""
        return self._questions(self.config.eval, "eval")

    @cached_property
    def test(self) -> QuestionSet | None:
        """The built-in world's test questions, if the corpus is the world's."""
        return None if self.config.corpus else self._questions(None, "test")

    def require_corpus(self) -> Corpus:
        """Return the pretraining text.

        Raises:
            ConfigError: neither a file nor a world has one.
        """
        return required(self.corpus, "no pretraining text: name one with --corpus FILE")

    def require_questions(self) -> QuestionSet:
        """Return the training questions.

        Raises:
            ConfigError: neither a file nor a world has them.
        """
        return required(self.questions, "no training questions: name a file with --questions FILE")

    def require_eval(self) -> QuestionSet:
        """Return the questions to evaluate on.

        Raises:
            ConfigError: neither a file nor a world has them.
        """
        return required(self.eval, "no questions to evaluate on: name a file with --eval FILE")

    def tokenizer(self, *, specials: bool) -> Tokenizer:
        """Build the vocabulary of the corpus and, with specials, of the training questions.

        Raises:
            ConfigError: there is no corpus.
            DataError: it holds one of the specials itself.
        """
        asked = self.questions if specials else None
        others = asked.characters(answers=True) if asked else ""
        return Tokenizer.from_corpus(self.require_corpus(), others, specials=specials)

    def hashes(self) -> dict[str, dict[str, str]]:
        """Return the name and SHA-256 of each text, by its role."""
        texts = {role: getattr(self, role) for role in self.roles}
        return {
            role: {"name": text.name, "sha256": text.sha256} for role, text in texts.items() if text
        }

    @cached_property
    def _world(self) -> World | None:
        if self.config.world is None:
            return None
        require_small(self.config.world)
        return build_world(self.config.world)

    def _questions(self, path: Path | None, role: str) -> QuestionSet | None:
        if path:
            return read_questions(path)
        if self._world and (name := self._world.roles.get(role)):
            raw = b"".join(self._world.files[name])
            return questions_from_bytes(raw, f"{self.config.world}/{name}")
        return None


def required(text: Text | None, message: str) -> Text:
    """Return a text that is not None.

    Raises:
        ConfigError: it is None; ``message`` is the error's text.
    """
    if text is None:
        raise ConfigError(message)
    return text


def locate(path: Path) -> Path:
    """Find a data file: by its path as given, else in the data folder or a folder in that.

    The data folder is ``NANOKNOW_DATA``, or ``./data``, where ``nanoknow data fetch`` writes.

    Raises:
        DataError: it is in none of these, or in several folders of the data folder.
    """
    if path.is_absolute() or _is_there(path):
        return path
    folder = data_folder()
    inner = [folder] if _is_there(folder / path) else sorted(folder.glob("*"))
    found = [each / path for each in inner if _is_there(each / path)]
    if len(found) > 1:
        raise DataError(f"{path}: could be {' or '.join(map(str, found))}: name it with its folder")
    if found:
        return found[0]
    advice = "or get the published data with 'nanoknow data fetch birthplaces' (or shakespeare)"
    raise DataError(f"{path}: no such file, here or in {folder}{os.sep}: name another, {advice}")


def found_again(config: DataConfig, recorded: Mapping[str, Mapping[str, str]]) -> DataConfig:
    """Return a run's data config with new paths for files that have moved.

    They are looked for by name and SHA-256, here and in the data folder; a file that is not found
    keeps its path. A pipe, a device or an empty file is never read for a run: its path becomes one
    that cannot be opened, unless a command names another file in its place.

    Args:
        config: names the files.
        recorded: name and SHA-256 of each file, by its role.
    """
    named = {role: path for role in ROLES if (path := getattr(config, role))}
    found = {role: _moved(path, recorded.get(role, {})) for role, path in named.items()}
    return config.model_copy(update=found)


def _moved(path: Path, text: Mapping[str, str]) -> Path:
    # See ``open_regular`` for files without bytes.
    if os.path.isfile(path) and path.stat().st_size:  # noqa: PTH113 - see ``_is_there``
        return path
    others = sorted(each for each in data_folder().rglob("*") if each.name == path.name)
    for found in (Path(path.name), *others):
        with suppress(OSError), open_regular(found) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == text.get("sha256"):
                return found.absolute()
    return path / NO_FILE if _is_there(path) and not path.is_dir() else path


def _is_there(path: Path) -> bool:
    # Unlike Path.exists, this is False for a name too long or in a folder that may not be searched.
    return os.path.exists(path)  # noqa: PTH110


def data_folder() -> Path:
    """Return the folder of fetched data."""
    return Path(os.environ.get("NANOKNOW_DATA") or "data")
