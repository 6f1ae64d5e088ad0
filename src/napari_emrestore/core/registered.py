"""A burst whose frames have been judged and brought onto one grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_emrestore.core.frames import Burst
    from napari_emrestore.core.warps import Warp


@dataclass(frozen=True, slots=True)
class FrameVerdict:
    """What triage found about one frame of a burst, and whether the frame is used.

    Attributes
    ----------
    index : int
        Position in the burst.
    shift_px : tuple of float
        ``(dy, dx)`` of the frame centre against the reference.
    correlation : float
        Correlation with the reference over the valid overlap, -1 to 1.
    sharpness : float
        Noise-corrected gradient energy relative to the sharpest frame of the burst, 0 to 1.
    saturated_fraction : float
        Share of pixels at the ceiling (or floor) of the dtype, 0 to 1.
    charging : bool
        Whether the mean intensity or its low frequencies jump against the rest of the burst.
    accepted : bool
        Whether the frame takes part in fusion.
    reason : str
        Why it was rejected, or who overrode the judgement; empty for a plain acceptance.
    """

    index: int
    shift_px: tuple[float, float]
    correlation: float
    sharpness: float
    saturated_fraction: float
    charging: bool
    accepted: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class RegisteredBurst:
    """A burst on the grid of its reference frame, cropped to the part that is kept.

    Attributes
    ----------
    burst : Burst
        The frames as they came, untouched.
    warps : tuple of Warp
        One per frame of `burst`, from the reference frame to that frame.
    verdicts : tuple of FrameVerdict
        One per frame of `burst`.
    reference : int
        Position of the reference frame in `burst`.
    aligned : ndarray, shape (M, Y, X), float32
        The accepted frames resampled onto the cropped reference grid, input units; the reference is
        not interpolated. Pixels outside a frame's valid area hold that frame's mean.
    valid : ndarray, shape (M, Y, X), bool
        Where each aligned frame holds measured data.
    origin_px : tuple of int
        ``(y, x)`` of the crop's first pixel in the reference frame.
    """

    burst: Burst
    warps: tuple[Warp, ...]
    verdicts: tuple[FrameVerdict, ...]
    reference: int
    aligned: NDArray[np.float32]
    valid: NDArray[np.bool_]
    origin_px: tuple[int, int] = (0, 0)

    @property
    def accepted(self) -> tuple[int, ...]:
        """Positions in `burst` of the frames in `aligned`, in order."""
        return tuple(v.index for v in self.verdicts if v.accepted)
