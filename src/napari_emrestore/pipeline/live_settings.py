"""What the live line is told; everything may change while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_emrestore.core import WARP_KINDS, InputError
from napari_emrestore.pipeline.settings import LONGEST_BURST, MERGE_METHODS, USUAL_BURST

if TYPE_CHECKING:
    from napari_emrestore.core import WarpKind
    from napari_emrestore.pipeline.settings import MergeMethod

LEAST_SIDE_PX = 24


@dataclass(frozen=True, slots=True)
class LiveSettings:
    """Everything that shapes what the live line shows.

    Attributes
    ----------
    model : str, optional
        Id of a learned model or of a classical restorer; ``None`` shows frames as they come.
    frames : int
        Newest frames that make one image, 1 to 32; fewer until as many have come, and after the view was
        lost.
    kind : {"translation", "euclidean", "affine", "homography"}, optional
        Family of warps sought; ``None`` takes the frames as aligned.
    merge : {"mean", "median", "sigma-clip"}
        How a burst becomes one image for a restorer of single frames.
    roi : tuple of int, optional
        ``(top, left, height, width)`` in frame pixels to which frames are cropped first; ``None``: whole
        frames.
    device, precision : str
        Where and how a network runs; frames are aligned on the CPU.

    Raises
    ------
    InputError
        If a value is not one of those above.
    """

    model: str | None = None
    frames: int = USUAL_BURST
    kind: WarpKind | None = "translation"
    merge: MergeMethod = "mean"
    roi: tuple[int, int, int, int] | None = None
    device: str = "auto"
    precision: str = "auto"

    def __post_init__(self) -> None:
        if not 1 <= self.frames <= LONGEST_BURST:
            raise InputError(f"A burst has 1 to {LONGEST_BURST} frames", came=f"frames = {self.frames} came")
        if self.kind is not None and self.kind not in WARP_KINDS:
            raise InputError(f"A warp is one of {', '.join(WARP_KINDS)}", came=f"{self.kind!r} came")
        if self.merge not in MERGE_METHODS:
            raise InputError(f"Frames merge by {', '.join(MERGE_METHODS)}", came=f"{self.merge!r} came")
        if self.roi is not None and (min(self.roi) < 0 or min(self.roi[2:]) < LEAST_SIDE_PX):
            raise InputError(
                f"A region is (top, left, height, width) in the frame, at least {LEAST_SIDE_PX} px a side",
                came=f"{self.roi} came",
            )

    def check_roi(self, frame_shape: tuple[int, int]) -> None:
        """Raise `InputError` if the region leaves a frame of shape ``(Y, X)``."""
        if self.roi is None:
            return
        top, left, height, width = self.roi
        if top + height > frame_shape[0] or left + width > frame_shape[1]:
            raise InputError(
                f"A region lies within the frame of {frame_shape[0]} x {frame_shape[1]} px",
                came=f"{self.roi} came",
            )
