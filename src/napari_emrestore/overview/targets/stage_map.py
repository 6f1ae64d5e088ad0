"""Where a pixel of an overview lies under the stage, and back."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import FormatError, InputError
from napari_emrestore.overview.targets.parsing import parsing, read_json

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

FORMAT = "napari-emrestore stage map"
VERSION = 1
# columns of a matrix closer to parallel than this make places meaningless
_FLATTEST = 1e-6


@dataclass(frozen=True, slots=True)
class StageFit:
    """How well measured places agree with the map that was fitted to them.

    Attributes
    ----------
    kind : str
        ``"similarity"`` (shift, turn, one scale, perhaps mirrored) or ``"affine"``.
    used : int
        Places that the map was fitted to.
    residual_um, worst_um : float, optional
        Root mean square and largest distance between fitted and measured places; ``None`` where there are
        just as many places as unknowns, for then they agree whatever they are.
    expected_um : float, optional
        Residual corrected for the unknowns that were fitted: how far one more place is expected to be off.
    rejected : tuple of int
        Places that were left out, counted from 0.
    """

    kind: str
    used: int
    residual_um: float | None = None
    worst_um: float | None = None
    expected_um: float | None = None
    rejected: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class StageMap:
    """From pixels of an overview to micrometres under the stage.

    Attributes
    ----------
    matrix : tuple of tuple of float
        3×3, acts on column vectors ``(y, x, 1)`` in pixels (centres at integers) and gives ``(y, x, 1)`` in
        micrometres as the stage counts them. It holds turn, mirroring and unequal pixel sides.
    source : str
        What it was made from, in words.
    z_um : float, optional
        Height of the stage at the overview.
    fit : StageFit, optional
        How well it was measured; ``None`` where it was not fitted to places.

    Raises
    ------
    InputError
        If the matrix is not affine, not finite or has no inverse.
    """

    matrix: tuple[tuple[float, ...], ...]
    source: str = "given"
    z_um: float | None = None
    fit: StageFit | None = None

    def __post_init__(self) -> None:
        shape = [len(row) for row in self.matrix]
        matrix = np.asarray(self.matrix, np.float64) if shape == [3, 3, 3] else np.full((3, 3), math.nan)
        usual = np.isfinite(matrix).all() and (matrix[2] == (0, 0, 1)).all()
        if not usual or abs(_area(matrix)) <= _FLATTEST * np.prod(np.linalg.norm(matrix[:2, :2], axis=0)):
            raise InputError(
                "A stage map is a finite 3×3 matrix on (y, x, 1) with an inverse",
                came=f"{self.matrix} came",
            )
        if self.z_um is not None and not math.isfinite(self.z_um):
            raise InputError("The height of a stage is a finite length in µm", came=f"{self.z_um} came")
        object.__setattr__(self, "matrix", tuple(tuple(float(v) for v in row) for row in self.matrix))

    @property
    def pixel_size_um(self) -> tuple[float, float]:
        """Way of the stage per pixel along the overview's ``(y, x)``, in micrometres."""
        y, x = np.linalg.norm(np.asarray(self.matrix)[:2, :2], axis=0).tolist()
        return y, x

    @property
    def rotation_deg(self) -> float:
        """Angle from the stage's x to the overview's x, in degrees from -180 to 180."""
        return math.degrees(math.atan2(self.matrix[0][1], self.matrix[1][1]))

    @property
    def is_mirrored(self) -> bool:
        """Whether the overview shows the stage's plane from the other side; so with y up on the stage."""
        return _area(np.asarray(self.matrix)) < 0

    def to_stage(self, places_px: ArrayLike) -> NDArray[np.float64]:
        """Return where pixels lie under the stage: ``(..., 2)`` of ``(y, x)`` in pixels to micrometres."""
        return _apply(np.asarray(self.matrix), places_px)

    def to_pixels(self, places_um: ArrayLike) -> NDArray[np.float64]:
        """Return which pixels lie at stage places: ``(..., 2)`` of ``(y, x)`` in micrometres to pixels."""
        matrix = np.asarray(self.matrix)
        back = np.linalg.inv(matrix[:2, :2])
        # about the origin of the overview, for stage coordinates may be large beside a pixel
        moved = np.asarray(places_um, np.float64) - matrix[:2, 2]
        return np.asarray(moved @ back.T)


def write_stage_map(stage: StageMap, path: str | Path) -> None:
    """Write a stage map as JSON, for the command line and for tomorrow."""
    from napari_emrestore.io.staging import staged

    record = {"format": FORMAT, "version": VERSION, **asdict(stage)}
    with staged(Path(path)) as partial:
        partial.write_text(json.dumps(record, indent=2, allow_nan=False), encoding="utf-8")


def read_stage_map(path: str | Path) -> StageMap:
    """Return the stage map in a file of `write_stage_map`.

    Raises
    ------
    FormatError
        If it is damaged, of another kind or of a newer version.
    InputError
        If it does not exist or may not be read.
    """
    path = Path(path)
    record = read_json(path)
    with parsing(path, "stage map"):
        found = (record.pop("format", None), record.pop("version", None))
        if found != (FORMAT, VERSION):
            raise FormatError(f"A {FORMAT}, version {VERSION}, is needed", item=path.name, came=f"is {found}")
        return _stage_map(record)


def stage_needed(what: str) -> InputError:
    """Return the error that says how to get a stage map."""
    return InputError(
        f"{what} speaks of the stage, so a stage map is needed",
        came="none came",
        remedy="Mark three points known on overview and stage, or take the stage positions of the frames.",
    )


def _stage_map(record: dict[str, Any]) -> StageMap:
    fit = record.pop("fit")
    if fit is not None:
        fit = StageFit(**{**fit, "rejected": tuple(fit["rejected"])})
    return StageMap(**{**record, "matrix": tuple(tuple(row) for row in record["matrix"]), "fit": fit})


def _area(matrix: NDArray[np.float64]) -> float:
    return float(matrix[0, 0] * matrix[1, 1] - matrix[0, 1] * matrix[1, 0])


def _apply(matrix: NDArray[np.float64], places: ArrayLike) -> NDArray[np.float64]:
    return np.asarray(np.asarray(places, np.float64) @ matrix[:2, :2].T + matrix[:2, 2])
