"""Where runs stand can be asked for while a line is printed."""

from __future__ import annotations

import threading

from autoreward.sweeps.board import Board


def test_who_prints_keeps_nobody_from_looking() -> None:
    """A live table holds the terminal while it looks, and whoever prints a line waits for the terminal."""
    looked = list[object]()

    def say(text: str) -> None:
        looker = threading.Thread(target=lambda: looked.append(board.shown()), daemon=True)
        looker.start()
        looker.join(5.0)

    board = Board(say)
    board.begin("run")
    board.say("a line")
    board.note("run", "a note")
    assert looked == [[("run", "starting", None)]] * 2
