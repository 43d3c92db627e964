"""docs/looking.ipynb runs, and shows what it says that it shows."""

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

DOCS = Path(__file__).parent.parent.parent / "docs"
NOTEBOOK = DOCS / "looking.ipynb"
SECONDS = 240
"""For a cell, on a busy machine."""


def committed() -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOK, as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(cell: nbformat.NotebookNode) -> str:
    """What a cell shows as text; of pictures only that they are there, for their bytes depend on fonts."""
    shown = []
    for output in cell.outputs:
        data = output.get("data", {"text/plain": output.get("text", "")})
        shown.append("picture" if "image/png" in data else data.get("text/html") or data["text/plain"])
    return "\n".join(shown)


@pytest.mark.slow  # a kernel that imports pandas and matplotlib, and a cell that measures rewards
def test_it_runs_and_shows_what_is_committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    notebook = committed()
    NotebookClient(notebook, timeout=SECONDS, resources={"metadata": {"path": str(DOCS)}}).execute()
    for made, kept in zip(code_cells(notebook), code_cells(committed()), strict=True):
        if "distance" not in made.source:  # where there is no cell of level B, they are not measured
            assert texts(made) == texts(kept), f"run `jupyter execute --inplace docs/{NOTEBOOK.name}` again"


def test_it_is_committed_with_its_outputs_and_without_paths_of_a_machine() -> None:
    cells = code_cells(committed())
    assert all(cell.outputs for cell in cells), "a cell shows nothing"
    shown = [texts(cell) for cell in cells]
    assert shown.count("picture") == 1 and sum("picture" in text for text in shown) == 2
    assert "WEIGHTS = {" in shown[1] and "<table" in shown[0] and "<table" in shown[2]
    kept = NOTEBOOK.read_text() + "".join(path.read_text() for path in (DOCS / "runs").rglob("*.*") if path.is_file())
    home = re.escape(os.path.expanduser("~"))
    assert not re.search(rf"/(home|root|work|tmp|Users)/|{home}/", kept)
    assert not [output for cell in cells for output in cell.outputs if output.output_type == "error"]
