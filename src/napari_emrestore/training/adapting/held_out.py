"""What adapting has gained, measured on what it never saw, without ground truth.

Frames: two means A and B of other frames have independent noise, so the mean of
``(restored - A) (restored - B)`` is the squared error against the noise-free scene, without bias and
without a noise model. With one frame left over, half the mean squared difference of two frames is taken off
its squared error instead.

Pixels: Stein's unbiased estimate of the squared error from one image and its known noise (Ramani et al.
2008, DOI 10.1109/TIP.2008.2001404). It holds for noise that is independent from pixel to pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.training.adapting.fields import choose_frames, shown_to, with_context
from napari_emrestore.training.adapting.sharpness import restored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import nn

    from napari_emrestore.core import ModelCard
    from napari_emrestore.training.adapting.fields import Area, Field
    from napari_emrestore.training.adapting.sharpness import Blurs

_SEED = 77
_DRAWS = 4
_MOST_PX = 384
_BLOCK_PX = 16
_LEAST_BLOCKS = 8
_ERRORS = 2.0
_LEAST_SHARE = 1e-3  # rounding alone may give less, and say so on all blocks alike
_PROBE = 0.05
_CORRELATED = 0.2


@dataclass(frozen=True, slots=True)
class Gain:
    """Squared errors against the noise-free scene on held-out pixels, in squared model range.

    Attributes
    ----------
    before, after : float
        Of the model as it was and as it became.
    before_error, error : float
        Standard errors of `before` and of the difference of both, over blocks of 16 x 16 px.
    blocks : int
        Blocks that were compared.
    """

    before: float
    after: float
    before_error: float
    error: float
    blocks: int

    @property
    def is_real(self) -> bool:
        """Whether the error fell by more than two standard errors, and by a thousandth at least."""
        return self.before - self.after > max(_ERRORS * self.error, _LEAST_SHARE * self.before)

    @property
    def share(self) -> tuple[float, float]:
        """The gain as a share of the error before and twice its standard error; nan if lost in noise."""
        if self.before <= _ERRORS * self.before_error:
            return float("nan"), float("nan")
        return (self.before - self.after) / self.before, _ERRORS * self.error / self.before

    def text(self) -> str:
        """Return it in one sentence."""
        where = f"on {self.blocks} held-out blocks"
        gained, spread = self.share
        if not isfinite(gained):
            return f"The model's own error is lost in the noise of these frames {where}."
        change = f"{100 * abs(gained):.1f} % (± {100 * spread:.1f} %)"
        if self.is_real:
            return f"Squared error {change} lower {where}."
        if gained < -spread:
            return f"Squared error {change} higher {where}."
        return f"No gain that can be told: {100 * gained:.1f} % (± {100 * spread:.1f} %) {where}."


def compare(before: NDArray[np.float64], after: NDArray[np.float64]) -> Gain:
    """Return the gain of squared errors of the same blocks."""
    count = len(before)
    own, of_difference = (float(values.std(ddof=1)) / sqrt(count) for values in (before, before - after))
    return Gain(float(before.mean()), float(after.mean()), own, of_difference, count)


def require_blocks(errors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return errors of blocks if they suffice to tell a gain.

    Raises
    ------
    InputError
        If there are fewer than 8.
    """
    if len(errors) < _LEAST_BLOCKS:
        raise InputError(
            f"A gain is told from at least {_LEAST_BLOCKS} held-out blocks of {_BLOCK_PX} px",
            came=f"{len(errors)} came",
            remedy="Take larger frames or more of them.",
        )
    return errors


def frame_errors(
    network: nn.Module,
    fields: Sequence[Field],
    card: ModelCard,
    device: str,
    *,
    chosen: bool = False,
    blurs: Blurs | None = None,
) -> NDArray[np.float64]:
    """Return the squared error of each held-out block of bursts; see the module.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    fields : sequence of Field
        Bursts of at least two frames.
    card : ModelCard
        Its frames and halo.
    device : str
        Where the network stands.
    chosen : bool
        Measure where weights are chosen, not where they are judged.
    blurs : Blurs, optional
        For a network that sharpens, and of this very network.
    """
    rows = []
    for place, field in enumerate(fields):
        rng = np.random.default_rng([_SEED, place])
        area = held_out_area(field, chosen=chosen)
        rows.append(
            np.mean(
                [_one_draw(network, field, area, card, device, rng, blurs, place) for _ in range(_DRAWS)], 0
            )
        )
    return _over_fields(rows)


