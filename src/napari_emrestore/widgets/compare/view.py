"""The compare dock as a person sees it: foldable parts that scroll."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_emrestore.widgets.compare.bake_box import BakeBox
from napari_emrestore.widgets.compare.exporting import ExportBox
from napari_emrestore.widgets.compare.images_box import ImagesBox
from napari_emrestore.widgets.compare.maps_box import MapsBox
from napari_emrestore.widgets.compare.numbers_box import NumbersBox
from napari_emrestore.widgets.compare.plots_box import PlotsBox
from napari_emrestore.widgets.compare.segment_box import SegmentBox
from napari_emrestore.widgets.compare.views_box import ViewsBox
from napari_emrestore.widgets.fold import Fold
from napari_emrestore.widgets.forms import scrolled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.widgets.jobs import Jobs


class CompareView(QWidget):
    """All parts of the dock.

    Parameters
    ----------
    bakes, exports, segments : Jobs
        Whose progress is shown.
    models : mapping of str to str
        Models for the bake-off and what they are for.
    """

    def __init__(self, bakes: Jobs, exports: Jobs, segments: Jobs, models: Mapping[str, str]) -> None:
        super().__init__()
        self.images, self.numbers, self.views = ImagesBox(), NumbersBox(), ViewsBox()
        self.maps, self.plots, self.segments = MapsBox(), PlotsBox(), SegmentBox(segments)
        self.bake, self.exports = BakeBox(bakes, models), ExportBox(exports)
        self.folds = {
            "Images": Fold("Images", self.images, is_open=True),
            "Numbers": Fold("Numbers", self.numbers, is_open=True),
            "Views": Fold("Views", self.views, is_open=True),
            "Difference maps": Fold("Difference maps", self.maps, is_open=False),
            "Plots": Fold("Plots", self.plots, is_open=False),
            "Segmentation": Fold("Segmentation", self.segments, is_open=False),
            "Bake-off": Fold("Model bake-off", self.bake, is_open=False),
            "Export": Fold("Export", self.exports, is_open=False),
        }
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 4)
        layout.addWidget(scrolled(self.folds.values()))
