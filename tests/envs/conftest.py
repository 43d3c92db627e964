from __future__ import annotations

import site
import sys
from pathlib import Path

import pytest
from interpreters import ONLY_THERE, packages, venv


@pytest.fixture
def own_envs(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a module with environments of a user's own."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    sys.modules.pop("own_envs", None)
    return "own_envs"


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with this one's packages, and one of its own."""
    folder = tmp_path_factory.mktemp("other") / "venv"
    mine = next(path for path in site.getsitepackages() if path.endswith("site-packages"))
    python = venv(folder, f"import site; site.addsitedir({mine!r})")
    (packages(folder) / "only_there.py").write_text(ONLY_THERE)
    (about := packages(folder) / "only_there-1.2.dist-info").mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: only-there\nVersion: 1.2\n")
    return python