def pixel_errors(
    network: nn.Module, fields: Sequence[Field], card: ModelCard, device: str, *, chosen: bool = False
) -> NDArray[np.float64]:
    """Return Stein's estimate of the squared error of each held-out block of single frames."""
    rows = []
    for place, field in enumerate(fields):
        rng = np.random.default_rng([_SEED, place])
        area, frame = held_out_area(field, chosen=chosen), field.plain[:1]
        wide, inner = with_context(area, field.frames.shape, card.tiling.stride, card.tiling.halo)
        seen, noise = shown_to(field, np.asarray(frame), wide, merge=False)
        made = restored(network, seen, noise, device)
        variance = _variance(seen[0], field.noise)
        slopes = np.zeros_like(made)
        for _ in range(_DRAWS):
            probe = rng.standard_normal(made.shape).astype(np.float32) * np.sqrt(variance)
            moved = restored(network, seen + _PROBE * probe, noise, device)
            slopes += probe * (moved - made) / _PROBE / _DRAWS
        errors = (made - seen[0]) ** 2 - variance + 2 * slopes
        rows.append(block_means(errors[inner]))
    return _over_fields(rows)


def neighbour_correlation(network: nn.Module, fields: Sequence[Field], card: ModelCard, device: str) -> float:
    """Return the largest correlation of neighbours, along rows or columns, in what a network takes away."""
    found = []
    for field in fields:
        area = held_out_area(field, chosen=False)
        seen, noise = shown_to(field, np.asarray(field.plain[:1]), area, merge=False)
        rest = seen[0] - restored(network, seen, noise, device)
        rest = rest - rest.mean()
        power = float((rest**2).mean())
        if power > 0:
            found.append(
                (
                    float((rest[1:] * rest[:-1]).mean()) / power,
                    float((rest[:, 1:] * rest[:, :-1]).mean()) / power,
                )
            )
    return float(np.mean(found, 0).max()) if found else 0.0


def refuse_correlated(correlation: float) -> None:
    """Raise `InputError` where a single image cannot tell noise from scene."""
    if correlation > _CORRELATED:
        raise InputError(
            "A single image tells noise from scene only where neighbouring pixels have independent noise",
            came=f"what the model takes away has a correlation of {correlation:.2f} between neighbours",
            remedy="Take two or more frames of the scene; their noise is independent.",
        )


def held_out_area(field: Field, *, chosen: bool) -> Area:
    """Return where weights are chosen or judged, cut to at most 384 px a side around its middle."""
    rows, columns = field.choose if chosen else field.judge
    return _middle(rows), _middle(columns)


def block_means(errors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the means over whole blocks of 16 x 16 px, or over smaller ones of an area that is narrower."""
    high, wide = (min(_BLOCK_PX, length) for length in errors.shape)
    rows, columns = errors.shape[0] // high, errors.shape[1] // wide
    blocks = errors[: rows * high, : columns * wide].reshape(rows, high, columns, wide)
    return np.asarray(blocks.mean((1, 3), dtype=np.float64).ravel())


def _over_fields(rows: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the errors of all fields; the mean of those parted alike, which may show one scene."""
    alike = len({len(errors) for errors in rows}) == 1
    return np.asarray(np.mean(rows, 0) if alike else np.concatenate(rows), np.float64)


def _one_draw(
    network: nn.Module,
    field: Field,
    area: Area,
    card: ModelCard,
    device: str,
    rng: np.random.Generator,
    blurs: Blurs | None,
    place: int,
) -> NDArray[np.float64]:
    """Return the errors of blocks for one choice of frames."""
    taken, total = card.trained.frames, len(field.frames)
    merge = taken[1] == 1
    count = 1 if merge else max(taken[0], min(taken[1], total - 2), 1)
    seen, left = choose_frames(field, taken, rng, count=min(count, total - 1))
    wide, inner = with_context(area, field.frames.shape, card.tiling.stride, card.tiling.halo)
    made = restored(network, *shown_to(field, seen, wide, merge=merge), device)
    halves = (left[::2], left[1::2]) if len(left) > 1 else (left, left)
    first, second = (_misses(made, field, half, wide, inner, blurs, place) for half in halves)
    errors = first * second
    if len(left) == 1:
        pair = field.frames[(np.array([seen[0], left[0]]), *area)]
        errors = errors - np.float32(0.5) * ((pair[0] - pair[1]) ** 2).mean()
    return block_means(errors)


def _misses(
    made: NDArray[np.float32],
    field: Field,
    frames: NDArray[np.int64],
    wide: Area,
    inner: Area,
    blurs: Blurs | None,
    place: int,
) -> NDArray[np.float32]:
    """Return by how much a restoration, blurred like the frames, misses their mean in the inner area."""
    wanted = field.frames[(frames, *wide)].mean(0)[inner]
    if blurs is None:
        return np.asarray(made[inner] - wanted, np.float32)
    from scipy.ndimage import correlate

    seen = correlate(made, blurs.of(place, frames), mode="nearest")
    return np.asarray(seen[inner] - wanted, np.float32)


def _variance(image: NDArray[np.float32], line: tuple[float, ...]) -> NDArray[np.float32]:
    """Return the noise variance at each pixel of an image in model range, read off at its local mean."""
    from scipy.ndimage import uniform_filter

    slope, height = line[0], line[1]
    return np.asarray(np.maximum(slope * uniform_filter(image, 5) + height, 1e-8), np.float32)


def _middle(along: slice) -> slice:
    start = along.start + max(0, (along.stop - along.start - _MOST_PX) // 2)
    return slice(start, min(along.stop, start + _MOST_PX))
