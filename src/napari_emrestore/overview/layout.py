"""Where every frame of a scan lies on its mosaic: plain data, no pixels."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.overview.links import Link
from napari_emrestore.overview.shading import Shading

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.restoration.plan import Rect

_VERSION = 1


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """What became of one pair of overlapping frames.

    Attributes
    ----------
    link : Link
        What the pair said.
    residual_px : float
        How far that is from where the frames lie now.
    reason : str
        Why it was left out; empty if it took part.
    """

    link: Link
    residual_px: float
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Where every frame of a scan lies on its mosaic.

    Attributes
    ----------
    frame_shape : tuple of int
        ``(Y, X)`` of every frame.
    shape : tuple of int
        ``(Y, X)`` of the mosaic.
    places_px : ndarray, shape (N, 2)
        ``(y, x)`` of each frame's first pixel in the mosaic; NaN for a frame that is left out.
    residual_px : ndarray, shape (N,)
        Root mean square over the frame's pairs of how far they would have it elsewhere, weighted by their
        evidence; NaN for frames with no pair, or one that nothing checks.
    placed_by : tuple of str
        Per frame ``"image"``, ``"stage"`` or, if it is left out, ``""``.
    shading : Shading
        What frames are divided by.
    pairs : tuple of PairVerdict
        All pairs that were compared.
    stage_um : ndarray, shape (N, 2), optional
        ``(y, x)`` the stage reported.
    pixel_size_nm : tuple of float, optional
        ``(y, x)``.
    notes : tuple of str
        What a reader must know.
    """

    frame_shape: tuple[int, int]
    shape: tuple[int, int]
    places_px: NDArray[np.float64]
    residual_px: NDArray[np.float64]
    placed_by: tuple[str, ...]
    shading: Shading
    pairs: tuple[PairVerdict, ...] = ()
    stage_um: NDArray[np.float64] | None = None
    pixel_size_nm: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.places_px)

    @property
    def placed(self) -> NDArray[np.bool_]:
        """Which frames take part, (N,)."""
        return np.isfinite(self.places_px[:, 0])

    @property
    def rejected(self) -> tuple[PairVerdict, ...]:
        """Pairs that were left out, each with its reason."""
        return tuple(pair for pair in self.pairs if pair.reason)

    @property
    def rms_residual_px(self) -> float:
        """Root mean square over all pairs that took part; NaN without any."""
        kept = [pair.residual_px for pair in self.pairs if not pair.reason]
        return float(np.sqrt(np.mean(np.square(kept)))) if kept else float("nan")

    def frames_in(self, area: Rect) -> NDArray[np.int64]:
        """Return the frames that have a pixel in a rectangle of the mosaic, in order of time."""
        y, x = self.places_px.T
        h, w = self.frame_shape
        inside = (y < area.y1) & (y + h > area.y0) & (x < area.x1) & (x + w > area.x0)
        return np.flatnonzero(inside)

    def to_json(self) -> str:
        """Return the layout as one JSON object; `from_json` gives it back."""
        content: dict[str, Any] = {
            "layout": _VERSION,
            "frame_shape": self.frame_shape,
            "shape": self.shape,
            "places_px": _listed(self.places_px),
            "residual_px": _listed(self.residual_px),
            "placed_by": self.placed_by,
            "knots": self.shading.knots.tolist(),
            "log_gain": self.shading.log_gain.tolist(),
            "dark": self.shading.dark,
            "pairs": [_plain(pair) for pair in self.pairs],
            "stage_um": None if self.stage_um is None else self.stage_um.tolist(),
            "pixel_size_nm": self.pixel_size_nm,
            "notes": self.notes,
        }
        return json.dumps(content, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Layout:
        """Return the layout written by `to_json`.

        Raises
        ------
        InputError
            If `text` is not such a layout.
        """
        try:
            return _from_content(json.loads(text))
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                "The layout of a mosaic is a JSON object that this package wrote", came=f"{text[:60]!r} came"
            ) from error


def _from_content(content: dict[str, Any]) -> Layout:
    height, width = content["frame_shape"]
    rows, columns = content["shape"]
    size, stage = content["pixel_size_nm"], content["stage_um"]
    shading = Shading(
        (height, width), np.array(content["knots"]), np.array(content["log_gain"]), content["dark"]
    )
    return Layout(
        (height, width),
        (rows, columns),
        np.array(content["places_px"], dtype=np.float64).reshape(-1, 2),
        np.array(content["residual_px"], dtype=np.float64),
        tuple(content["placed_by"]),
        shading,
        tuple(_pair(pair) for pair in content["pairs"]),
        None if stage is None else np.array(stage, dtype=np.float64),
        None if size is None else (float(size[0]), float(size[1])),
        tuple(content["notes"]),
    )


def _plain(pair: PairVerdict) -> dict[str, Any]:
    content = asdict(pair)
    return content | {"residual_px": pair.residual_px if np.isfinite(pair.residual_px) else None}


def _pair(content: dict[str, Any]) -> PairVerdict:
    y, x = content["link"].pop("offset_px")
    residual = float("nan") if content["residual_px"] is None else content["residual_px"]
    return PairVerdict(Link(**content["link"], offset_px=(y, x)), residual, content["reason"])


def _listed(values: NDArray[np.float64]) -> Any:
    """Return nested lists with None for NaN, which JSON does not know; `np.array` turns it back."""
    listed = values.astype(object)
    listed[~np.isfinite(values)] = None
    return listed.tolist()
