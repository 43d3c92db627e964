"""The corpus of hostile, faulty and good files: what the verifier and the cell make of each, seen from outside."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hostile import CONTROL
from outside import FORGERS, SECONDS

from autoreward.errors import RewardRefused
from autoreward.language.static import without_comments
from autoreward.sandbox.process import witness
from autoreward.testing.arm import cases

PHRASE = "IGNORE ALL PREVIOUS"
USERS = ["root", "nobody"] if os.geteuid() == 0 else ["user"]

READ_ONLY = ("runs", "inputs are read-only")
MEMORY = ("runs", "MemoryError")
TOO_LONG = ("runs", "ran longer than")
NO_WHILE = ("contract", "`while`")
NO_RAISE = ("contract", "`raise`")
OTHER_ROWS = ("row_independent", "depends on the other rows")
NO_TERMS = ("contract", "return one dict of terms")
CONSTANT_CHANGED = ("runs", "constants of the file cannot be changed")

FOUND = {
    "inj_004_docstring_constant": ("not_constant", "the total is 1"),
    "inj_006_component_name_built": ("contract", "the attribute `join`"),
    "inj_009_exception_text": NO_RAISE,
    "inj_010_keyerror_text": ("contract", "unknown field"),
    "mut_001_subscript_store": READ_ONLY,
    "mut_003_alias_store": READ_ONLY,
    "mut_004_copyto": ("contract", "`np.copyto`"),
    "mut_006_array_sort": ("contract", "the attribute `sort`"),
    "mut_007_array_fill": READ_ONLY,
    "mut_009_put_place": ("contract", "`np.put`"),
    "mut_010_reshape_view": READ_ONLY,
    "mut_012_flags_writeable": ("contract", "attributes cannot be changed"),
    "mut_013_setflags": ("contract", "the attribute `setflags`"),
    "mut_015_dict_pop": ("contract", 'next_state["field"]'),
    "mut_016_dict_update": ("contract", 'state["field"]'),
    "mut_018_nan_to_num_nocopy": READ_ONLY,
    "proc_013_sys_exit": NO_RAISE,
    "res_001_while_true": NO_WHILE,
    "res_003_power_tower": TOO_LONG,
    "res_004_zeros_terabytes": MEMORY,
    "res_006_infinite_recursion": ("runs", "RecursionError"),
    "res_007_mutual_recursion_wide": TOO_LONG,
    "res_009_string_bomb": MEMORY,
    "res_010_percent_width_bomb": ("contract", "string formatting with %"),
    "res_012_nested_loops": TOO_LONG,
    "res_013_meshgrid_bomb": ("contract", "`np.meshgrid`"),
    "res_015_component_flood": ("finite", "1 to 32 terms"),
    "res_016_print_flood": ("contract", "`print`"),
    "res_018_late_bomb": NO_WHILE,
    "res_019_late_memory": ("finite_at_edges", "MemoryError: it needs more memory than the cell allows; this happens"),
    "res_025_generator_endless": NO_WHILE,
    "res_027_shift_bomb": MEMORY,
    "res_028_power_loop": TOO_LONG,
    "res_030_computed_range": TOO_LONG,
    "sem_001_nan_constant": ("finite", "term `r` is NaN"),
    "sem_003_log_negative": ("finite", "term `log` is NaN"),
    "sem_004_late_nan": ("finite_at_edges", "where fields are zero"),
    "sem_006_shape_scalar": OTHER_ROWS,
    "sem_007_python_float": OTHER_ROWS,
    "sem_009_complex_dtype": ("contract", "complex numbers"),
    "sem_010_object_dtype": ("contract", "a type is written out"),
    "sem_012_string_dtype": ("finite", "term `r` does not hold real numbers"),
    "sem_013_constant_zero": ("not_constant", "the total is 0"),
    "sem_015_absent_key": ("contract", "unknown field 'gripper_pos'"),
    "sem_016_absent_key_get": ("contract", "every field is there in every step"),
    "sem_018_future_info": ("contract", "unknown field 'episode_return'"),
    "sem_019_index_out_of_range": ("runs", "IndexError"),
    "sem_021_random_noise": ("contract", "there is no randomness"),
    "sem_022_hash_order": ("contract", "`id` is not known"),
    "sem_024_stateful_module_dict": CONSTANT_CHANGED,
    "sem_025_stateful_func_attr": ("contract", "attributes cannot be changed"),
    "sem_027_index_coupled": OTHER_ROWS,
    "sem_028_no_components": NO_TERMS,
    "sem_030_component_shape": ("finite", "term `ctrl` has the shape [N, 4]"),
    "sem_031_component_callable": ("finite", "term `ctrl` does not hold real numbers"),
    "sem_033_component_mismatch": ("finite", "term `distance` has no weight in WEIGHTS"),
    "sem_034_returns_none": NO_TERMS,
    "sem_036_wrong_signature": ("contract", "has the parameters (state, action, next_state, memory)"),
    "sem_037_generator_function": ("contract", "`yield`"),
    "sem_039_uninitialised_memory": ("contract", "`np.empty`"),
    "sem_040_nested_container_state": CONSTANT_CHANGED,
    "syn_006_empty_file": ("contract", "compute_reward() is missing"),
}
"""For each file that is not refused as hostile: the check that stops it, and what of the fault its message names."""


def told(user: str, unprivileged: Callable[..., Any], mode: str) -> list[dict[str, Any]]:
    """Run the corpus as a user, and give what `hostile.py` says of each file."""
    code = "import sys; sys.path.insert(0, sys.argv[1]); import hostile; hostile.main(sys.argv[2])"
    arguments = [code, str(Path(__file__).parent), mode]
    if user == "nobody":
        done = unprivileged(*arguments)
    else:
        command = [sys.executable, "-c", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("user", USERS)
def test_every_file_is_treated_as_its_head_says(user: str, unprivileged: Callable[..., Any]) -> None:
    told_of = {found["name"]: found for found in told(user, unprivileged, "verified")}
    assert not [found for found in told_of.values() if found["effects"]], (
        "no file has an effect outside, or changes a byte of a policy, a result, a run"
    )
    for case in [*cases(), *FORGERS]:
        found = told_of[case.name]
        said, outcome = found["said"], found["alone"]["outcome"]
        assert not found["changed"], f"{case.name} changed its inputs"
        assert PHRASE not in said and "CANARY" not in said, f"{case.name} chose what is said of it"
        if case.expect == "accept":
            assert found["status"] == "accepted", said
            assert found["alone"] == {"outcome": "scored", "valid": True, "leaks": False}, case.name
            continue
        assert found["status"] == "invalid", f"{case.name} was accepted"
        if case.expect == "reject":
            assert outcome == "refused" and found["check"] == "contract", f"{case.name} was not refused before it ran"
            assert found["alone"]["line"] and found["alone"]["column"], f"it is not said where {case.name} is wrong"
        else:
            check, words = FOUND[case.name]
            assert found["check"] == check and words in said, f"{case.name}: {said}"
            assert outcome in ("refused", "failed") or case.expect == "fault", f"{case.name} was not contained"


@pytest.mark.skipif(witness().level not in ("A", "B"), reason="the kernel of this machine holds nothing")
@pytest.mark.parametrize(
    "user", [pytest.param(user, marks=pytest.mark.slow if user == "root" else ()) for user in USERS]
)
def test_the_kernel_alone_holds_every_hostile_file(user: str, unprivileged: Callable[..., Any]) -> None:
    found = told(user, unprivileged, "locked")
    hostile = [case for case in [*cases(), *FORGERS] if case.expect in ("reject", "contain")]
    assert {one["name"] for one in found} == {"", *(case.name for case in hostile)}
    assert not [one for one in found if one["effects"] or one.get("alone", {}).get("leaks")]
    assert not [one["name"] for one in found if one.get("alone", {}).get("changed")]
    assert not [one["name"] for one in found if one.get("alone", {}).get("outcome") == "refused"], "all of them are run"
    # Most fail at the first thing that the kernel denies; those that go on to their end show that programs run at all.
    assert sum(one.get("alone", {}).get("outcome") == "scored" for one in found) >= 25
    assert {one["level"] for one in found if one["name"]} == {witness().level}


def test_effects_would_be_seen(unprivileged: Callable[..., Any]) -> None:
    found = {one["name"]: one for one in told("nobody", unprivileged, "open")}
    assert all(found[name]["effects"] or found[name]["alone"]["leaks"] for name in CONTROL), found
    for case in FORGERS:
        assert any(effect.startswith("changed ") for effect in found[case.name]["effects"]), case.name


def test_the_corpus_is_whole_and_every_fault_has_its_finding() -> None:
    found = cases()
    counts = {kind: sum(case.expect == kind for case in found) for kind in ("reject", "contain", "fault", "accept")}
    assert len(found) == sum(counts.values()) == 201, counts
    assert FOUND.keys() == {case.name for case in found if case.expect in ("contain", "fault")}


def test_what_a_critic_is_shown_holds_no_text_for_it() -> None:
    marked = [case for case in cases() if case.strip_text]
    assert len(marked) == 5
    for case in marked:
        try:
            shown = without_comments(case.source)
        except RewardRefused as error:
            shown = str(error)
        else:
            assert "compute_reward" in shown
        if case.expect == "accept":
            assert PHRASE not in shown, case.name
