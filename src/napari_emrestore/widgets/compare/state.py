"""What the compare dock is set to; knows no Qt and computes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from psygnal import SignalGroupDescriptor

from napari_emrestore.pipeline.comparison.candidates import MOST_CANDIDATES, WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.pipeline.comparison.maps import MapKind

ViewMode = Literal["layers", "grid", "blink", "swipe"]
PlotKind = Literal["none", "profile", "histogram", "power", "correlation"]
FEWEST_MODELS = 2
FOUND_IN_TRUTH = "found in truth"
# what a closed dock remembers; layers come and go and are picked anew
KEPT = (
    "matched",
    "same_contrast",
    "stretch_percent",
    "plot",
    "line_width_px",
    "membrane_px",
    "models",
    "box_px",
    "frames",
    "blind",
)


@dataclass
class CompareState:
    """All choices of the dock; every change is told by ``events``.

    Attributes
    ----------
    automatic : bool
        Whether candidates, truth and raw layer follow the layer list.
    candidates : tuple of Layer
        Image layers under test.
    truth, raw, regions, line : Layer, optional
        Ground truth; unrestored layer; Shapes or Labels with regions; Shapes with a line.
    matched : bool
        Whether the table shows the grey-scale matched twins of the numbers.
    region : str
        Whose numbers the table shows.
    view : {"layers", "grid", "blink", "swipe"}
        How the candidates are looked at; ``"layers"`` leaves napari as it is.
    same_contrast : bool
        Whether all get the contrast limits of the truth (or the reference) while they are looked at.
    divider : float
        Place of the swipe divider, 0 (left edge of the common field) to 1.
    swiped : tuple of Layer
        Left and right layer of the swipe; empty for the first candidate and the last.
    maps : frozenset of {"difference", "error", "similarity"}
        Difference maps that are shown.
    mapped : Layer, optional
        Candidate that they are of.
    stretch_percent : float
        Share of the pixels within the contrast limits of a map.
    plot : {"none", "profile", "histogram", "power", "correlation"}
        What is plotted.
    line_width_px : int
        Width that a line profile is averaged over.
    true_regions : Labels or "found in truth", optional
        Regions that segmentations should find: those of a layer, or what is found in the ground truth.
    given_labels : tuple of Labels
        Labels made elsewhere that are measured as well.
    membrane_px : float
        Width of a membrane for the fixed segmentation.
    baked : Layer, optional
        Input of the bake-off.
    models : tuple of str
        Models that take part in it.
    box_px, frames : int
        Side of its box, and frames of a burst.
    blind : bool
        Whether it hides the names.
    """

    # layers have events of their own, which are no changes of this state
    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor(connect_child_events=False)

    automatic: bool = True
    candidates: tuple[Any, ...] = ()
    truth: Any = None
    raw: Any = None
    regions: Any = None
    line: Any = None
    matched: bool = False
    region: str = WHOLE
    view: ViewMode = "layers"
    same_contrast: bool = True
    divider: float = 0.5
    swiped: tuple[Any, ...] = ()
    maps: frozenset[MapKind] = frozenset()
    mapped: Any = None
    stretch_percent: float = 99.5
    plot: PlotKind = "none"
    line_width_px: int = 1
    true_regions: Any = None
    given_labels: tuple[Any, ...] = ()
    membrane_px: float = 4.0
    baked: Any = None
    models: tuple[str, ...] = ()
    box_px: int = 256
    frames: int = 5
    blind: bool = False

    @property
    def reference(self) -> Any:
        """The candidate that others are compared with where there is no truth."""
        if self.raw in self.candidates:
            return self.raw
        return self.candidates[0] if self.candidates else None

    @property
    def against(self) -> Any:
        """What candidates are compared with: the truth, or else the reference."""
        return self.truth if self.truth is not None else self.reference

    @property
    def swipe_pair(self) -> tuple[Any, ...]:
        """Left and right layer of the swipe, or nothing if there are not two."""
        if len(self.swiped) == 2:
            return self.swiped
        shown = [*self.candidates, *([self.truth] if self.truth is not None else [])]
        return (shown[0], shown[-1]) if len(shown) > 1 else ()

    def why_not_measure(self) -> str:
        """Return why nothing can be compared, or an empty text."""
        if not self.candidates:
            return "Tick the image layers to compare."
        if len(self.candidates) > MOST_CANDIDATES:
            return f"At most {MOST_CANDIDATES} layers are compared at once; untick some."
        if self.truth is None and len(self.candidates) < 2:
            return "Tick a second layer, or choose a ground truth."
        return ""

    def why_not_segment(self) -> str:
        """Return why no segmentation can be measured, or an empty text."""
        if reason := self.why_not_measure():
            return reason
        if self.true_regions is None:
            return "Choose the true regions."
        if self.true_regions == FOUND_IN_TRUTH and self.truth is None:
            return "Choose a ground truth, or a Labels layer with true regions."
        return ""

    def why_not_bake(self) -> str:
        """Return why the bake-off cannot run, or an empty text."""
        if self.baked is None:
            return "Choose the layer to restore."
        if not FEWEST_MODELS <= len(self.models) <= MOST_CANDIDATES:
            return f"Tick {FEWEST_MODELS} to {MOST_CANDIDATES} models; {len(self.models)} are ticked."
        return ""

    def to_record(self) -> dict[str, Any]:
        """Return what is worth remembering, as plain JSON values."""
        record = {name: getattr(self, name) for name in KEPT}
        return {**record, "models": list(self.models)}

    def restore(self, record: Mapping[str, Any]) -> None:
        """Take over what `to_record` returned; values of another kind are left out."""
        for name in KEPT:
            value = record.get(name)
            if name == "models" and isinstance(value, list):
                self.models = tuple(str(model) for model in value)
            elif type(value) is type(getattr(self, name)) and _allowed(name, value):
                setattr(self, name, value)


def _allowed(name: str, value: Any) -> bool:
    limits = {
        "stretch_percent": (50.0, 100.0),
        "line_width_px": (1, 199),
        "membrane_px": (0.5, 99.0),
        "box_px": (32, 2048),
        "frames": (1, 32),
    }
    if name == "plot":
        return value in get_args(PlotKind)
    low, high = limits.get(name, (value, value))
    return bool(low <= value <= high)
