"""How it goes: alarms, alignment, dropped frames, stage, and where every frame went."""

from __future__ import annotations

from math import hypot, isfinite, isnan
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from napari_emrestore.widgets.forms import column
from napari_emrestore.widgets.live.lamps import Lamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_emrestore.pipeline.live_alarms import Alarm
    from napari_emrestore.pipeline.live_counters import LiveCounters
    from napari_emrestore.pipeline.live_views import LiveView
    from napari_emrestore.widgets.live.lamps import Level

_GOOD_SCORE = 0.7
_ROWS = {
    "acquired": "acquired",
    "lost": "lost by source",
    "dropped": "dropped",
    "made": "views made",
    "restored": "restored",
    "shown": "views shown",
    "lost_view": "begun anew",
    "latency": "latency 50 / 95 %",
    "restored_latency": "restored 50 / 95 %",
    "drift": "drift a frame",
    "stage": "stage y, x",
}
_TIPS = {
    "acquired": "Frames that came from the camera, and how many per second lately.",
    "lost": "The camera numbered them and did not deliver them.",
    "dropped": "In no restoration, since it was busy with older ones. A recording has them all the same.",
    "made": "Views of the newest frames, and how many per second lately.",
    "restored": "Restorations, and how many per second lately.",
    "shown": "Views that reached the screen; of the others a newer one was ready first.",
    "drift": "How far the specimen moves in the image from frame to frame.",
    "lost_view": "How often a frame was like nothing before it.",
    "latency": "From the end of the exposure to the screen, over the last 512 views.",
    "restored_latency": "The same of the newest frame in each restoration.",
}


class Lamps(QWidget):
    """What has to be seen at a glance."""

    def __init__(self) -> None:
        super().__init__()
        self.camera, self.alignment, self.dropped = Lamp("No camera is open."), Lamp(), Lamp()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(2, 2, 2, 2)
        layout.setSpacing(3)
        for lamp in (self.camera, self.alignment, self.dropped):
            layout.addWidget(lamp)
        self.dropped.setToolTip("Dropped frames are in no restoration, but in a recording all the same.")
        self.camera.setToolTip("Whether frames come, and what is alarming about them.")
        self.alignment.setToolTip(
            "How alike the newest frame and those before it are once they are aligned (1: the same), and "
            "how far the specimen moves in the image from frame to frame."
        )
        self.show_idle("off", "No camera is open.")

    def show_idle(self, level: Level, text: str) -> None:
        """Show that nothing runs, and why."""
        self.camera.show_state(level, text)
        self.alignment.hide()
        self.dropped.hide()

    def show_camera(self, alarms: Sequence[Alarm], name: str, fps: float) -> None:
        """Show what is alarming about the frames, or that they come."""
        if alarms:
            worst: Level = "bad" if any(alarm.kind == "frozen" for alarm in alarms) else "warn"
            self.camera.show_state(worst, " ".join(alarm.text for alarm in alarms))
        else:
            self.camera.show_state("good", f"{name}: {fps:.3g} frames/s")

    def show_alignment(self, view: LiveView, *, asked: bool) -> None:
        """Show how well the newest frame fits those before it, and how fast the specimen drifts.

        Parameters
        ----------
        view : LiveView
            What is seen.
        asked : bool
            Whether frames are to be aligned from the next view on.
        """
        self.alignment.show()
        score = view.score
        if isnan(score):
            prepared = view.settings.kind is not None
            waiting = "There is no frame to align with." if prepared else "The alignment is being prepared."
            self.alignment.show_state("off", waiting if asked else "Frames are taken as aligned.")
            return
        level: Level = "good" if score >= _GOOD_SCORE else "warn"
        # one line of a narrow dock, so that nothing moves when a digit comes or goes
        self.alignment.show_state(
            level, f"Alignment {score:.2f}, drift {hypot(*view.step_px):.1f} px a frame"
        )

    def show_dropped(self, lost: int, dropped: int, seconds: float) -> None:
        """Show what was lost and dropped in the last seconds."""
        self.dropped.show()
        if lost:
            text = f"The camera lost {lost} frames in {seconds:.0f} s."
            self.dropped.show_state("bad", text)
        elif dropped:
            text = f"{dropped} dropped in {seconds:.0f} s: restoring is slower."
            self.dropped.show_state("warn", text)
        else:
            self.dropped.show_state("good", "No frame dropped lately.")


class NumbersBox(QWidget):
    """Where every frame went since the camera was started."""

    def __init__(self) -> None:
        super().__init__()
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(0, 1)
        self.cells: dict[str, QLabel] = {}
        for row, (key, title) in enumerate(
            {**_ROWS, "drift": "drift a frame", "stage": "stage y, x"}.items()
        ):
            label, cell = QLabel(title), QLabel("–")
            label.setToolTip(_TIPS.get(key, "As the camera tells it with the newest frame."))
            cell.setToolTip(label.toolTip())
            grid.addWidget(label, row, 0)
            grid.addWidget(cell, row, 1)
            self.cells[key] = cell
        self.incidents = QLabel()
        self.incidents.setWordWrap(True)
        layout = column(self)
        layout.addLayout(grid)
        layout.addWidget(self.incidents)
        self.incidents.hide()

    def show_counters(self, counters: LiveCounters, incidents: Mapping[str, int]) -> None:
        """Show counts and rates."""
        texts = {
            "acquired": f"{counters.acquired}  ({counters.acquired_fps:.1f}/s)",
            "lost": f"{counters.lost_by_source}",
            "dropped": f"{counters.dropped_by_ring + counters.passed_over}",
            "made": f"{counters.made}  ({counters.made_fps:.1f}/s)",
            "restored": f"{counters.restored}  ({counters.restored_fps:.1f}/s)",
            "shown": f"{counters.shown}  ({counters.shown_fps:.1f}/s)",
            "lost_view": f"{counters.view_lost}",
            "latency": _latency(counters.latency_ms_p50, counters.latency_ms_p95),
            "restored_latency": _latency(counters.restored_latency_ms_p50, counters.restored_latency_ms_p95),
        }
        for key, text in texts.items():
            self._write(key, text)
        told = "\n".join(f"{count} × {what}" for what, count in incidents.items())
        self.incidents.setVisible(bool(told))
        self.incidents.setText(told)

    def clear(self) -> None:
        """Show no numbers: those of the camera before are no longer true."""
        for key in self.cells:
            self._write(key, "–")
        self.incidents.hide()

    def show_place(self, view: LiveView) -> None:
        """Show how the specimen drifts, and where the stage was; unknown where the camera does not say."""
        stage_um = view.raw.acquisition.extra.get("stage_um")
        self._write("drift", "–" if isnan(view.score) else drift_text(view))
        self._write("stage", "unknown" if not stage_um else f"{stage_um[0]:.3f}, {stage_um[1]:.3f} µm")

    def _write(self, key: str, text: str) -> None:
        if self.cells[key].text() != text:
            self.cells[key].setText(text)


def drift_text(view: LiveView) -> str:
    """Return how far the specimen moves from frame to frame, in px and, where it is known, in nm."""
    dy, dx = view.step_px
    size = view.raw.acquisition.pixel_size_nm
    text = f"{hypot(dy, dx):.1f} px"
    if size is None:
        return text
    nm = hypot(dy * size[0], dx * size[1])
    return f"{text}, {nm:.3g} nm" if nm < 999.5 else f"{text}, {nm / 1000:.3g} µm"


def _latency(p50: float, p95: float) -> str:
    return f"{p50:.0f} / {p95:.0f} ms" if isfinite(p50) else "–"
