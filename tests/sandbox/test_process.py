import pytest

from autoreward.sandbox.inprocess import InProcessCell
from autoreward.sandbox.process import ProcessCell
from autoreward.testing.cell import check_cell


@pytest.mark.parametrize("new_cell", [ProcessCell, InProcessCell])
def test_cells_keep_the_contract(new_cell):
    check_cell(new_cell)
