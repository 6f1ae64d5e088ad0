"""Watch a camera live: every frame is counted, the newest ones are aligned and restored, all are recorded."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from napari_emrestore.cameras import open_camera
from napari_emrestore.io import open_frames
from napari_emrestore.pipeline import LiveLine, LiveSettings, Recorder, frame_table

camera = open_camera("simulated", frame_shape=(256, 256), specimen_px=512, frame_rate_hz=25.0)
with TemporaryDirectory() as folder:
    recorder = Recorder(Path(folder, "scan.zarr"), camera)
    line = LiveLine(camera, LiveSettings(model="mean", frames=5)).prepare()
    line.record(recorder)
    with line:  # starts here, and closes the camera at the end
        for _ in range(12):
            view = line.wait(timeout_s=10)
            line.shown(view)  # where a viewer would draw it
        line.change(model="gaussian")  # anything may change while it runs
        camera.drive((0.0, 200.0))  # steer the stage: px/s
        while view.restored_raw is not view.raw or view.restored.provenance.model["id"] != "gaussian":
            view = line.wait(timeout_s=10)  # a model is loaded beside the view; until then it is raw
            line.shown(view)
        counters = line.counters()
        truth = camera.truth(view.raw.index)
    recorder.stop()
    print(f"{counters.acquired} frames came, {counters.shown} views were shown,", end=" ")
    print(f"{counters.dropped_by_ring} frames were dropped, {counters.lost_by_source} lost")
    print(f"latency {counters.latency_ms_p50:.0f} ms, 95 % below {counters.latency_ms_p95:.0f} ms")
    for name, image in (("raw", view.raw.data), ("restored", view.restored.image)):
        print(f"{name}: {np.sqrt(np.mean((image - truth) ** 2)):.0f} counts off the truth")

    with open_frames(recorder.path) as recording:
        print(f"recorded {len(recording)} frames of {recording.frame_shape}, the last at", end=" ")
        print(frame_table(recorder.path)[-1]["stage_um"], "µm on the stage")
