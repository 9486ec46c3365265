"""What a call is refused with."""

from collections.abc import Callable

import pytest

from nanoknow.errors import NanoknowError


def refused(error: type[NanoknowError], call: Callable[..., object], *arguments: object) -> str:
    """Return the one line that a call is refused with."""
    with pytest.raises(error) as caught:
        call(*arguments)
    message = str(caught.value)
    assert message.splitlines() == [message]
    return message
