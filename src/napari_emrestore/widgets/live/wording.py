"""The settings of our own cameras in the words of a microscopist; other packages' keep their own names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from napari_emrestore.cameras import CameraSetting


@dataclass(frozen=True, slots=True)
class Words:
    """How a setting is shown.

    Attributes
    ----------
    label : str
        Beside its field.
    tip : str
        What it means.
    empty : str
        What an empty field stands for.
    """

    label: str
    tip: str
    empty: str


_TIMEOUT = ("Time-out (s)", "So long without a frame the camera counts as silent.", "")
_HELD = "Frames kept while the computer is busy; older ones are lost, and counted."
_PIECE = "Instead of a configuration: one camera, such as DCam of the adapter DemoCamera."
_AS_SET = "Empty: as the camera is set. May change while it runs."

_WORDS: dict[str, dict[str, tuple[str, str, str]]] = {
    "simulated": {
        "specimen": ("Specimen", "procedural, or the file of an image, which then repeats without end.", ""),
        "frame_shape": ("Frame (y, x)", "Height and width in pixels.", ""),
        "frame_rate_hz": ("Frames per s", "Empty: one exposure right after the other.", "no pause"),
        "dose_e": ("Dose (electrons)", "Electrons per frame in the brightest pixels.", ""),
        "gain_adu": ("Gain (counts)", "Counts per electron.", ""),
        "offset_adu": ("Offset (counts)", "Counts without any electron.", ""),
        "read_noise_e": ("Read noise (electrons)", "Standard deviation of the read-out, per pixel.", ""),
        "velocity_px_s": ("Speed (y, x; px/s)", "With which the stage moves.", ""),
        "vibration_px": ("Vibration (px)", "Amplitude of the stage's vibration.", ""),
        "vibration_hz": ("Vibration (Hz)", "Frequency of the stage's vibration.", ""),
        "slips_per_s": ("Slips per s", "How often the stage sticks and slips, on average.", ""),
        "slip_px": ("Slip (px)", "How far it slips.", ""),
        "drift_px_s": ("Drift (y, x; px/s)", "Of the specimen on the stage.", ""),
        "held_frames": ("Frames held", _HELD, "all"),
        "silent_after": ("Silent after", "Falls silent after so many frames, to rehearse a fault.", "never"),
        "timeout_s": _TIMEOUT,
    },
    "replay": {
        "source": ("File or folder", "A recording, or any stack of images.", ""),
        "frame_rate_hz": ("Frames per s", "Empty: as fast as the computer can.", "no pause"),
        "repeat": ("Again and again", "Begins anew at the end.", ""),
        "held_frames": ("Frames held", f"{_HELD} Empty: none is ever lost, late ones come at once.", "all"),
        "timeout_s": _TIMEOUT,
    },
    "folder": {
        "folder": ("Folder", "Where the other program writes; on this computer or a network share.", ""),
        "order": (
            "Order by",
            "name: image 2 comes before image 10, and a missing number counts as a lost frame. time: as last "
            "written.",
            "",
        ),
        "existing": ("Older files too", "Begins with the files that are there already.", ""),
        "suffixes": ("File types", "Endings of image files; all others are passed over.", ""),
        "poll_s": (
            "Look every (s)",
            "How often the folder is looked at, if the system tells no news.",
            "",
        ),
        "patience_s": (
            "Patience (s)",
            "A file that cannot be read and has not changed for so long is given up, and counted.",
            "",
        ),
        "timeout_s": _TIMEOUT,
    },
    "micromanager": {
        "config": (
            "Configuration",
            "A configuration file. Without it, and without an adapter, the camera that is loaded in this "
            "napari already is joined.",
            "the loaded one",
        ),
        "adapter": ("Adapter", _PIECE, "of configuration"),
        "device": ("Device", _PIECE, "of configuration"),
        "exposure_ms": (
            "Exposure (ms)",
            _AS_SET,
            "as it is",
        ),
        "binning": ("Binning", _AS_SET, "as it is"),
        "roi": (
            "ROI",
            "Top, left, height, width in camera pixels. Empty: the whole chip. May change while it runs.",
            "whole chip",
        ),
        "properties": (
            "Properties",
            "Further properties of the camera, such as Gain=2, PixelType=16bit. May change while it runs.",
            "as they are",
        ),
        "read_stage": ("Read the stage", "Each frame is told where the XY stage was.", ""),
        "timeout_s": _TIMEOUT,
    },
    "network": {
        "address": ("Address", "Where frames are awaited: tcp://127.0.0.1:PORT for this computer.", ""),
        "allow_remote": (
            "Other computers",
            "Lets other computers send too. Nothing is encrypted: in a trusted network only.",
            "",
        ),
        "held_frames": ("Frames held", "Frames kept while the computer is busy; then the sender waits.", ""),
        "most_frame_bytes": ("Largest (bytes)", "A sender of larger frames is cut off.", ""),
        "timeout_s": _TIMEOUT,
    },
}


def words_for(camera: str, setting: CameraSetting) -> Words:
    """Return how a setting of a camera is shown."""
    own = _WORDS.get(camera, {}).get(setting.name)
    if own is None:
        empty = "as it is" if setting.optional else ""
        own = setting.label, setting.note or setting.label, empty
    label, tip, empty = own
    return Words(label, tip, "needed" if setting.required else empty)
