"""nanoknow: a closed-book knowledge lab at nano scale; its functions are in ``nanoknow.api``."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nanoknow.api import ask, evaluate, finetune, inspect, load, pretrain, sample, sweep

__version__ = "0.6.3"
__all__ = [
    "__version__", "ask", "evaluate", "finetune", "inspect", "load", "pretrain", "sample", "sweep",
]  # fmt: skip


if not TYPE_CHECKING:  # else type checkers would accept any name

    def __getattr__(name: str) -> object:
        """Import a function on first use, so that ``import nanoknow`` stays free of torch."""
        if name in __all__:
            return getattr(import_module("nanoknow.api"), name)
        raise AttributeError(f"module 'nanoknow' has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, for tab completion."""
    return __all__
