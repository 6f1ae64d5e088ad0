"""Watch a camera: align and restore its newest frames as fast as possible, record every raw frame."""

from __future__ import annotations

import time
from dataclasses import asdict
from math import isfinite
from typing import TYPE_CHECKING, Any

from napari_emrestore.cli.camera_options import camera_settings
from napari_emrestore.cli.options import add_device
from napari_emrestore.cli.terminal import Outcome, Terminal
from napari_emrestore.core import WARP_KINDS, Cancelled, InputError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from napari_emrestore.cameras import LiveSource
    from napari_emrestore.core import Monitor
    from napari_emrestore.pipeline.live import LiveLine
    from napari_emrestore.pipeline.live_counters import LiveCounters
    from napari_emrestore.pipeline.live_views import LiveView
    from napari_emrestore.pipeline.recorder import CircularRecorder, Recorder

_TURN_S = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.add_argument(
        "camera", metavar="CAMERA", help="simulated, replay, folder, micromanager, network, or of a plugin"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        dest="settings",
        help="a setting of the camera, for example --set exposure_ms=10 or --set folder=D:/data",
    )
    parser.add_argument(
        "--model",
        metavar="ID",
        default="mean",
        help="model or classical method (default: mean of the aligned frames; none: raw frames)",
    )
    parser.add_argument(
        "--frames", type=int, default=5, metavar="N", help="newest frames per image (default: 5)"
    )
    parser.add_argument(
        "--kind", choices=[*WARP_KINDS, "none"], default="translation", help="how frames may differ"
    )
    parser.add_argument("--seconds", type=float, metavar="S", help="how long (default: until Ctrl-C)")
    parser.add_argument(
        "--record", metavar="FILE", help="write every raw frame to this new .zarr, .mrc, .ome.tif or .tif"
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--record-frames", type=int, metavar="N", help="record so many frames")
    which.add_argument(
        "--keep-last", type=float, metavar="S", help="record the last seconds before it ends, held in memory"
    )
    parser.add_argument("--snapshot", metavar="FILE", help="write the last view when it ends")
    add_device(parser)


def run(arguments: argparse.Namespace, terminal: Terminal) -> Outcome:
    """Watch until time is up, the camera ends, or somebody says so."""
    from napari_emrestore.cameras import open_camera
    from napari_emrestore.io import open_frames
    from napari_emrestore.pipeline.live import LiveLine
    from napari_emrestore.pipeline.live_settings import LiveSettings

    _check_recording(arguments)
    settings = LiveSettings(
        model=None if arguments.model == "none" else arguments.model,
        frames=arguments.frames,
        kind=None if arguments.kind == "none" else arguments.kind,
        device=arguments.device,
        precision=arguments.precision,
    )
    with open_camera(arguments.camera, reader=open_frames, **camera_settings(arguments.settings)) as camera:
        line = LiveLine(camera, settings).prepare()
        recorder = _recorder(arguments, camera, line)
        line.record(recorder)
        with line:
            view = _watch(line, arguments.seconds, terminal.progress())
            trouble = line.failure or line.silence
            counters = line.counters()
        recorded = _finish(recorder, line, arguments.record)
        record = {"counters": asdict(counters), "incidents": dict(camera.incidents), **recorded}
    if trouble is not None and view is None:
        raise trouble
    _tell(counters, record, [trouble, line.sink_failure], terminal)
    if arguments.snapshot and view is not None:
        record["snapshot"] = _write(view, arguments.snapshot, terminal)
    return Outcome(record, code=1 if trouble or line.sink_failure else 0)


def _watch(
    line: LiveLine, seconds: float | None, progress: AbstractContextManager[Monitor]
) -> LiveView | None:
    """Return the last view seen."""
    began_s = time.monotonic()
    last: LiveView | None = None
    with progress as monitor:
        while seconds is None or time.monotonic() - began_s < seconds:
            view = line.wait(_TURN_S)
            if view is not None:
                line.shown(view)
                last = view
            elif not line.is_running or line.silence is not None:
                break
            try:
                _report(monitor, time.monotonic() - began_s, seconds)
            except Cancelled:
                break
    return last


def _report(monitor: Monitor, elapsed_s: float, seconds: float | None) -> None:
    """Tell how far it is; without an end there is no bar, but the stop request comes in all the same."""
    total = 0 if seconds is None else max(1, round(seconds))
    monitor.step(min(int(elapsed_s), max(total - 1, 0)), total, "watching")


def _check_recording(arguments: argparse.Namespace) -> None:
    how = arguments.record_frames if arguments.keep_last is None else arguments.keep_last
    if how is not None and not arguments.record:
        raise InputError("A recording needs a file", came="none came", remedy="Add --record FILE.")


def _recorder(
    arguments: argparse.Namespace, camera: LiveSource, line: LiveLine
) -> Recorder | CircularRecorder | None:
    from napari_emrestore.pipeline.recorder import CircularRecorder, Recorder

    if not arguments.record:
        return None
    if arguments.keep_last is not None:
        return CircularRecorder(camera, arguments.keep_last)
    return Recorder(arguments.record, camera, frames=arguments.record_frames, counters=line.counters)


def _finish(recorder: Recorder | CircularRecorder | None, line: LiveLine, path: str) -> dict[str, Any]:
    from napari_emrestore.pipeline.recorder import CircularRecorder

    if recorder is None:
        return {}
    if isinstance(recorder, CircularRecorder):
        recorder = recorder.keep(path, counters=line.counters)
    if line.sink_failure is None:
        recorder.stop()
    return {"recording": str(recorder.path), "recorder": asdict(recorder.status())}


def _tell(
    counters: LiveCounters,
    record: dict[str, Any],
    troubles: Sequence[BaseException | None],
    terminal: Terminal,
) -> None:
    rows = [
        ("frames acquired", f"{counters.acquired}", f"{counters.acquired_fps:.1f}/s lately"),
        ("lost by the camera", f"{counters.lost_by_source}", ""),
        ("dropped, newer ones came", f"{counters.dropped_by_ring}", ""),
        ("in no restoration", f"{counters.passed_over}", ""),
        ("views made", f"{counters.made}", f"{counters.made_fps:.1f}/s lately"),
        ("restored", f"{counters.restored}", f"{counters.restored_fps:.1f}/s lately"),
        ("views shown", f"{counters.shown}", f"{counters.shown_fps:.1f}/s lately"),
        ("latency ms", *_latency(counters.latency_ms_p50, counters.latency_ms_p95)),
        (
            "latency restored ms",
            *_latency(counters.restored_latency_ms_p50, counters.restored_latency_ms_p95),
        ),
        *((what, str(count), "") for what, count in record["incidents"].items()),
    ]
    terminal.table(("", "", ""), rows)
    if "recording" in record:
        terminal.say(f"Recorded {record['recorder']['written']} frames to {record['recording']}")
    for trouble in troubles:
        if trouble is not None:
            terminal.say(str(trouble))


def _latency(p50: float, p95: float) -> tuple[str, str]:
    return (f"{p50:.0f}", f"95%: {p95:.0f}") if isfinite(p50) else ("-", "")


def _write(view: LiveView, path: str, terminal: Terminal) -> str:
    from napari_emrestore.io import write_image

    image, known, made_by = view.raw.data, view.raw.acquisition, None
    if view.restored is not None:
        image, known, made_by = view.restored.image, view.restored.acquisition, view.restored.provenance
    written = write_image(path, image, known, made_by)
    terminal.say(f"Wrote {written}")
    return str(written)
