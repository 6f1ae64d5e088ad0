"""The straight line: frames of a file -> bursts -> registered bursts -> restorations -> scores -> a file.

In: a `RunSettings` naming an input file or folder, a model and, if there is one, a ground truth. Out: a
`Result` with the restored image or stack in input units, one report per window of frames, scores against
the ground truth that was given, and the file that was written. The command line calls `run`, the docks
`run_frames`, which is the same line on frames that are open already; `run_batch` does it for many files and
takes up an interrupted batch.

Units as in `napari_emrestore.core`: pixels, nm, ms, input intensities. Not done here: aligning, restoring,
measuring and file formats, which are the packages to the right; comparing models, which is
`napari_emrestore.pipeline.evaluation`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_emrestore.pipeline.batch import BatchRow, run_batch
    from napari_emrestore.pipeline.frame_tables import frame_table
    from napari_emrestore.pipeline.line import Result, run, run_frames
    from napari_emrestore.pipeline.live import LiveLine
    from napari_emrestore.pipeline.live_alarms import Alarm
    from napari_emrestore.pipeline.live_counters import LiveCounters
    from napari_emrestore.pipeline.live_settings import LiveSettings
    from napari_emrestore.pipeline.live_views import LiveView
    from napari_emrestore.pipeline.recorder import CircularRecorder, Recorder
    from napari_emrestore.pipeline.scores import Score
    from napari_emrestore.pipeline.settings import RunSettings
    from napari_emrestore.pipeline.windows import WindowReport

_HOMES = {
    "Alarm": "live_alarms",
    "BatchRow": "batch",
    "CircularRecorder": "recorder",
    "LiveCounters": "live_counters",
    "LiveLine": "live",
    "LiveSettings": "live_settings",
    "LiveView": "live_views",
    "Recorder": "recorder",
    "Result": "line",
    "RunSettings": "settings",
    "Score": "scores",
    "WindowReport": "windows",
    "frame_table": "frame_tables",
    "run": "line",
    "run_batch": "batch",
    "run_frames": "line",
}

__all__ = [
    "Alarm",
    "BatchRow",
    "CircularRecorder",
    "LiveCounters",
    "LiveLine",
    "LiveSettings",
    "LiveView",
    "Recorder",
    "Result",
    "RunSettings",
    "Score",
    "WindowReport",
    "frame_table",
    "run",
    "run_batch",
    "run_frames",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
