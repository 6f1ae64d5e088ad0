"""What a person has set in the live dock, and why it cannot start; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from psygnal import SignalGroupDescriptor

from napari_emrestore.cameras import describe_settings
from napari_emrestore.core import WARP_KINDS, InputError
from napari_emrestore.pipeline.live_settings import LiveSettings
from napari_emrestore.pipeline.settings import LONGEST_BURST, USUAL_BURST
from napari_emrestore.widgets.live.wording import words_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.cameras import CameraSetting

Look = Literal["stacked", "grid", "split", "blink"]
LOOKS: dict[Look, str] = {
    "stacked": "restored over raw",
    "grid": "side by side",
    "split": "split by a divider",
    "blink": "blinking",
}
RecordMode = Literal["expanding", "fixed", "circular"]
RECORD_MODES: dict[RecordMode, str] = {
    "expanding": "until it is stopped",
    "fixed": "a number of frames",
    "circular": "keep the last seconds",
}
FORMATS = {".zarr": "OME-Zarr", ".ome.tif": "OME-TIFF", ".mrc": "MRC"}
_NOT_KEPT = ("roi",)


@dataclass
class LiveState:
    """The settings of the dock.

    Attributes
    ----------
    camera : str
        Of `cameras.list_cameras`.
    typed : dict of str to dict of str to str
        For each camera, what was typed into its form where it differs from the default.
    restore : bool
        Whether what is seen is restored.
    model : str
        Id of a model or classical method.
    frames : int
        Newest frames per view.
    kind : str
        Family of warps, or ``"none"``.
    look : {"stacked", "grid", "split", "blink"}
        How raw and restored view are seen together.
    auto_contrast : bool
        Whether contrast limits follow the view.
    truth : bool
        Whether the ground truth of a simulated camera is shown and measured against.
    roi : tuple of int, optional
        ``(top, left, height, width)`` in frame pixels; not kept beyond closing.
    record_mode : {"expanding", "fixed", "circular"}
        How long a recording is.
    record_frames : int
        Of a fixed recording.
    record_seconds : float
        Of a circular one.
    folder, recording, suffix : str
        Where recordings go, how their names begin and end.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    camera: str = "simulated"
    typed: dict[str, dict[str, str]] = field(default_factory=dict)
    restore: bool = True
    model: str = "burst-naf"
    frames: int = USUAL_BURST
    kind: str = "translation"
    look: Look = "stacked"
    auto_contrast: bool = True
    truth: bool = False
    roi: tuple[int, int, int, int] | None = None
    record_mode: RecordMode = "expanding"
    record_frames: int = 500
    record_seconds: float = 10.0
    folder: str = ""
    recording: str = "recording"
    suffix: str = ".zarr"

    def type_in(self, name: str, text: str) -> None:
        """Note what was typed for a setting of the camera; a default is not kept."""
        setting = self._setting(name)
        mine = {**self.typed.get(self.camera, {}), name: text}
        if not setting.required and text.strip() == setting.text(setting.default):
            del mine[name]
        self.typed = {**self.typed, self.camera: mine}

    def text_of(self, setting: CameraSetting) -> str:
        """Return what the form shows for a setting of the camera."""
        return self.typed.get(self.camera, {}).get(setting.name, setting.text(setting.default))

    def text_for(self, name: str) -> str:
        """Return what the form shows for the setting of this name."""
        return self.text_of(self._setting(name))

    def camera_values(self) -> dict[str, Any]:
        """Return the settings to open the camera with, those that differ from their defaults.

        Raises
        ------
        InputError
            If one is missing or cannot be read.
        """
        typed = self.typed.get(self.camera, {})
        return {
            one.name: one.parse(typed.get(one.name, ""))
            for one in describe_settings(self.camera)
            if one.required or one.name in typed
        }

    def value_of(self, name: str) -> Any:
        """Return the value of one setting of the camera.

        Raises
        ------
        InputError
            If it cannot be read.
        """
        return self._setting(name).parse(self.text_for(name))

    def why_not_start(self) -> str:
        """Return why the camera cannot be opened, in one sentence; empty if it can be tried."""
        typed = self.typed.get(self.camera, {})
        for one in describe_settings(self.camera):
            label = words_for(self.camera, one).label
            if one.required and not typed.get(one.name, "").strip():
                return f"{label} is needed."
            try:
                if one.name in typed:
                    one.parse(typed[one.name])
            except InputError as error:
                return str(error).replace(one.label, label, 1)
        return ""

    def live_settings(self, device: str = "auto", precision: str = "auto") -> LiveSettings:
        """Return what the live line is told."""
        return LiveSettings(
            model=self.model if self.restore else None,
            frames=self.frames,
            kind=self.kind if self.kind in WARP_KINDS else None,
            roi=self.roi,
            device=device,
            precision=precision,
        )

    def _setting(self, name: str) -> CameraSetting:
        return next(one for one in describe_settings(self.camera) if one.name == name)

    def to_record(self) -> dict[str, Any]:
        """Return what is kept beyond closing, as plain JSON."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in _NOT_KEPT}

    def restore_record(self, record: Mapping[str, Any]) -> None:
        """Take back what `to_record` gave; what has another type, is unknown or out of range is left out."""
        for one in fields(self):
            value = record.get(one.name)
            if one.name in _NOT_KEPT or type(value) is not type(getattr(self, one.name)):
                continue
            if _is_sound(one.name, value):
                setattr(self, one.name, value)


def _is_sound(name: str, value: Any) -> bool:
    """Return whether a value of the right type, read from a file, may be taken."""
    choices: dict[str, tuple[str, ...]] = {
        "look": tuple(LOOKS),
        "record_mode": tuple(RECORD_MODES),
        "kind": ("none", *WARP_KINDS),
        "suffix": tuple(FORMATS),
    }
    if name in choices:
        return value in choices[name]
    if name == "frames":
        return 1 <= int(value) <= LONGEST_BURST
    if name in ("record_frames", "record_seconds"):
        return float(value) > 0
    return name != "typed" or all(_is_texts(texts) for texts in value.values())


def _is_texts(record: Any) -> bool:
    return isinstance(record, dict) and all(isinstance(text, str) for text in record.values())
