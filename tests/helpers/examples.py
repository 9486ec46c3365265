"""How many examples property tests make: so many as the profile of ``conftest.py`` says."""

from hypothesis import settings


def examples(share: float) -> settings:
    """Make more examples than others where they are cheap, and fewer where they take long."""
    return settings(max_examples=max(1, round(share * settings().max_examples)))
