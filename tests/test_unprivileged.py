"""Root may do what others may not, and several limits do not hold for it: where the suite runs as root, the tests that
are marked `any_user` (isolation, limits, permissions, what cannot be forged) run once more as a user without rights.
"""

import os
from collections import defaultdict
from pathlib import Path

import pytest

from tests.conftest import Unprivileged

HERE = Path(__file__).parent
CODE = "import os, sys, pytest; os.chdir(sys.argv[1]); sys.exit(pytest.main(sys.argv[2:]))"
SLOW = frozenset({"training"})
"""Left to `make test-all`: a minute of trainings."""
OPTIONS = ("-m", "any_user and not slow", "-p", "no:cacheprovider", "-p", "no:xdist", "-q")


def marked() -> dict[str, list[str]]:
    """Files with marked tests, by the folder that they lie in."""
    found = defaultdict(list)
    for path in sorted(HERE.glob("*/**/test_*.py")):
        if "pytest.mark.any_user" in path.read_text():
            found[path.relative_to(HERE).parts[0]].append(str(path))
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="all tests run as a user without rights already")
@pytest.mark.parametrize(
    "folder", [pytest.param(folder, marks=pytest.mark.slow if folder in SLOW else ()) for folder in marked()]
)
def test_a_user_without_rights_is_held_and_protected_alike(folder: str, unprivileged: Unprivileged) -> None:
    done = unprivileged(CODE, str(HERE.parent), *OPTIONS, *marked()[folder])
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
