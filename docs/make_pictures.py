"""Take the pictures of the documentation from the running program.

``make pictures``, or with a screen ``python docs/make_pictures.py [NAME ...]``. Every picture is a scene: a
viewer, a bundled sample, docks at work, a screenshot. Nothing in them is drawn or edited, only the number of
colours is reduced so that the files stay small.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import napari

PICTURES = Path(__file__).parent / "pictures"
PLUGIN = "napari-emrestore"
RESTORE, COMPARE, PROBE, ORIGIN = "Restore images", "Compare images", "Probe models", "What made this layer?"
LIVE, OVERVIEW, REGIONS = "Live camera", "Build an overview of a scan", "Mark regions of interest"
TRAIN = "Train and adapt models"
LONGEST_S = 300
LARGEST_BYTES = 290_000


@contextmanager
def opened(theme: str, width: int = 1280, height: int = 800) -> Iterator[napari.Viewer]:
    """Give a viewer of a size, and close it."""
    import napari

    viewer = napari.Viewer(show=True)
    viewer.theme = theme
    viewer.window.resize(width, height)
    settle()
    try:
        yield viewer
    finally:
        viewer.close()
        settle()


def settle(seconds: float = 0.5) -> None:
    """Let Qt draw and clean up for a while."""
    from qtpy.QtCore import QCoreApplication, QEvent
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
        time.sleep(0.01)


def wait(until: Callable[[], bool]) -> None:
    """Let Qt work until something is so."""
    end = time.monotonic() + LONGEST_S
    while not until():
        if time.monotonic() > end:
            raise TimeoutError("The picture was not ready in time.")
        settle(0.05)
    settle()


def dock(viewer: napari.Viewer, name: str, width: int) -> Any:
    """Open a dock in a width and return its widget."""
    holder, widget = viewer.window.add_plugin_dock_widget(PLUGIN, name)
    holder.setFixedWidth(width)
    settle()
    return widget


def save(image: Any, name: str) -> None:
    """Save a picture with as many colours as its size allows."""
    from PIL import Image

    PICTURES.mkdir(exist_ok=True)
    path = PICTURES / f"{name}.png"
    whole = Image.fromarray(np.ascontiguousarray(image[..., :3]))
    for colours in (256, 160, 96, 64, 48, 32):
        whole.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size <= LARGEST_BYTES:
            break
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB, {colours} colours")


def shot(viewer: napari.Viewer, name: str) -> None:
    """Save what the window shows."""
    settle(1.0)
    save(viewer.window.screenshot(flash=False, canvas_only=False), name)


def restored_stream(viewer: napari.Viewer, width: int = 340) -> Any:
    """Open the stream, restore its first burst against the truth, and return the restore dock."""
    viewer.open_sample(PLUGIN, "tem-stream")
    widget = dock(viewer, RESTORE, width)
    widget.choose("burst-naf")
    widget.view.input.truth.pick(viewer.layers["tem-stream · ground truth"])
    # the first run compiles and loads what later ones have; people see the time of a later one most
    run_restore(viewer, widget)
    viewer.layers.remove(viewer.layers["tem-stream · burst-naf"])
    run_restore(viewer, widget)
    return widget


def run_restore(viewer: napari.Viewer, widget: Any) -> None:
    """Press Run and wait for the result."""
    before = len(viewer.layers)
    settle()
    widget.view.run.button.click()
    wait(lambda: not widget.runs.running and len(viewer.layers) > before)


def open_sample() -> None:
    """Show the stream as it opens, with the restore dock beside it."""
    with opened("dark") as viewer:
        viewer.open_sample(PLUGIN, "tem-stream")
        widget = dock(viewer, RESTORE, 340)
        wait(lambda: not widget.runs.running)
        shot(viewer, "open-sample")


def restore() -> None:
    """Show a finished run: the layer in its place, the numbers against the ground truth."""
    with opened("dark") as viewer:
        restored_stream(viewer)
        shot(viewer, "restore")


def compare() -> None:
    """Show numbers and the swipe divider."""
    with opened("dark") as viewer:
        viewer.window.remove_dock_widget(restored_stream(viewer))
        widget = dock(viewer, COMPARE, 400)
        wait(lambda: widget.view.numbers.table.rowCount() > 0)
        widget.state.swiped = (viewer.layers["tem-stream"], viewer.layers["tem-stream · burst-naf"])
        widget.state.view = "swipe"
        shot(viewer, "compare")
        widget.state.view = "layers"


def plots() -> None:
    """Show curves and a map of the errors, in the light theme."""
    with opened("light") as viewer:
        viewer.open_sample(PLUGIN, "low-dose-particles")
        restorer = dock(viewer, RESTORE, 340)
        restorer.choose("katsuno-quarter")
        run_restore(viewer, restorer)
        viewer.window.remove_dock_widget(restorer)
        widget = dock(viewer, COMPARE, 400)
        wait(lambda: widget.view.numbers.table.rowCount() > 0)
        for name, fold in widget.view.folds.items():
            fold.header.setChecked(name == "Plots")
        widget.state.plot = "correlation"
        settle(4.0)
        shot(viewer, "plots")


def probe() -> None:
    """Show what a model makes of patterns it has never seen."""
    with opened("dark") as viewer:
        widget = dock(viewer, PROBE, 400)
        widget.state.models = ("naf-denoise", "median")
        widget.state.probes = widget.state.probes[:4]
        settle()
        widget.view.run.button.click()
        wait(lambda: not widget.probing.running)
        shot(viewer, "probe")


def provenance() -> None:
    """Show the record of a restored layer."""
    with opened("light") as viewer:
        viewer.window.remove_dock_widget(restored_stream(viewer))
        dock(viewer, ORIGIN, 360)
        shot(viewer, "provenance")


def live() -> None:
    """Show the simulated microscope, raw beside restored."""
    with opened("dark") as viewer:
        widget = dock(viewer, LIVE, 340)
        widget.view.start.click()
        wait(lambda: widget.layers.shown is not None and "restored" in widget.layers.shown.images)
        wait(lambda: widget.view.lamps.alignment.level != "off")
        settle(3.0)
        shot(viewer, "live")
        widget.view.start.click()
        wait(lambda: not widget.sessions.running)


def scanned(viewer: napari.Viewer) -> None:
    """Add the frames of a simulated scan in three strips, with vibration."""
    from napari_emrestore.cameras.scanning import ScanPath, simulate_scan
    from napari_emrestore.cameras.specimen import procedural_specimen
    from napari_emrestore.cameras.stage import StageMotion
    from napari_emrestore.core import Acquisition
    from napari_emrestore.widgets.layers import image_options

    rng, side = np.random.default_rng(0), 192
    scan = simulate_scan(
        procedural_specimen(1024, rng),
        ScanPath(3, 16, 16.0, 0.75 * side),
        frame_shape=(side, side),
        rng=rng,
        motion=StageMotion(0.4, 50, 0.5, 2.0, (0.5, 0.3)),
        start_px=(60, 60),
    )
    acquisition = Acquisition("scan", pixel_size_nm=(4.0, 4.0), frame_axis="time", frame_step=40.0)
    viewer.add_image(scan.frames, **image_options(acquisition, stack=True))


def overview() -> None:
    """Show a finished overview with its maps, and regions that were proposed on it."""
    with tempfile.TemporaryDirectory() as folder, opened("dark") as viewer:
        scanned(viewer)
        widget = dock(viewer, OVERVIEW, 340)
        widget.state.output, widget.state.model = str(Path(folder) / "overview.zarr"), "mean"
        widget.view.run.button.click()
        wait(lambda: not widget.jobs.running and len(viewer.layers) > 2)
        viewer.layers["scan"].visible = False
        viewer.reset_view()
        shot(viewer, "overview")
        viewer.window.remove_dock_widget(widget)
        viewer.layers.remove("scan")
        viewer.layers.selection.active = viewer.layers["overview"]
        regions = dock(viewer, REGIONS, 340)
        regions.state.search, regions.state.bright, regions.state.visible_only = "blobs", False, False
        regions.state.smallest, regions.state.largest = 90, 160
        wait(lambda: regions.state.regions is not None)
        regions.view.propose.run.button.click()
        wait(lambda: not regions.searching.jobs.running)
        shot(viewer, "regions")


def train() -> None:
    """Show a model that was adapted to the frames of a stream."""
    with opened("light") as viewer:
        viewer.open_sample(PLUGIN, "tem-stream")
        widget = dock(viewer, TRAIN, 400)
        widget.state.steps, widget.state.name = 60, "my-microscope"
        widget.view.run.button.click()
        wait(lambda: not widget.runs.running)
        shot(viewer, "train")


SCENES = {
    scene.__name__.replace("_", "-"): scene
    for scene in (open_sample, restore, compare, plots, probe, provenance, live, overview, train)
}


def main(names: list[str]) -> None:
    """Take the pictures that are named, or all."""
    from napari.settings import get_settings

    # a person's own napari and plugin settings shall neither be seen nor changed
    get_settings(None)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CONFIG_HOME"] = os.environ["XDG_DATA_HOME"] = folder
        for name in names or SCENES:
            SCENES[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
