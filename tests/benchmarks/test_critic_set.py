"""The Critic's labelled set: what its page says of it is so, and every program stands rules and dry run."""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoreward.critic.verify import verify
from autoreward.envs.contract import Transitions
from autoreward.envs.record import record_transitions
from autoreward.envs.registry import describe
from autoreward.errors import UserError
from autoreward.llm.cassette import read_cassette
from autoreward.llm.reading import program_in
from autoreward.sandbox.process import ProcessCell
from autoreward.schema import EnvSchema
from autoreward.task import load_task
from autoreward.testing.programs import Pool

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import _critic_set
from _critic_set import LABELS, ROOT, Labels, Member, counted, halves, members, tables

from autoreward.records import read_yaml

SET = members()
TASKS = sorted({member.task for member in SET})
TRAINED_IN_SECONDS = (
    "reacher",
    "mountain_car_continuous",
    "inverted_pendulum",
    "acrobot",
    "half_cheetah",
    "hopper",
    "lunar_lander",
    "swimmer",
)
ALIKE = 0.35
"""Share of a bad program's words and signs that its neighbour has in the same order, at least."""
DRAWN = "4e67c0844265883f"
"""Of the files set aside. It changes with any file that is added, renamed or labelled otherwise: then no check may have
been tuned yet, or what was tuned is tuned anew."""


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    """Cells that many programs share, one after another."""
    lent = Pool(ProcessCell)
    yield lent
    lent.close()


def surroundings(name: str) -> tuple[EnvSchema, Transitions]:
    task = load_task(name)
    return describe(task.env), record_transitions(task, seed=0, steps=128, num_envs=8)


@pytest.mark.parametrize("task", TASKS)
def test_every_program_stands_the_rules_and_the_dry_run(task: str, pool: Pool) -> None:
    """Bad ones too: what the language's rules and the dry run find is not what it is for. Probes get no seconds."""
    schema, transitions = surroundings(task)
    for member in SET:
        if member.task == task:
            verdict = verify(member.source, schema, member.grammar, transitions, pool.lend, seconds=0.0)
            assert verdict.status == "accepted", f"{member.key}: {verdict.reason}"


def test_the_page_has_the_counts() -> None:
    assert tables(SET) in (_critic_set.FOLDER / "README.md").read_text(), "python benchmarks/_critic_set.py has them"


def test_there_are_enough_of_each() -> None:
    labels = Counter(member.entry.label for member in counted())
    assert labels["good"] >= 64 and labels["bad"] >= 64
    assert len(TASKS) >= 12
    for task in TASKS:
        assert {member.entry.label for member in SET if member.task == task} == {"good", "bad"}, task
    cheap = Counter((member.task, member.entry.label) for member in SET if member.task in TRAINED_IN_SECONDS)
    assert min(cheap[task, label] for task in TRAINED_IN_SECONDS for label in ("good", "bad")) >= 4
    voxel = Counter(member.entry.label for member in SET if member.task.startswith("voxel/"))
    assert sum(voxel.values()) >= 12 and min(voxel["good"], voxel["bad"]) >= 6
    assert {member.grammar for member in SET} == {"terms", "signs"}
    assert {member.entry.source for member in SET if member.entry.label == "good"} == {"written", "model", "reference"}


def test_each_fault_occurs_more_than_once_and_most_on_several_tasks() -> None:
    listed = read_yaml(LABELS, Labels, "labels").faults
    found = Counter(member.entry.fault for member in SET if member.entry.fault)
    assert set(found) == set(listed) and min(found.values()) >= 2
    several = {fault for fault in listed if len({m.task for m in SET if m.entry.fault == fault}) > 1}
    assert set(listed) - several == {"look_away", "drop_and_pick"}, "tricks of the world with lava and pickaxe alone"


def test_a_bad_program_differs_little_from_a_good_one() -> None:
    by_key = {member.key: member for member in SET}
    for member in SET:
        if member.entry.neighbour:
            good = by_key[f"{member.task}/{member.entry.neighbour}"]
            alike = difflib.SequenceMatcher(None, parts(member.source), parts(good.source), autojunk=False).ratio()
            assert alike >= ALIKE, f"{member.key} shares {alike:.2f} with {good.name}"


