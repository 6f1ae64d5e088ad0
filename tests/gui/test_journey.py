"""From sample to report: what a newcomer does, with the real docks in a real viewer."""

import csv

import numpy as np
import pytest

from napari_emrestore.io import open_frames, read_provenance
from napari_emrestore.widgets.layers import provenance_of

PLUGIN = "napari-emrestore"
WAIT_MS = 120_000


@pytest.mark.slow
def test_from_sample_to_report(make_napari_viewer_proxy, qtbot, tmp_path):
    viewer = make_napari_viewer_proxy()

    # File > Open Sample > EM Restore, cut to a corner so that the model runs in seconds
    truth, particles = viewer.open_sample(PLUGIN, "low-dose-particles")
    for layer in (truth, particles):
        layer.data = layer.data[:128, :160]
    raw = particles.data.copy()

    # Layers > Filter > Restore images, Run
    _, restore = viewer.window.add_plugin_dock_widget(PLUGIN, "Restore images")
    restore.choose("katsuno-quarter", particles)
    restore.view.input.truth.pick(truth)
    qtbot.waitUntil(restore.view.run.button.isEnabled, timeout=WAIT_MS)
    with qtbot.waitSignal(restore.runs.ended, timeout=WAIT_MS):
        restore.view.run.button.click()
    restored = viewer.layers["low-dose-particles · katsuno-quarter"]
    np.testing.assert_array_equal(particles.data, raw)
    np.testing.assert_array_equal(restored.extent.world, particles.extent.world)
    assert provenance_of(restored).model["id"] == "katsuno-quarter"

    # Layers > Measure > Compare images: the restoration is nearer to the truth than its input
    _, compare = viewer.window.add_plugin_dock_widget(PLUGIN, "Compare images")
    qtbot.waitUntil(lambda: compare.view.numbers.table.rowCount() == 2, timeout=WAIT_MS)
    assert compare.state.truth.name == truth.name
    for kind, name in (("table", "numbers.csv"), ("report", "report.html")):
        with qtbot.waitSignal(compare.exports.ended, timeout=WAIT_MS):
            compare.write(kind, tmp_path / name)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "katsuno-quarter" in page
    assert provenance_of(restored).model["weights_sha256"] in page
    with (tmp_path / "numbers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert any("low-dose-particles · katsuno-quarter" in row for row in rows)

    # What made this layer? It can be made again, pixel for pixel
    viewer.layers.selection.active = restored
    _, origin = viewer.window.add_plugin_dock_widget(PLUGIN, "What made this layer?")
    qtbot.waitUntil(lambda: origin.state.layer == restored.name)
    with qtbot.waitSignal(origin.jobs.ended, timeout=WAIT_MS):
        origin.view.repeat.button.click()
    assert origin.view.repeat.label.text() == "Made again: every pixel is the same."

    # File > Save: the file says what made it
    saved = str(tmp_path / "restored.ome.tif")
    assert restored.save(saved, plugin=PLUGIN) == [saved]
    assert read_provenance(saved) == provenance_of(restored)
    with open_frames(saved) as stack:
        np.testing.assert_array_equal(stack.data[0], restored.data)
