"""What a watcher of a run sees, on a terminal and in a file."""

import io
from pathlib import Path

from rich.console import Console

from autoreward.display import LiveDisplay, PlainDisplay, new_display, outcome, show
from autoreward.report.text import number, percent
from autoreward.store.records import CandidateRecord, Report, Row, Spent
from autoreward.training.contract import Progress


def console(terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=140, height=40, markup=False, _environ={})


def written(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def events(display: LiveDisplay | PlainDisplay) -> None:
    with display:
        display.round_started(0, 2)
        display.candidate_stage(0, 0, "designing")
        for seed, own in ((1000, 2.0), (1001, 4.0)):
            display.training_progress(
                "0.0", seed, Progress(stage="training", step=500, steps=1000, own_return=own, success_rate=0.25)
            )
        display.candidate_stage(0, 1, "refused", "contract: unknown field [red]x[/red] \x1b[2J")
        display.note("no rollouts")


def test_live_table_has_a_row_a_candidate() -> None:
    screen = console(terminal=True)
    events(LiveDisplay(screen))
    last = written(screen).split("candidate")[-1]
    assert all(text in last for text in ("0.0", "training", "1,000 / 2,000", "3", "25.0%", "0.1", "refused"))
    assert "[red]x[/red]" in last
    assert "\x1b[2J" not in written(screen)


def test_final_success_replaces_the_running_one() -> None:
    screen = console(terminal=True)
    display = LiveDisplay(screen)
    with display:
        display.training_progress("0.0", 0, Progress(stage="finished", step=9, steps=9, success_rate=0.125))
        display.candidate_finished(
            CandidateRecord(round=0, index=0, origin="composer", idea="climb", status="trained", success_rate=0.5)
        )
    assert "50.0%" in written(screen).split("candidate")[-1]


def test_plain_lines_do_not_repeat_themselves() -> None:
    file = console(terminal=False)
    display = PlainDisplay(file)
    events(display)
    for step in range(501, 600):
        display.training_progress("0.0", 1000, Progress(stage="training", step=step, steps=1000))
    said = written(file)
    assert said.count("0.0 seed 1000 training") == 1
    assert "own return 2, true success 25.0%" in said
    assert "0.1 refused contract: unknown field [red]x[/red]" in said
    assert "\x1b" not in said


def test_a_terminal_gets_the_live_table() -> None:
    assert isinstance(new_display(console(terminal=True)), LiveDisplay)
    assert isinstance(new_display(console(terminal=False)), PlainDisplay)


def row(seeds: int) -> Row:
    return Row(
        name="designed",
        label="designed (0.0)",
        trainings={seed: "0" * 16 for seed in range(seeds)},
        success=tuple(seed / 10 for seed in range(seeds)),
        episodes=50,
        steps=100_000,
        seconds=12.3,
        success_iqm=0.2,
        success_interval=(0.1, 0.3) if seeds >= 5 else None,
    )


def final(folder: Path, seeds: int) -> str:
    file = console(terminal=False)
    show(file, outcome(folder, Report(winner=(0, 0), rows=(row(seeds),), spent=Spent(env_steps=400_000))))
    return written(file)


def test_the_final_table_shows_interval_and_samples(tmp_path: Path) -> None:
    said = final(tmp_path, 5)
    assert all(text in said for text in ("20.0% [10.0%, 30.0%]", "5 seeds x 50 episodes", "100,000", "400,000"))


def test_fewer_than_five_seeds_are_each_shown(tmp_path: Path) -> None:
    said = final(tmp_path, 3)
    assert "0% 10.0% 20.0%" in said
    assert "each seed" in said
    assert "[" not in said.replace(str(tmp_path), "")


def test_what_a_run_lacks_is_said(tmp_path: Path) -> None:
    said = final(tmp_path, 3)
    assert "picture  none" in said
    (tmp_path / "best").mkdir()
    (tmp_path / "best" / "rollout.png").touch()
    assert str(tmp_path / "best" / "rollout.png") in final(tmp_path, 3), "of older runs"
    film = tmp_path / "rollouts" / "1.1" / "best.gif"
    film.parent.mkdir(parents=True)
    film.touch()
    assert str(film) in final(tmp_path, 3)


def test_numbers_are_readable() -> None:
    assert [percent(value) for value in (None, 0.0, 1.0, 0.333)] == ["-", "0%", "100%", "33.3%"]
    assert [number(value) for value in (None, 3.14159, -12345.6)] == ["-", "3.142", "-12,346"]
