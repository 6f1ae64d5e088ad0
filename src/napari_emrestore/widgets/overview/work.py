"""What the overview dock does off the main thread; no Qt, no layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_emrestore.io import FrameStack, open_frames

if TYPE_CHECKING:
    from napari_emrestore.overview import Mosaic, MosaicSettings
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

    def run(self, monitor: JobMonitor) -> Mosaic:
        """Make it; the mosaic is shown to the main thread once its file is there."""
        from napari_emrestore.overview import assemble
        from napari_emrestore.pipeline.scans import stage_positions
        from napari_emrestore.restoration import load_restorer

        restorer = None
        if self.model:
            restorer = load_restorer(self.model, device=self.device, precision=self.precision)
        with self._open() as frames:
            path = frames.acquisition.path
            return assemble(
                frames,
                self.output,
                restorer=restorer,
                settings=self.settings,
                stage_um=stage_positions(path, len(frames)) if path else None,
                grown=monitor.show,
                monitor=monitor,
            )

    def _open(self) -> FrameStack:
        if isinstance(self.source, str):
            return open_frames(self.source)
        return FrameStack.from_array(self.source.data, self.source.acquisition)


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
