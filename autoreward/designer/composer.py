"""The Designer without a language model: a search over a typed grammar of reward terms.

Round 0 proposes archetypes (levels, new bests, exploration, closeness ...) over the quantities that the success rule
and the task's words name. Later rounds change the best candidates where the Analyzer's labels and findings point, cross
them, and draw fresh structures from terms weighted by how candidates with them have done. Everything is a function of
the brief.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from autoreward.designer.composing.archetypes import archetypes, drawn
from autoreward.designer.composing.guide import guide
from autoreward.designer.composing.moves import Workshop, answer, any_change, cross
from autoreward.designer.composing.source import Structure, read, render, signed
from autoreward.designer.composing.terms import catalogue
from autoreward.designer.composing.worth import Tried, ranked, worth
from autoreward.designer.contract import Brief, Proposal
from autoreward.errors import RewardRefused

_TRIES = 60


class Composer:
    """Proposes reward programs by guided search; needs no key and no network."""

    def propose(self, brief: Brief) -> Proposal:
        """A new candidate, the same for the same brief."""
        return _Search(brief, attempt=0).proposal()

    def repair(self, brief: Brief, refused: Proposal, reason: str, attempt: int) -> Proposal:
        """Another draw: the grammar's own programs have no fault to mend, they may only not suit this task."""
        again = brief.model_copy(update={"siblings": (*brief.siblings, refused.source)})
        return _Search(again, attempt).proposal()


class RandomComposer:
    """Uniform draws from the same grammar: one to five terms, weights log-uniform in 0.1 to 3. The baseline."""

    def propose(self, brief: Brief) -> Proposal:
        """A new candidate, the same for the same brief."""
        return self._draw(brief, 0)

    def repair(self, brief: Brief, refused: Proposal, reason: str, attempt: int) -> Proposal:
        """Another draw."""
        return self._draw(brief, attempt)

    def _draw(self, brief: Brief, attempt: int) -> Proposal:
        random = _random("random", brief, attempt)
        grammar = catalogue(brief.task, brief.schema_, brief.grammar)
        names = random.sample(sorted(grammar.terms), min(random.randint(1, 5), len(grammar.terms)))
        weights = tuple((name, float(f"{0.1 * 30 ** random.random():.2g}")) for name in names)
        structure = signed(Structure(weights), grammar) if brief.grammar == "signs" else Structure(weights)
        return Proposal(source=render(structure, grammar, brief.grammar), note="drawn at random")


def _random(kind: str, brief: Brief, attempt: int) -> Random:
    return Random(f"{kind} {brief.seed} {brief.round} {brief.index} {attempt}")


class _Search:
    """One proposal: the candidates for it in order of preference, of which the first that is new is taken."""

    def __init__(self, brief: Brief, attempt: int) -> None:
        self.brief, self.attempt = brief, attempt
        self.catalogue = catalogue(brief.task, brief.schema_, brief.grammar)
        self.guide = guide(brief.task, brief.schema_, self.catalogue)
        self.tried = self._read_history()
        self.shop = Workshop(
            task=brief.task,
            catalogue=self.catalogue,
            guide=self.guide,
            random=_random("composer", brief, attempt),
            worth=worth(self.guide, self.catalogue, self.tried),
            weightless=brief.grammar == "signs",
        )

    def proposal(self) -> Proposal:
        """The first idea whose source is neither in the history nor a sibling's."""
        known = {*self.brief.siblings, *(past.source for past in self.brief.history)}
        proposal = None
        for structure, note, parent in self._ideas():
            source = render(self._fitted(structure), self.catalogue, self.brief.grammar)
            parents = None if parent is None else (parent.past.round, parent.past.index)
            proposal = Proposal(source=source, note=note, parent=parents)
            if source not in known:
                break
        assert proposal is not None, "the stream of ideas is never empty"
        return proposal

    def _fitted(self, structure: Structure) -> Structure:
        """The structure in its grammar: `signs` has no weights, and needs an event and a dense term."""
        return signed(structure, self.catalogue) if self.shop.weightless else structure

    def _read_history(self) -> list[Tried]:
        pairs = []
        for past in self.brief.history:
            if past.status == "trained":
                try:
                    pairs.append((past, read(past.source, self.catalogue, self.brief.grammar)))
                except RewardRefused:
                    continue
        return ranked(pairs)

    def _ideas(self) -> Iterator[tuple[Structure, str, Tried | None]]:
        if not self.tried:
            yield from self._first_ideas()
        elif self._fresh():
            yield from self._fresh_ideas()
        else:
            yield from self._changes()
        for _ in range(_TRIES):
            yield drawn(self.shop.random, self.brief.task, self.catalogue, self.shop.worth), "a fresh draw", None

    def _first_ideas(self) -> Iterator[tuple[Structure, str, Tried | None]]:
        first = self.brief.index + self.brief.round * self.brief.candidates
        if self.attempt == 0:
            yield from self._archetypes(first)

    def _archetypes(self, first: int) -> Iterator[tuple[Structure, str, Tried | None]]:
        for name, structure in archetypes(self.brief.task, self.catalogue, self.guide)[first:]:
            yield structure, f"archetype: {name}", None

    def _fresh(self) -> bool:
        """The last candidate of a round is a fresh structure; every second one while nothing has ever succeeded."""
        if (self.tried[0].past.success_rate or 0.0) > 0.0:
            return self.brief.candidates > 2 and self.brief.index == self.brief.candidates - 1
        return self.brief.index % 2 == 1

    def _fresh_ideas(self) -> Iterator[tuple[Structure, str, Tried | None]]:
        if self.attempt == 0 and (self.tried[0].past.success_rate or 0.0) < 1.0:
            yield from self._archetypes(0)

    def _changes(self) -> Iterator[tuple[Structure, str, Tried | None]]:
        """Changes to the best candidates: what findings call for, a crossing, and undirected ones."""
        random = self.shop.random
        best = self.tried[0]
        others = self._others()
        if self.brief.index % 4 == 2 and others:
            other = random.choice(others)
            if move := cross(best.structure, other.structure, other.past, self.shop):
                yield *move, best
        for _ in range(_TRIES):
            parent = best if not others or random.random() < 0.75 else random.choice(others)
            move = self._changed(parent)
            if move:
                yield *move, parent

    def _others(self) -> list[Tried]:
        """The second and third best; once anything succeeds, none that never has."""
        succeeds = bool(self.tried[0].past.success_rate)
        return [other for other in self.tried[1:3] if other.past.success_rate or not succeeds]

    def _changed(self, parent: Tried) -> tuple[Structure, str] | None:
        """One or two changes: the first answers the label or a finding where there is one."""
        random = self.shop.random
        findings = [finding for finding in parent.past.findings if finding.source == "computed"]
        findings += [parent.past.label] if parent.past.label else []
        random.shuffle(findings)
        answers = (answer(finding, parent.structure, self.shop) for finding in findings)
        move = next((move for move in answers if move), None)
        if move is None:
            return any_change(parent.structure, self.shop)
        if random.random() < 0.3 and (more := any_change(move[0], self.shop)):
            return more[0], f"{move[1]}; {more[1]}"
        return move
