"""Lines in directions that the pattern does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.probes.scores import FLOOR, Case, Finding
from napari_emrestore.probes.spectra import filtered, frequencies, local_rms, power

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_HALF_WEDGE_DEG = 8
_LINES_PER_PX = (1 / 48, 1 / 4)
_ABSENT = 0.1
_LOCAL_PX = 8.0


def invented_lines(case: Case) -> Finding | None:
    """Return the most energy in a direction absent from the pattern, over that of the input.

    Energy within 8 degrees of a direction, of periods from 4 to 48 px. A direction is absent where the
    pattern has less than a tenth of what it would have there if it had no preferred direction; what little
    it has there counts with the input, since to bring that back is no invention. ``None`` if no direction
    is absent.
    """
    pattern, given, made = (
        _by_direction(np.asarray(image, np.float64))
        for image in (case.probe.pattern, case.given, case.restored)
    )
    absent = pattern <= max(_ABSENT * float(pattern.mean()), FLOOR**2)
    if not absent.any():
        return None
    # what the pattern's own directions spill into others grows with their contrast
    gain = max(1.0, float(made[~absent].sum() / pattern[~absent].sum())) if not absent.all() else 1.0
    spilt = gain * pattern
    ratio = np.where(absent, (made + FLOOR**2) / (np.maximum(given, spilt) + FLOOR**2), 0.0)
    worst = int(ratio.argmax())
    lines = filtered(case.restored, _wedge(case.restored.shape, worst))
    detail = f"at {worst}° from the vertical"
    return Finding(float(ratio[worst]), local_rms(lines, _LOCAL_PX), detail)


def line_directions(shape: Sequence[int]) -> NDArray[np.float64]:
    """Return the direction of lines of each frequency of ``fft2``, in degrees from the vertical, 0 to 180."""
    fy, fx = frequencies(shape)
    return np.asarray(np.rad2deg(np.arctan2(-fy, fx)) % 180)


def _in_band(shape: Sequence[int]) -> NDArray[np.bool_]:
    radius = np.hypot(*frequencies(shape))
    return np.asarray((radius >= _LINES_PER_PX[0]) & (radius <= _LINES_PER_PX[1]))


def _by_direction(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean power within a wedge about each whole degree, shape (180,)."""
    keep = _in_band(image.shape)
    degree = np.rint(line_directions(image.shape)[keep]).astype(int) % 180
    energy, count = (
        _over_wedges(np.bincount(degree, np.asarray(weight, np.float64), minlength=180))
        for weight in (power(image)[keep], np.ones(degree.size))
    )
    return energy / np.maximum(count, 1)


def _over_wedges(of_degree: NDArray[Any]) -> NDArray[np.float64]:
    around = np.arange(-_HALF_WEDGE_DEG, _HALF_WEDGE_DEG + 1)
    return np.asarray(of_degree[(np.arange(180)[:, None] + around) % 180].sum(axis=1))


def _wedge(shape: Sequence[int], degree: int) -> NDArray[np.bool_]:
    away = np.abs((line_directions(shape) - degree + 90) % 180 - 90)
    return np.asarray(_in_band(shape) & (away <= _HALF_WEDGE_DEG))
