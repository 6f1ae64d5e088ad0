"""What the overview dock does off the main thread; no Qt, no layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_emrestore.io import FrameStack, open_frames

if TYPE_CHECKING:
    from napari_emrestore.overview import Mosaic, MosaicSettings
    from napari_emrestore.overview.sketching import Sketch
    from napari_emrestore.overview.tracking import Track
    from napari_emrestore.widgets.jobs import JobMonitor
    from napari_emrestore.widgets.layers import LayerFrames


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """A mosaic to be made.

    Attributes
    ----------
    source : LayerFrames or str
        Frames of a layer, or the path of a recording.
    output : str
        The mosaic.
    model : str
        What each place is restored with; empty for raw only.
    settings : MosaicSettings
        How it is made.
    device, precision : str
        Where and how precisely a network runs.
    """

    source: LayerFrames | str
    output: str
    model: str
    settings: MosaicSettings
    device: str = "auto"
    precision: str = "auto"

    def run(self, monitor: JobMonitor) -> tuple[Mosaic, str]:
        """Make it; what grows is shown to the main thread: a sketch of a running scan, then the mosaic.

        Returned is the mosaic, and what is to be said about it in a few sentences.
        """
        from napari_emrestore.overview import assemble
        from napari_emrestore.pipeline.scans import followed_part, stage_positions, told_if_open
        from napari_emrestore.restoration import load_restorer

        restorer = None
        if self.model:
            restorer = load_restorer(self.model, device=self.device, precision=self.precision)
        track = self._follow(monitor)
        with self._open() as stack:
            frames = stack if track is None else followed_part(stack, track)
            path = frames.acquisition.path
            made = assemble(
                frames,
                self.output,
                restorer=restorer,
                settings=self.settings,
                track=track,
                stage_um=stage_positions(path, len(frames)) if path else None,
                grown=monitor.show,
                monitor=monitor,
            )
        unclosed = "" if track is None else told_if_open(str(self.source), track)
        return made, f"{summary(made)} {unclosed}".strip()

    def _follow(self, monitor: JobMonitor) -> Track | None:
        """Return the track of a recording that was still being written, once it has ended."""
        from napari_emrestore.pipeline.scans import follow_recording, is_being_recorded

        if not isinstance(self.source, str) or not is_being_recorded(self.source):
            return None
        return follow_recording(self.source, dark=self.settings.dark, grown=monitor.show, monitor=monitor)

    def _open(self) -> FrameStack:
        if isinstance(self.source, str):
            return open_frames(self.source)
        return FrameStack.from_array(self.source.data, self.source.acquisition)


REPLACED = (
    "The scan has ended. All its frames were placed anew, loops closed; this took the place of the "
    "provisional overview."
)


def sketch_summary(sketch: Sketch) -> str:
    """Return what is to be said about a scan that is still running."""
    said = (
        f"{sketch.frames} frames so far. Provisional: each is placed by the one before it, not evened out; "
        "loops are closed when the scan ends."
    )
    if sketch.hidden:
        said += f" {sketch.hidden} frames are not shown: nothing tells yet where their strip lies."
    return said


def summary(made: Mosaic) -> str:
    """Return what is to be said about a finished mosaic, in a few sentences."""
    layout = made.layout
    kept = len(layout.pairs) - len(layout.rejected)
    said = [
        f"{int(layout.placed.sum())} of {len(layout)} frames on {layout.shape[0]} × {layout.shape[1]} px."
    ]
    if kept:
        said.append(f"{kept} pairs agree to {layout.rms_residual_px:.2f} px (rms).")
    if layout.rejected:
        said.append(f"{len(layout.rejected)} pairs contradict them and were left out.")
    said += [f"{text[0].upper()}{text[1:]}." for text in layout.notes]
    return " ".join(said)
