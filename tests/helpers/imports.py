"""What code imports, seen in a process of its own."""

import subprocess
import sys


def loads_neither(code: str) -> bool:
    """Whether code runs without loading torch or matplotlib, which take seconds to import."""
    check = "import sys; sys.exit(bool({'torch', 'matplotlib'} & set(sys.modules)))"
    return subprocess.run([sys.executable, "-c", f"{code}; {check}"]).returncode == 0
