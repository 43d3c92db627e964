"""What it adds, subtracts or compares has one unit, as far as the units are known."""

from __future__ import annotations

from autoreward.critic.checks.outcome import Outcome, no_evidence, suspicion
from autoreward.critic.checks.trial import Trial
from autoreward.critic.units import mixed_units

SHOWN = 3


def check(trial: Trial) -> Outcome:
    """Follow the units of the fields through the program; nothing is run."""
    fields = {name.partition(".")[2] for name in trial.program.inputs if name != "action"}
    known = sum(bool(trial.schema.field(name).unit) for name in fields)
    tried = f"{known} of {len(fields)} fields with a unit"
    if not known:
        return no_evidence("none of the fields that it reads has a unit", tried)
    found = mixed_units(trial.program, trial.schema)
    if not found:
        return Outcome(tried=tried)
    told = [f"line {mixed.line}: {mixed.first} and {mixed.second}" for mixed in found[:SHOWN]]
    more = f", and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    advice = "give each a factor of its own, or make them terms of their own"
    return suspicion(f"different units meet in {'; '.join(told)}{more}; {advice}", tried=tried, line=found[0].line)
