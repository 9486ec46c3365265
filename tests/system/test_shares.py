"""How shares are written."""

import re
from pathlib import Path

from nanoknow.system.shares import percent

PACKAGE = Path(__file__).parents[2] / "nanoknow"


def test_a_share_has_one_digit_and_a_space_before_its_sign() -> None:
    assert [percent(share) for share in (0.0, 0.3, 0.99951, 1.0)] == [
        "0.0 %",
        "30.0 %",
        "100.0 %",
        "100.0 %",
    ]
    assert percent(None) == "–"


def test_no_module_writes_shares_in_a_way_of_its_own() -> None:
    found = [
        f"{path.relative_to(PACKAGE)}: {line.strip()}"
        for path in PACKAGE.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.search(r":[^{}\"]*%\}", line)
    ]
    assert found == []
