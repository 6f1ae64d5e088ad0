"""Which patterns, which models, how degraded: what is set before probing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QWidget

from napari_emrestore.probes import draw_probe, list_probes
from napari_emrestore.widgets.forms import column, decimal, form, note, number, set_quietly
from napari_emrestore.widgets.layer_menu import LayerMenu
from napari_emrestore.widgets.probe.tick_list import TickList

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari.viewer import Viewer

    from napari_emrestore.widgets.probe.state import ProbeState

_THUMBNAIL_PX = 64
_ALL_ROWS, _MODEL_ROWS = 9, 6
_LARGEST_PX, _MOST_FRAMES = 2048, 32


class PatternsBox(QWidget):
    """Patterns and models to tick.

    Signals
    -------
    changed : dict
        Fields of the state and their new values.
    """

    changed = Signal(object)

    def __init__(self, models: Mapping[str, str]) -> None:
        super().__init__()
        self.probes, self.models = TickList(_ALL_ROWS), TickList(_MODEL_ROWS)
        for name in list_probes():
            probe = draw_probe(name, _THUMBNAIL_PX)
            self.probes.add(name, probe.title, f"Stands for {probe.stands_for}.", probe.pattern)
        self.fill_models(models)
        layout = column(self)
        for widget in (note("Patterns"), self.probes, note("Models"), self.models):
            layout.addWidget(widget)
        self.probes.changed.connect(lambda names: self.changed.emit({"probes": names}))
        self.models.changed.connect(lambda names: self.changed.emit({"models": names}))

    def fill_models(self, models: Mapping[str, str]) -> None:
        """Offer these models and no others."""
        self.models.empty()
        for name, summary in models.items():
            self.models.add(name, name, summary)

    def show_state(self, state: ProbeState) -> None:
        """Show what is ticked."""
        self.probes.show_ticks(state.probes)
        self.models.show_ticks(state.models)


class DegradationBox(QWidget):
    """Motion and noise, set by hand or measured on a layer.

    Signals
    -------
    changed : dict
        Fields of the state and their new values.
    measure : napari.layers.Image
        The person wants the noise of this layer.
    forget : None
        The person wants published noise.
    """

    changed = Signal(object)
    measure = Signal(object)
    forget = Signal()

    def __init__(self, viewer: Viewer) -> None:
        super().__init__()
        self.layer = LayerMenu(viewer)
        self.match = QPushButton("Measure noise of")
        self.match.setToolTip("Takes over the kind and strength of the layer's noise and its grey levels")
        self.reset = QPushButton("Published noise")
        self.facts = note()
        self.noise = decimal(0.0, 10.0, digits=4, step=0.01)
        self.noise.setToolTip(
            "Standard deviation in one frame at mid-grey, as a share of the pattern's range"
        )
        self.motion = decimal(0.0, 64.0, digits=1, suffix=" px")
        self.motion.setToolTip("How far the stage travels in one exposure, vertically; not measured")
        self.frames, self.side = number(1, _MOST_FRAMES), number(32, _LARGEST_PX, suffix=" px", step=64)
        self.frames.setToolTip("A model that takes fewer frames gets fewer, and the result says so")
        self.same_path = QCheckBox("All frames move alike (control)")
        self._arrange()
        self._connect()

    def show_state(self, state: ProbeState) -> None:
        """Show motion, noise and where the noise was measured."""
        for box, value in ((self.noise, state.noise), (self.motion, state.motion_px)):
            set_quietly(box, value)
        for whole, count in ((self.frames, state.frames), (self.side, state.size_px)):
            set_quietly(whole, count)
        set_quietly(self.same_path, state.same_path)
        self.reset.setVisible(state.measured is not None)
        self.facts.setText(_facts(state))

    def _arrange(self) -> None:
        layout = column(self)
        source = QHBoxLayout()
        source.addWidget(self.match)
        source.addWidget(self.layer, 1)
        rows = form()
        for text, box in (
            ("Noise", self.noise),
            ("Motion", self.motion),
            ("Frames", self.frames),
            ("Pattern side", self.side),
        ):
            rows.addRow(text, box)
        layout.addLayout(rows)
        layout.addWidget(self.same_path)
        layout.addLayout(source)
        layout.addWidget(self.facts)
        layout.addWidget(self.reset)

    def _connect(self) -> None:
        fields = {
            "noise": self.noise.valueChanged,
            "motion_px": self.motion.valueChanged,
            "frames": self.frames.valueChanged,
            "size_px": self.side.valueChanged,
            "same_path": self.same_path.toggled,
        }
        for name, signal in fields.items():
            signal.connect(lambda value, name=name: self.changed.emit({name: value}))
        self.match.clicked.connect(lambda: self.layer.layer and self.measure.emit(self.layer.layer))
        self.layer.picked.connect(lambda layer: self.match.setEnabled(layer is not None))
        self.match.setEnabled(self.layer.layer is not None)
        self.reset.clicked.connect(self.forget)


def _facts(state: ProbeState) -> str:
    """Return in words where the noise comes from."""
    if state.measured is None:
        return "Normal noise of the same strength everywhere, as published."
    noise, (low, high) = state.measured.noise, state.measured.levels
    kind = f"counted, gain {noise.gain:.3g}, read noise {noise.read_noise:.3g}" if noise.gain else "normal"
    strength = f"{state.measured.relative_noise():.3g}"
    return (
        f"Measured on {state.measured_on}: noise {strength} of the range, {kind}; patterns from {low:.4g} to "
        f"{high:.4g}."
    )
