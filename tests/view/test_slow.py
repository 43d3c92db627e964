"""Pages that commands make, with real commands."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoreward.view import slow
from autoreward.view.slow import NotMade, SlowPages


@pytest.fixture
def made() -> Iterator[SlowPages]:
    found = SlowPages()
    yield found
    found.close()


def finished(made: SlowPages, key: str, *arguments: str) -> bytes:
    deadline = time.monotonic() + 120
    while (found := made.get(key, 1, lambda _: arguments)) is None:
        assert time.monotonic() < deadline
    return found


def test_what_a_command_prints_is_kept(made: SlowPages) -> None:
    first = finished(made, "version", "--version")
    assert first.startswith(b"autoreward ")
    assert finished(made, "version", "no-such-command") == first, "the same state runs no command again"


def test_what_was_made_before_is_shown_meanwhile(made: SlowPages) -> None:
    first = finished(made, "page", "--version")
    assert made.get("page", 2, lambda _: ["--help"]) == first, "at once"
    deadline = time.monotonic() + 120
    while (second := made.get("page", 2, lambda _: ["--help"])) == first:
        assert time.monotonic() < deadline
    assert second and b"usage: autoreward" in second
    assert made.get("page", 3, lambda _: ["no-such-command"]) == second
    with pytest.raises(NotMade, match="unknown command"):
        while made.get("page", 3, lambda _: ["no-such-command"]) == second:
            assert time.monotonic() < deadline


def test_a_command_that_fails_says_why(made: SlowPages) -> None:
    with pytest.raises(NotMade, match=r"^unknown command 'raport'\. Closest: report"):
        finished(made, "typo", "raport")


def test_a_command_that_has_failed_is_tried_again_after_a_while(
    made: SlowPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the machine was too busy, or a file has been mended since."""
    with pytest.raises(NotMade):
        finished(made, "page", "no-such-command")
    with pytest.raises(NotMade):
        finished(made, "page", "--version")
    monkeypatch.setattr(slow, "AGAIN", 0.0)
    assert finished(made, "page", "--version").startswith(b"autoreward ")


def test_a_command_that_hangs_is_ended(made: SlowPages, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It waits for a pipe that nobody writes to."""
    monkeypatch.setattr(slow, "SECONDS", 3.0)
    os.mkfifo(tmp_path / "reward.py")
    with pytest.raises(NotMade, match="it took more than 3 s"):
        finished(made, "hang", "verify", str(tmp_path / "reward.py"), "--env", "reacher")


def test_python_of_the_current_folder_is_not_run(
    made: SlowPages, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A folder of runs from elsewhere may hold files with the names of modules."""
    (tmp_path / "pydantic.py").write_text("raise SystemExit(77)")
    monkeypatch.chdir(tmp_path)
    assert finished(made, "version", "--version").startswith(b"autoreward ")


def test_only_so_many_are_kept(made: SlowPages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slow, "KEPT", 1)
    for key in ("one", "two"):
        finished(made, key, "--version")
    finished(made, "two", "--version")
    with pytest.raises(NotMade):
        finished(made, "one", "no-such-command")
