"""A blind test: candidates under letters in a drawn order, one vote, and who was who."""

from __future__ import annotations

from dataclasses import dataclass, replace
from string import ascii_uppercase
from typing import TYPE_CHECKING

from napari_emrestore.core import InputError
from napari_emrestore.pipeline.comparison.candidates import Candidate, check_candidates

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class BlindTest:
    """Candidates whose names are hidden.

    Attributes
    ----------
    candidates : tuple of Candidate
        Named A, B, ... and stripped of everything that would tell who they are.
    names : tuple of str
        The true names, in the same order; not to be shown before the vote.
    """

    candidates: tuple[Candidate, ...]
    names: tuple[str, ...]

    def reveal(self) -> dict[str, str]:
        """Return the true name of each letter."""
        return {candidate.name: name for candidate, name in zip(self.candidates, self.names, strict=True)}

    def vote(self, letter: str) -> Vote:
        """Return the vote for a letter.

        Raises
        ------
        InputError
            If no candidate has this letter.
        """
        who = self.reveal()
        if letter not in who:
            raise InputError(f"A vote names one of {', '.join(who)}", came=f"{letter!r} came")
        return Vote(letter, who[letter], tuple(who.items()))


@dataclass(frozen=True, slots=True)
class Vote:
    """What was chosen without knowing.

    Attributes
    ----------
    letter, name : str
        The winner, as it was shown and as it is called.
    order : tuple of (str, str)
        Letter and name of all, in the order shown.
    """

    letter: str
    name: str
    order: tuple[tuple[str, str], ...]


def hide_names(candidates: Sequence[Candidate], rng: np.random.Generator) -> BlindTest:
    """Return the candidates under letters, in an order drawn by `rng`.

    Raises
    ------
    InputError
        If there are fewer than two, more than eight, or doubled names.
    """
    check_candidates(candidates)
    if len(candidates) < 2:
        raise InputError("A blind test needs two candidates or more", came="one came")
    shuffled = [candidates[position] for position in rng.permutation(len(candidates))]
    return BlindTest(
        tuple(
            replace(candidate, name=letter, seconds=None, provenance={})
            for letter, candidate in zip(ascii_uppercase, shuffled, strict=False)
        ),
        tuple(candidate.name for candidate in shuffled),
    )
