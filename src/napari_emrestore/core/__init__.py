"""The words of the project: frames, bursts, warps, restorations, model cards, protocols, errors.

Everything here is numpy and the standard library only. These types are what crosses the seams between
the other packages; nothing in this package opens a file, computes a restoration or knows a window system.

Conventions: image axes ``(Y, X)``, burst ``(N, Y, X)``; coordinates ``(y, x)`` in pixels with pixel
centres at integers; lengths in nm, times in ms, doses in electrons per pixel and frame.
"""

from napari_emrestore.core.cards import ModelCard, TrainedRange
from napari_emrestore.core.errors import (
    Cancelled,
    DeviceError,
    EmRestoreError,
    FormatError,
    InputError,
    MissingPackageError,
    ModelError,
    RegistrationError,
    SourceTimeoutError,
    WriteError,
)
from napari_emrestore.core.frames import Acquisition, Burst, Frame, FrameSource
from napari_emrestore.core.intensity import IntensityMap
from napari_emrestore.core.monitor import SILENT, Monitor
from napari_emrestore.core.provenance import Provenance
from napari_emrestore.core.registered import FrameVerdict, RegisteredBurst
from napari_emrestore.core.restoration import ErrorTeller, Restoration, Restorer, TilingRule
from napari_emrestore.core.warps import WARP_KINDS, Warp, WarpKind

__all__ = [
    "SILENT",
    "WARP_KINDS",
    "Acquisition",
    "Burst",
    "Cancelled",
    "DeviceError",
    "EmRestoreError",
    "ErrorTeller",
    "FormatError",
    "Frame",
    "FrameSource",
    "FrameVerdict",
    "InputError",
    "IntensityMap",
    "MissingPackageError",
    "ModelCard",
    "ModelError",
    "Monitor",
    "Provenance",
    "RegisteredBurst",
    "RegistrationError",
    "Restoration",
    "Restorer",
    "SourceTimeoutError",
    "TilingRule",
    "TrainedRange",
    "Warp",
    "WarpKind",
    "WriteError",
]
