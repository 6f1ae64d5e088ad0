"""Which pieces a run falls into: blocks of large single frames, or whole bursts. Pure data, no pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_emrestore.pipeline.settings import RunSettings
    from napari_emrestore.restoration.plan import TilePlan, Window


@dataclass(frozen=True, slots=True)
class Piece:
    """One task; no two pieces write the same pixel, or the same chunk.

    Attributes
    ----------
    number : int
        In the order of the run; the same on every start.
    position : int
        Which burst of the run.
    frames : tuple of int
        First frame in the input and the one after the last.
    window : Window, optional
        Block of the frame; ``None`` for all of a burst.
    """

    number: int
    position: int
    frames: tuple[int, int]
    window: Window | None


def check_spreadable(settings: RunSettings) -> None:
    """Refuse settings of a run that cannot be shared out.

    Raises
    ------
    InputError
        If the result does not go to a Zarr image, is to be scored, or to come with its expected error.
    """
    if not str(settings.output).endswith(".zarr"):
        raise InputError(
            "The result of a run that is shared out goes to a Zarr image",
            came=f"{settings.output} came",
            remedy="Name an output that ends in .zarr.",
        )
    if settings.truth is not None:
        raise InputError(
            "Scores against a ground truth are measured on one machine",
            came="a ground truth came with a scheduler",
            remedy="Leave one of them out.",
        )
    if settings.expected_error:
        raise InputError(
            "The expected error is told on one machine",
            came="it was asked for with a scheduler",
            remedy="Leave one of them out.",
        )


def list_pieces(ranges: Sequence[range], plan: TilePlan | None) -> list[Piece]:
    """Return the pieces of a run in order.

    Parameters
    ----------
    ranges : sequence of range
        Frames of each burst.
    plan : TilePlan, optional
        What each frame is cut into; ``None`` takes bursts whole.

    Raises
    ------
    InputError
        If all of it is one burst of several frames, whose shape nobody knows before it is registered.
    """
    if len(ranges) == 1 and len(ranges[0]) > 1:
        raise InputError(
            "A run is shared out by single frames or by bursts",
            came=f"one burst of {len(ranges[0])} frames came",
            remedy="Run it without a scheduler.",
        )
    places = [
        (position, (frames.start, frames.stop), window)
        for position, frames in enumerate(ranges)
        for window in (plan.windows if plan is not None else (None,))
    ]
    return [Piece(number, *place) for number, place in enumerate(places)]
