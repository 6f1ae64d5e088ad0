"""What a run is told: one frozen record that survives a trip through JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from napari_emrestore.core import WARP_KINDS, InputError, WarpKind

WindowMode = Literal["sliding", "consecutive"]
MergeMethod = Literal["mean", "median", "sigma-clip"]
Tile = int | tuple[int, int] | Literal["auto"]
Reference = int | Literal["sharpest", "middle"]

WINDOW_MODES: tuple[WindowMode, ...] = get_args(WindowMode)
MERGE_METHODS: tuple[MergeMethod, ...] = get_args(MergeMethod)
LONGEST_BURST = 32
USUAL_BURST = 5


@dataclass(frozen=True, slots=True)
class RunSettings:
    """Everything that shapes the outcome of `run`.

    Attributes
    ----------
    input : str
        File, folder of frames or stack.
    model : str
        Id of a learned model or of a classical restorer, or the path of a card; ``"auto"`` is the
        model of the catalogue that fits the number of frames best.
    output : str, optional
        File to write; its suffix picks the format. ``None`` writes nothing.
    frames : int, optional
        Frames per burst, 1 to 32. ``None``: 5 for a restorer that takes bursts, or as many as it takes and
        the file holds; 1 for a restorer of single frames.
    window : {"consecutive", "sliding"}
        Whether bursts follow each other without overlap or start at every frame.
    kind : {"translation", "euclidean", "affine", "homography"}, optional
        Family of warps sought; ``None`` leaves the frames where they are (already aligned).
    reference : {"sharpest", "middle"} or int
        The frame of each burst that the others are brought onto; a number counts within the burst.
    merge : {"mean", "median", "sigma-clip"}
        How a burst becomes one image for a restorer that takes single frames.
    tile : "auto", int or tuple of int
        Side of a tile in pixels; ``"auto"`` fits it to the memory at hand.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``: where a network runs. Frames are
        aligned on the CPU.
    precision : str
        ``"auto"``, ``"fp32"``, ``"bf16"``, ``"fp16"``.
    truth : str, optional
        Ground truth: one image of the field seen by frame `truth_frame`, or a stack with one image per frame.
    truth_frame : int
        Position in the input of the frame that a single ground truth belongs to.
    use, skip : tuple of int
        Positions in the input of frames that a person wants in their burst, or left out, whatever triage
        says. Frames in neither are left to triage.
    noise : str, optional
        Name or file of a camera calibration (`restoration.calibration`), for a model that asks for the noise
        of its frames; ``None`` measures it on the input.
    expected_error : bool
        Have the model tell how far each pixel is probably off, and write it beside `output`
        (`canvas.error_output`); for models with an error head.

    Raises
    ------
    InputError
        If a value is not one of those above, or a frame is to be used and skipped.
    """

    input: str
    model: str = "auto"
    output: str | None = None
    frames: int | None = None
    window: WindowMode = "consecutive"
    kind: WarpKind | None = "euclidean"
    reference: Reference = "sharpest"
    merge: MergeMethod = "mean"
    tile: Tile = "auto"
    device: str = "auto"
    precision: str = "auto"
    truth: str | None = None
    truth_frame: int = 0
    use: tuple[int, ...] = ()
    skip: tuple[int, ...] = ()
    noise: str | None = None
    expected_error: bool = False

    def __post_init__(self) -> None:
        if self.frames is not None and not 1 <= self.frames <= LONGEST_BURST:
            raise InputError(f"A burst has 1 to {LONGEST_BURST} frames", came=f"frames = {self.frames} came")
        if self.kind is not None:
            _require("kind", self.kind, WARP_KINDS)
        _require("window", self.window, WINDOW_MODES)
        _require("merge", self.merge, MERGE_METHODS)
        for name in ("use", "skip"):
            # JSON knows lists only
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if both := sorted({*self.use} & {*self.skip}):
            raise InputError("A frame is used or skipped", item=f"frame {both[0]}", came="is in both lists")

    def decisions(self, frames: range) -> dict[int, bool]:
        """Return what was decided by hand about the frames of a burst, by their position in it."""
        chosen = {**dict.fromkeys(self.use, True), **dict.fromkeys(self.skip, False)}
        return {i - frames.start: taken for i, taken in chosen.items() if i in frames}

    def to_json(self) -> str:
        """Return the settings as one JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> RunSettings:
        """Return the settings written by `to_json`.

        Raises
        ------
        InputError
            If `text` is no such record.
        """
        try:
            record = json.loads(text)
            if isinstance(record.get("tile"), list):
                record["tile"] = tuple(record["tile"])
            return cls(**record)
        except (json.JSONDecodeError, AttributeError, TypeError) as error:
            raise InputError(
                "Run settings are a JSON object with the fields of RunSettings",
                came=f"{text[:80]!r} came",
                remedy=f"Write them with RunSettings.to_json ({error}).",
            ) from error


def _require(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"The setting {name} is one of {', '.join(allowed)}", came=f"{value!r} came")
