"""What became of each stamp in a restoration, and the table of it by period and contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.probes.stamps import Kind, Stamp

_KEPT, _LOST, _OVERDONE = 0.5, 0.1, 1.2
_UNSTEADY = 0.3
_DIRECTED = 0.1


@dataclass(frozen=True, slots=True)
class Response:
    """What became of one stamp.

    Attributes
    ----------
    stamp : Stamp
        What was added.
    kept : float
        Share of its contrast that came back; negative if with the wrong polarity.
    smeared : float
        Strength, on the stamp, of what came back in another shape, as a share of the stamp's.
    invented : float
        Strength, in the gap around the stamp, of what came back there, as a share of the stamp's.
    turned_deg : float, optional
        Angle between its lines and those that came back; ``None`` for dots and for what is lost.
    """

    stamp: Stamp
    kept: float
    smeared: float
    invented: float
    turned_deg: float | None


@dataclass(frozen=True, slots=True)
class Transfer:
    """Means over all stamps of one period and contrast.

    Attributes
    ----------
    period_px, contrast : float
        As in `Stamp`.
    contrast_to_noise : float, optional
        Contrast over the noise of one pixel of the mean frame; ``None`` without noise.
    kept, spread : float
        Mean and standard deviation of the share of contrast that is kept.
    smeared, invented, turned_deg : float
        As in `Response`.
    stamps : int
        How many were averaged.
    """

    period_px: float
    contrast: float
    contrast_to_noise: float | None
    kept: float
    spread: float
    smeared: float
    invented: float
    turned_deg: float | None
    stamps: int

    @property
    def verdict(self) -> str:
        """``"kept"``, ``"weakened"``, ``"lost"``, ``"overdone"``, ``"inverted"``, or ``"unsteady"``.

        The last where the share depends so much on the place that its mean says little.
        """
        if self.spread > _UNSTEADY:
            return "unsteady"
        if self.kept > _OVERDONE:
            return "overdone"
        if self.kept >= _KEPT:
            return "kept"
        if self.kept >= _LOST:
            return "weakened"
        return "lost" if self.kept > -_LOST else "inverted"


def measure(
    stamp: Stamp, kind: Kind, added: NDArray[np.float64], difference: NDArray[np.float32]
) -> Response:
    """Return what became of a stamp.

    Parameters
    ----------
    stamp : Stamp
        Where to look.
    kind : Kind
        What it shows.
    added, difference : ndarray, shape (Y, X)
        What was added to the image, and to its restoration.
    """
    sign, answer = added[stamp.area], difference[stamp.area].astype(np.float64)
    kept = float((answer * sign).sum() / (sign * sign).sum())
    strength = _rms(sign)
    around = np.ones(added.shape, bool)
    around[stamp.area] = False
    rim = around[stamp.surroundings]
    spilt = difference[stamp.surroundings][rim]
    turned = _turned_deg(answer, stamp.angle_deg) if kind != "dots" and abs(kept) >= _DIRECTED else None
    return Response(
        stamp,
        kept,
        _rms(answer - kept * sign) / strength,
        _rms(spilt) / strength if spilt.size else 0.0,
        turned,
    )


def summarise(responses: Sequence[Response], span: float, noise_sigma: float) -> tuple[Transfer, ...]:
    """Return one row per period and contrast, fine and faint first.

    Parameters
    ----------
    responses : sequence of Response
        At least one.
    span : float
        Input units of contrast 1.
    noise_sigma : float
        Noise of the mean frame, input units.
    """
    groups: dict[tuple[float, float], list[Response]] = {}
    for response in responses:
        groups.setdefault((response.stamp.period_px, response.stamp.contrast), []).append(response)
    return tuple(_row(*key, groups[key], span, noise_sigma) for key in sorted(groups))


def _row(
    period_px: float, contrast: float, group: Sequence[Response], span: float, noise_sigma: float
) -> Transfer:
    kept = np.array([response.kept for response in group])
    turned = [response.turned_deg for response in group if response.turned_deg is not None]
    return Transfer(
        period_px,
        contrast,
        contrast * span / noise_sigma if noise_sigma > 0 else None,
        float(kept.mean()),
        float(kept.std()),
        float(np.mean([response.smeared for response in group])),
        float(np.mean([response.invented for response in group])),
        float(np.mean(turned)) if turned else None,
        len(group),
    )


def _turned_deg(image: NDArray[np.float64], angle_deg: float) -> float:
    """Return the angle between an image's lines, by its structure tensor, and a direction; 0 to 90."""
    gy, gx = np.gradient(image)
    across = 0.5 * np.arctan2(2 * (gy * gx).sum(), (gx**2).sum() - (gy**2).sum())
    return float(abs((-np.rad2deg(across) - angle_deg + 90) % 180 - 90))


def _rms(values: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))