def parts(source: str) -> list[str]:
    """Names, numbers and signs of what runs: no comment, docstring or idea."""
    tree = ast.parse(source)
    runs = [
        node for node in tree.body if isinstance(node, ast.FunctionDef | ast.Assign) and "IDEA" not in ast.unparse(node)
    ]
    return re.findall(r"\w+|[^\w\s]", "\n".join(map(ast.unparse, runs)))


def test_no_program_occurs_twice_and_no_file_is_unlabelled() -> None:
    assert len({"".join(parts(member.source)) + member.task for member in SET}) == len(SET)
    there = set(_critic_set.FOLDER.glob("**/*.py"))
    assert there == {member.path for member in SET if member.entry.path is None}


def test_the_examples_and_references_of_the_project_take_part_where_they_lie() -> None:
    paths = {member.entry.path: member.entry.label for member in SET if member.entry.path}
    examples = {str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "examples").glob("*.py")}
    assert {path for path, label in paths.items() if label == "bad"} == examples
    for member in SET:
        if member.entry.source == "reference":
            assert member.source == load_task(member.task).reference, member.key


def test_a_models_program_is_what_a_recorded_reply_holds() -> None:
    for task in {member.task for member in SET if member.entry.source == "model"}:
        _, takes = read_cassette(ROOT / "tests" / "llm" / "cassettes" / f"{task}.jsonl")
        replies = [take.reply.text for take in takes if take.name.role == "designer"]
        recorded = {plain(program_in(reply, load_task(task).grammar)) for reply in replies}
        for member in SET:
            if member.task == task and member.entry.source == "model":
                assert plain(member.source) in recorded, member.key


def plain(source: str) -> str:
    """Without what a formatter changes."""
    lines = [line for line in source.splitlines() if not line.strip().startswith("#")]
    return re.sub(r"[\s,()]", "", "".join(lines)).replace("'", '"')


def test_nothing_that_a_reader_of_programs_sees_tells_the_label() -> None:
    words = re.compile(r"\b(bad|wrong|good one|fault|bug|hack|exploit|mistake|set_aside)\b", re.IGNORECASE)
    written = [member for member in SET if member.entry.source == "written" and member.entry.path is None]
    for member in written:
        for line in member.source.splitlines()[1:]:
            if line.strip().startswith("#"):
                assert not words.search(line), f"{member.key}: {line}"


def test_half_of_each_label_and_fault_is_set_aside() -> None:
    for label in ("good", "bad"):
        assert balanced([member for member in SET if member.entry.label == label])
    for fault in read_yaml(LABELS, Labels, "labels").faults:
        assert balanced([member for member in SET if member.entry.fault == fault]), fault
    for task in TASKS:
        assert balanced([member for member in SET if member.task == task and member.entry.label == "good"]), task


def balanced(chosen: list[Member]) -> bool:
    sides = Counter(member.half for member in chosen)
    return abs(sides["tune"] - sides["set_aside"]) <= 1


def test_the_draw_is_the_one_that_checks_were_tuned_by() -> None:
    aside = sorted(member.key for member in SET if member.half == "set_aside")
    assert hashlib.sha256(" ".join(aside).encode()).hexdigest()[:16] == DRAWN


def test_a_disputed_file_is_counted_nowhere_and_moves_no_other(tmp_path: Path) -> None:
    labels = read_yaml(LABELS, Labels, "labels")
    key = next(member.key for member in counted())
    other = labels.model_copy(update={"disputed": (*labels.disputed, key)})
    (tmp_path / "labels.yaml").write_text(other.model_dump_json())
    assert {member.key for member in counted()} - {m.key for m in counted(tmp_path / "labels.yaml")} == {key}
    assert halves(other) == halves(labels)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"fault": "wrong_sgn"}, "'wrong_sgn' is not in the list"),
        ({"neighbour": "nobody"}, "'nobody' is no good file"),
        ({"why": ""}, "a bad file has fault, neighbour and why"),
        ({"label": "good"}, "a good one has neither"),
        ({"half": "tune"}, "unknown field"),
    ],
)
def test_a_label_that_makes_no_sense_is_refused(tmp_path: Path, change: dict[str, str], said: str) -> None:
    labels = read_yaml(LABELS, Labels, "labels").model_dump(mode="json")
    labels["tasks"]["reacher"]["gentle"].update(change)
    path = tmp_path / "labels.yaml"
    path.write_text(json.dumps(labels))
    with pytest.raises(UserError, match=said):
        members(path)
