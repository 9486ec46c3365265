"""nanoknow: a closed-book knowledge lab at nano scale."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nanoknow.api import load as load

__version__ = "0.4.0"
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> object:
    """Import ``load`` on first use, so that ``import nanoknow`` stays free of torch."""
    if name == "load":
        from nanoknow.api import load

        return load
    raise AttributeError(f"module 'nanoknow' has no attribute {name!r}")
