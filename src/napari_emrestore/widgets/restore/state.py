"""What a person has set in the restore dock, and why it cannot run; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from psygnal import SignalGroupDescriptor

from napari_emrestore.core import WARP_KINDS
from napari_emrestore.pipeline.settings import LONGEST_BURST, USUAL_BURST, RunSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.core.frames import FrameAxis
    from napari_emrestore.pipeline.settings import Reference, WindowMode

Meaning = Literal["time", "z", "single", "aligned"]
MEANINGS: dict[Meaning, str] = {
    "time": "a time series",
    "aligned": "an aligned burst",
    "z": "sections in z",
    "single": "single images",
}
_ONE_BY_ONE = ("z", "single")
_NOT_KEPT = ("decisions", "count", "taken", "tells_error", "fault")


@dataclass
class RestoreState:
    """The settings of the dock.

    Attributes
    ----------
    meaning : {"time", "aligned", "z", "single"}
        What the frame axis of the input means.
    kind : str
        Family of warps, or ``"none"``.
    reference : {"sharpest", "middle", "number"}
        Frame the others of a burst are brought onto. The middle one by default: restored bursts of a moving
        stage then lie where napari shows them, at the middle of their frames.
    reference_frame : int
        Its position in the burst for ``"number"``.
    frames : int
        Frames per burst.
    window : {"consecutive", "sliding"}
        How bursts follow each other in a stack.
    model, device, precision : str
        As in `RunSettings`.
    tile_px : int
        Side of a tile; 0 is automatic.
    noise : str
        Name of the calibration of the camera; empty to measure the noise on the input.
    expected_error : bool
        Whether the model is to tell how far each pixel is probably off, if it can.
    truth_frame : int
        Input frame that a single ground truth belongs to.
    decisions : mapping of int to bool
        Input frames that a person wants used or skipped.
    count : int
        Frames in the input; 0 without one.
    taken : tuple of int
        Fewest and most frames the model takes.
    tells_error : bool
        Whether the model can tell the expected error.
    fault : str
        Why the input or the model cannot be used at all; empty if they can.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    meaning: Meaning = "time"
    kind: str = "euclidean"
    reference: str = "middle"
    reference_frame: int = 0
    frames: int = USUAL_BURST
    window: WindowMode = "consecutive"
    model: str = "burst-naf"
    device: str = "auto"
    precision: str = "auto"
    tile_px: int = 0
    noise: str = ""
    expected_error: bool = False
    truth_frame: int = 0
    decisions: Mapping[int, bool] = field(default_factory=dict)
    count: int = 0
    taken: tuple[int, int] = (1, LONGEST_BURST)
    tells_error: bool = False
    fault: str = ""

    @property
    def burst(self) -> int:
        """Frames per burst of the run: no more than the input has, one where images are taken one by one."""
        return 1 if self.meaning in _ONE_BY_ONE else max(1, min(self.frames, self.count))

    @property
    def frame_axis(self) -> FrameAxis:
        """Meaning of the frame axis for the result's acquisition."""
        return {"time": "time", "aligned": "time", "z": "z", "single": "index"}[self.meaning]  # type: ignore[return-value]

    def obstacle(self) -> str:
        """Return why a run cannot start, in one sentence with the remedy; empty if it can."""
        if self.fault or self.count == 0:
            return self.fault or "Open an image first, or pick one as the input."
        fewest, most = self.taken
        if self.burst < fewest or (most > 1 and self.burst > most):
            wanted = f"{self.model} takes {fewest} to {most} frames per burst; {self.burst} are set."
            return f"{wanted} Change the number of frames."
        if self.reference == "number" and self.burst > 1 and self.reference_frame >= self.burst:
            return (
                f"The reference is frame {self.reference_frame} of a burst of {self.burst}, counted from 0. "
                "Choose a smaller number."
            )
        return ""

    def settings(self, source: str, *, output: str | None = None) -> RunSettings:
        """Return the settings of a run on an input of this name or path."""
        several = self.burst > 1
        decided = self.decisions.items() if several else ()
        reference: Reference = self.reference_frame if self.reference == "number" else self.reference  # type: ignore[assignment]
        return RunSettings(
            source,
            model=self.model,
            output=output,
            frames=self.burst,
            window=self.window,
            kind=self.kind if several and self.meaning != "aligned" and self.kind in WARP_KINDS else None,
            reference=reference if several else "sharpest",
            tile=self.tile_px or "auto",
            device=self.device,
            precision=self.precision,
            truth_frame=self.truth_frame,
            use=tuple(sorted(i for i, used in decided if used)),
            skip=tuple(sorted(i for i, used in decided if not used)),
            noise=self.noise or None,
            expected_error=self.expected_error and self.tells_error,
        )

    def take(self, settings: RunSettings) -> None:
        """Set everything to what a run was told."""
        self.model, self.device, self.precision = settings.model, settings.device, settings.precision
        self.frames = settings.frames or USUAL_BURST
        self.window = settings.window
        self.kind = settings.kind or "none"
        number = isinstance(settings.reference, int)
        self.reference = "number" if number else str(settings.reference)
        self.reference_frame = settings.reference if isinstance(settings.reference, int) else 0
        tile = settings.tile
        self.tile_px = 0 if tile == "auto" else int(tile if isinstance(tile, int) else tile[0])
        self.noise = settings.noise or ""
        self.expected_error = settings.expected_error
        self.truth_frame = settings.truth_frame
        self.decisions = {**dict.fromkeys(settings.use, True), **dict.fromkeys(settings.skip, False)}

    def to_record(self) -> dict[str, Any]:
        """Return what is kept beyond closing, as plain JSON."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in _NOT_KEPT}

    def restore_record(self, record: Mapping[str, Any]) -> None:
        """Take back what `to_record` gave; what has another type or is unknown is left out."""
        for one in fields(self):
            value = record.get(one.name)
            if one.name not in _NOT_KEPT and type(value) is type(getattr(self, one.name)):
                setattr(self, one.name, value)
