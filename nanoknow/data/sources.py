"""The texts that a config names, read when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nanoknow.config import DataConfig
from nanoknow.data.corpus import (
    Corpus,
    QuestionSet,
    corpus_from_pieces,
    locate,
    questions_from_bytes,
    read_corpus,
    read_questions,
)
from nanoknow.data.world import make_world
from nanoknow.data.world_files import WorldFiles
from nanoknow.errors import ConfigError

ROLES = ("corpus", "questions", "eval")


@dataclass(frozen=True)
class Texts:
    """Corpus, training questions and evaluation questions, from files or the built-in world."""

    config: DataConfig
    roles: tuple[str, ...] = ROLES

    @classmethod
    def find(cls, config: DataConfig, roles: tuple[str, ...] = ROLES) -> Texts:
        """Replace the names of files by the absolute paths where they are.

        Args:
            config: names them.
            roles: those that will be read; files of other roles need not be there.

        Raises:
            DataError: a named file is nowhere.
        """
        named = {role: getattr(config, role) for role in roles}
        found = {role: locate(path).absolute() for role, path in named.items() if path}
        return cls(config.model_copy(update=found), roles)

    @cached_property
    def corpus(self) -> Corpus | None:
        """The pretraining text, where one is named."""
        if self.config.corpus:
            return read_corpus(self.config.corpus)
        if self._world:
            pieces = self._world.by_name()["wiki.txt"]
            return corpus_from_pieces(pieces, f"{self.config.world}/wiki.txt")
        return None

    @cached_property
    def questions(self) -> QuestionSet | None:
        """The training questions, where a file is named."""
        return self._questions(self.config.questions, "birth_places_train.tsv")

    @cached_property
    def eval(self) -> QuestionSet | None:
        """The questions to evaluate on, where a file is named."""
        return self._questions(self.config.eval, "birth_dev.tsv")

    def require_corpus(self) -> Corpus:
        """Return the pretraining text.

        Raises:
            ConfigError: none is named.
        """
        if self.corpus is None:
            raise ConfigError("no pretraining text: name one with --corpus FILE")
        return self.corpus

    def require_questions(self) -> QuestionSet:
        """Return the training questions.

        Raises:
            ConfigError: no file is named.
        """
        if self.questions is None:
            raise ConfigError("no training questions: name a file with --questions FILE")
        return self.questions

    def require_eval(self) -> QuestionSet:
        """Return the questions to evaluate on.

        Raises:
            ConfigError: no file is named.
        """
        if self.eval is None:
            raise ConfigError("no questions to evaluate on: name a file with --eval FILE")
        return self.eval

    def hashes(self) -> dict[str, dict[str, str]]:
        """Return the name and SHA-256 of each text, by its role."""
        texts = {role: getattr(self, role) for role in self.roles}
        return {
            role: {"name": text.name, "sha256": text.sha256} for role, text in texts.items() if text
        }

    @cached_property
    def _world(self) -> WorldFiles | None:
        world = self.config.world
        return make_world(world.people, world.paraphrases, world.seed) if world else None

    def _questions(self, path: Path | None, part: str) -> QuestionSet | None:
        if path:
            return read_questions(path)
        if self._world:
            raw = b"".join(self._world.by_name()[part])
            return questions_from_bytes(raw, f"{self.config.world}/{part}")
        return None
