"""The noise of a camera, measured once, named and kept: what `restore` takes instead of measuring anew.

A calibration is a small TOML file. It holds for the camera, gain and binning it was measured with, and for
frames in the detector's own counts.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import date
from math import isfinite, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.metrics import NoiseModel, noise_model

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MOST_FRAMES = 32
_SUFFIX = ".toml"
_LEAST_PART_PX = 32


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a photon-transfer fit found about a camera.

    Attributes
    ----------
    camera : str
        Its name: lower-case letters, digits, ``.``, ``_`` and ``-``.
    day : str
        Date of the measurement, ``YYYY-MM-DD``.
    noise : NoiseModel
        Gain in counts per electron, offset and read noise in counts.
    frames, dark_frames : int
        Frames of a scene and frames without beam that were used.
    relative_error : float
        Standard error of the noise's standard deviation at the mean intensity, as a share of it: the scatter
        between four parts of the field, halved. ``nan`` where the field is too small to be parted.
    levels : tuple of float
        5 and 95 percentile of the frames, in counts: where the line was seen.
    source : str
        Name of the frames.
    """

    camera: str
    day: str
    noise: NoiseModel
    frames: int
    dark_frames: int = 0
    relative_error: float = float("nan")
    levels: tuple[float, float] = (0.0, 0.0)
    source: str = ""
    notes: tuple[str, ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        if re.fullmatch(r"[a-z0-9][a-z0-9._-]*", self.camera) is None:
            raise InputError(
                "A camera's name has lower-case letters, digits, '.', '_' or '-'",
                came=f"{self.camera!r} came",
                remedy="For example: titan-ceta",
            )

    def to_record(self) -> dict[str, Any]:
        """Return it as plain values, without the notes."""
        error = {"relative_error": self.relative_error} if isfinite(self.relative_error) else {}
        return {
            "camera": self.camera,
            "day": self.day,
            "gain": self.noise.gain,
            "offset": self.noise.offset,
            "read_noise": self.noise.read_noise,
            "frames": self.frames,
            "dark_frames": self.dark_frames,
            "levels": list(self.levels),
            "source": self.source,
        } | error


def calibrate(
    frames: ArrayLike,
    *,
    camera: str,
    dark: ArrayLike | None = None,
    offset: float | None = None,
    source: str = "",
    day: date | None = None,
) -> Calibration:
    """Return the calibration of a camera from frames of one scene.

    Parameters
    ----------
    frames : array_like, shape (N, Y, X) or (Y, X)
        As the detector gave them, in order. The more brightnesses they show, the better the gain is known; of
        many, the first 32 are used.
    camera : str
        See `Calibration`.
    dark : array_like, shape (M, Y, X) or (Y, X), optional
        Frames without beam: they tell offset and read noise for themselves.
    offset : float, optional
        Counts of no signal, where they are known; not together with `dark`.
    source : str
        Name of the frames, for the record.
    day : date, optional
        ``None`` for today.

    Raises
    ------
    InputError
        If frames are no finite images, or both `dark` and `offset` are given.
    """
    if dark is not None and offset is not None:
        raise InputError("The offset is given or measured on dark frames", came="both came")
    pixels = np.asarray(frames)
    pixels = pixels[:MOST_FRAMES] if pixels.ndim == 3 else pixels
    blank = None if dark is None else np.asarray(dark)
    known = offset if blank is None else float(np.mean(blank, dtype=np.float64))
    noise = noise_model(pixels, offset=known)
    if blank is not None:
        noise = NoiseModel(noise.gain, noise.offset, _temporal_deviation(blank))
    low, high = (float(v) for v in np.percentile(pixels, (5, 95)))
    return Calibration(
        camera,
        (day or date.today()).isoformat(),
        noise,
        frames=len(pixels) if pixels.ndim == 3 else 1,
        dark_frames=0 if blank is None else len(blank) if blank.ndim == 3 else 1,
        relative_error=_scatter(pixels, known),
        levels=(low, high),
        source=source,
        notes=_notes(noise, pixels, known),
    )


def calibrations_folder() -> Path:
    """Return the folder of the user's calibrations; it need not exist."""
    from platformdirs import user_data_path

    return user_data_path("napari-emrestore", appauthor=False) / "cameras"


def list_calibrations() -> list[str]:
    """Return the names of the kept calibrations."""
    return sorted(path.stem for path in calibrations_folder().glob(f"*{_SUFFIX}"))


def save_calibration(calibration: Calibration, path: Path | None = None) -> Path:
    """Write a calibration and return its path; one of the same name is replaced in one step.

    Parameters
    ----------
    calibration : Calibration
        What to keep.
    path : Path, optional
        File to write; ``None`` for ``<camera>.toml`` in `calibrations_folder`.
    """
    import tomli_w

    target = path or calibrations_folder() / f"{calibration.camera}{_SUFFIX}"
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.part")
    draft.write_text(tomli_w.dumps(calibration.to_record()), encoding="utf-8")
    draft.replace(target)
    return target


def find_calibration(name_or_path: str) -> Calibration:
    """Return a calibration by the camera's name or its file.

    Raises
    ------
    InputError
        If there is none, or the file is not one.
    """
    kept = calibrations_folder() / f"{name_or_path}{_SUFFIX}"
    path = kept if kept.is_file() else Path(name_or_path)
    if not path.is_file():
        known = ", ".join(list_calibrations()) or "none yet"
        raise InputError(
            f"A calibration is the name of a camera ({known}) or a file",
            came=f"{name_or_path!r} came",
            remedy="Make one: napari-emrestore calibrate FRAMES --camera NAME",
        )
    try:
        record = tomllib.loads(path.read_text(encoding="utf-8"))
        numbers = NoiseModel(*(float(record.pop(key)) for key in ("gain", "offset", "read_noise")))
        low, high = (float(level) for level in record.pop("levels"))
        return Calibration(noise=numbers, levels=(low, high), **record)
    except (OSError, ValueError, TypeError, KeyError, tomllib.TOMLDecodeError) as error:
        raise InputError(
            "A calibration is a file that napari-emrestore calibrate wrote",
            item=str(path),
            came=f"gave: {error}",
        ) from error


def noise_of_mean(noise: NoiseModel, frames: int) -> NoiseModel:
    """Return the noise of the mean of some frames of equal, independent noise."""
    return NoiseModel(noise.gain / frames, noise.offset, noise.read_noise / sqrt(frames))


def _temporal_deviation(dark: NDArray[Any]) -> float:
    """Return the standard deviation of the noise of dark frames: of their differences, where there are some.

    Fixed pattern is the same in each frame and is no noise.
    """
    if dark.ndim == 3 and len(dark) > 1:
        return float(np.diff(dark.astype(np.float32), axis=0).std() / sqrt(2))
    return float(noise_model(dark[0] if dark.ndim == 3 else dark, offset=0.0).read_noise)


def _scatter(pixels: NDArray[Any], offset: float | None) -> float:
    """Return how far the noise of the field is off, from its four quarters."""
    rows, columns = (length // 2 for length in pixels.shape[-2:])
    if min(rows, columns) < _LEAST_PART_PX:
        return float("nan")
    level = float(pixels.mean(dtype=np.float64))
    quarters = [
        noise_model(pixels[..., y : y + rows, x : x + columns], offset=offset)
        for y in (0, rows)
        for x in (0, columns)
    ]
    deviations = [sqrt(float(quarter.variance(level))) for quarter in quarters]
    mean = float(np.mean(deviations))
    return float(np.std(deviations, ddof=1)) / 2 / mean if mean > 0 else float("nan")


def _notes(noise: NoiseModel, pixels: NDArray[Any], offset: float | None) -> tuple[str, ...]:
    notes = []
    if noise.gain == 0:
        notes.append("the noise does not rise with the signal, or the frames show too few brightnesses")
    elif offset is None:
        notes.append("offset and read noise cannot be told apart without dark frames; their line is right")
    if pixels.ndim == 2 or len(pixels) == 1:
        notes.append("from a single frame: fine texture everywhere counts as noise")
    if pixels.dtype.kind == "u" and float((pixels == np.iinfo(pixels.dtype).max).mean()) > 1e-3:
        notes.append("more than one pixel in a thousand is saturated, where noise is missing")
    return tuple(notes)
