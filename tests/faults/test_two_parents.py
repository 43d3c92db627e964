"""Two processes on one run: the second is refused, and told who holds it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from autoreward.errors import UserError
from autoreward.store.folder import locked


def test_the_second_is_told_who_holds_the_folder(tmp_path: Path) -> None:
    holder = f"process {os.getpid()} on {socket.gethostname()}, since 20"
    for _ in range(2):  # the name of one who has ended is no hindrance
        with locked(tmp_path), pytest.raises(UserError) as refused, locked(tmp_path):
            pytest.fail("two hold one folder")
        assert holder in str(refused.value)


def test_what_a_folder_from_elsewhere_says_is_not_shown(tmp_path: Path) -> None:
    with locked(tmp_path):
        (tmp_path / ".lock").write_text("process \x1b[31mred")
        with pytest.raises(UserError, match=rf"at work on {tmp_path}; wait"), locked(tmp_path):
            pytest.fail("two hold one folder")
