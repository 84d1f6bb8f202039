"""The command as it was called, for lines that are to be copied from a terminal."""

import shlex
import shutil
import sys
from pathlib import Path

_NAME = "cic"


def as_called() -> str:
    """What a shell runs again as this command: `cic` where that is found, and otherwise as it was typed.

    A shell gives the path of what it found; of another environment's `cic` in PATH the answer is the path of this one.
    """
    typed = sys.argv[0]
    if Path(typed).name != _NAME:  # another program that calls commands, such as a test
        return _NAME
    found = shutil.which(_NAME)
    try:
        return _NAME if found and Path(typed).samefile(found) else shlex.quote(typed)
    except FileNotFoundError:
        return _NAME
