"""What a person has set in the train dock, and why it cannot start; no Qt."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from psygnal import SignalGroupDescriptor

if TYPE_CHECKING:
    from collections.abc import Mapping

Task = Literal["adapt", "teach"]
Teaching = Literal["pairs", "clean"]
METHODS = {
    "auto": "automatic",
    "frames": "frames predict frames",
    "pixels": "hidden pixels",
    "statistics": "fresh statistics only",
}
MEANINGS = {"time": "a time series", "aligned": "an aligned burst", "single": "single images"}
TEACHINGS = {"pairs": "the same place", "clean": "such a sample"}
MEASURED = ""
_NOT_KEPT = ("count", "clean_count", "fault", "taken")


@dataclass
class TrainState:
    """The settings of the dock.

    Attributes
    ----------
    task : {"adapt", "teach"}
        Without or with ground truth.
    meaning : {"time", "aligned", "single"}
        What the frames are to each other.
    burst : int
        Frames that show one scene.
    model : str
        Id of the model to start from.
    method : str
        Of `METHODS`.
    noise : str
        Name of a camera's calibration; empty to measure it.
    name : str
        The new model is called ``<model>-<name>``.
    steps, teach_steps : int
        Training steps without and with ground truth.
    teaching : {"pairs", "clean"}
        Where ground truth comes from.
    count, clean_count : int
        Frames of the chosen layers; 0 without one.
    taken : tuple of str
        Ids of the models there are.
    fault : str
        Why the layer cannot be used; empty if it can.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    task: Task = "adapt"
    meaning: str = "time"
    burst: int = 8
    model: str = "burst-naf"
    method: str = "auto"
    noise: str = MEASURED
    name: str = ""
    steps: int = 400
    teach_steps: int = 1000
    teaching: Teaching = "pairs"
    count: int = 0
    clean_count: int = 0
    taken: tuple[str, ...] = ()
    fault: str = ""

    @property
    def new_id(self) -> str:
        """Id of the model to be made."""
        return f"{self.model}-{self.name}"

    def obstacle(self) -> str:
        """Return why it cannot start, in one sentence with the remedy; empty if it can."""
        if self.fault or self.count == 0:
            return self.fault or "Open your frames first, or pick them above."
        if self.task == "teach" and self.clean_count == 0:
            return "Pick a clean image: what is learnt from."
        if not self.name:
            return "Give the new model a name, for example that of your microscope."
        if re.fullmatch(r"[a-z0-9][a-z0-9._-]*", self.name) is None:
            return "A name has lower-case letters, digits, '.', '_' or '-'."
        if self.new_id in self.taken:
            return f"{self.new_id} exists already. Choose another name, or remove that one."
        return ""

    def to_record(self) -> dict[str, Any]:
        """Return what is kept beyond closing, as plain JSON."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in _NOT_KEPT}

    def restore_record(self, record: Mapping[str, Any]) -> None:
        """Take back what `to_record` gave; what has another type or is unknown is left out."""
        for one in fields(self):
            value = record.get(one.name)
            if one.name not in _NOT_KEPT and type(value) is type(getattr(self, one.name)):
                setattr(self, one.name, value)
