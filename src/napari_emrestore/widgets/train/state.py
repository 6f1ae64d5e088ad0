"""What a person has set in the train dock, and why it cannot start; no Qt."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from psygnal import SignalGroupDescriptor

if TYPE_CHECKING:
    from collections.abc import Mapping

Task = Literal["adapt", "teach", "recipe"]
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
_NOT_KEPT = ("count", "clean_count", "fault", "taken", "stopped", "lacking")
_MOST_NAMED = 2


@dataclass
class TrainState:
    """The settings of the dock.

    Attributes
    ----------
    task : {"adapt", "teach", "recipe"}
        Without ground truth, with it, or from random weights by a recipe.
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
        The new model is called ``<model>-<name>`` or ``<recipe>-<name>``.
    steps, teach_steps, recipe_steps : int
        Training steps of each task.
    teaching : {"pairs", "clean"}
        Where ground truth comes from.
    frames_folder, clean_folder : str
        Folders that take the place of the layers with ground truth; empty for the layers.
    recipe, data_folder : str
        Which recipe, and where its images are.
    count, clean_count : int
        Frames of the chosen layers; 0 without one.
    taken, stopped : tuple of str
        Ids of the models there are, and of those whose making was stopped.
    lacking : tuple of str
        What of the recipe's images is not in the folder.
    fault : str
        Why a layer cannot be used; empty if it can.
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
    recipe_steps: int = 0
    teaching: Teaching = "pairs"
    frames_folder: str = ""
    clean_folder: str = ""
    recipe: str = ""
    data_folder: str = ""
    count: int = 0
    clean_count: int = 0
    taken: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    fault: str = ""

    @property
    def base(self) -> str:
        """What the new model is made from."""
        return self.recipe if self.task == "recipe" else self.model

    @property
    def new_id(self) -> str:
        """Id of the model to be made."""
        return f"{self.base}-{self.name}"

    @property
    def uses_folders(self) -> bool:
        """Whether frames come from a folder: with pairs, where one is given."""
        return self.task == "teach" and self.teaching == "pairs" and bool(self.frames_folder)

    @property
    def goes_on(self) -> bool:
        """Whether a run of this name was stopped and will be taken up."""
        return self.new_id in self.stopped

    def free_name(self) -> str:
        """Return the name, or the next one that no model has."""
        if self.new_id not in self.taken:
            return self.name
        stem = re.sub(r"-\d+$", "", self.name)
        names = (f"{stem}-{number}" for number in count(2))
        return next(name for name in names if f"{self.base}-{name}" not in self.taken)

    def obstacle(self) -> str:
        """Return why it cannot start, in one sentence with the remedy; empty if it can."""
        of_images = self._recipe_obstacle() if self.task == "recipe" else self._image_obstacle()
        return of_images or self._name_obstacle()

    def to_record(self) -> dict[str, Any]:
        """Return what is kept beyond closing, as plain JSON."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name not in _NOT_KEPT}

    def restore_record(self, record: Mapping[str, Any]) -> None:
        """Take back what `to_record` gave; what has another type or is unknown is left out."""
        for one in fields(self):
            value = record.get(one.name)
            if one.name not in _NOT_KEPT and type(value) is type(getattr(self, one.name)):
                setattr(self, one.name, value)

    def _image_obstacle(self) -> str:
        clean = self.clean_folder if self.task == "teach" else ""
        for folder in (self.frames_folder if self.uses_folders else "", clean):
            if folder and not Path(folder).is_dir():
                return f"There is no folder {folder}. Choose another, or empty the line."
        if self.task == "teach" and self.teaching == "pairs" and bool(clean) != self.uses_folders:
            return "Pairs come from two layers or from two folders: give the other folder too, or none."
        if not self.uses_folders and (self.fault or self.count == 0):
            return self.fault or "Open your frames first, or pick them above."
        if self.task == "teach" and not clean and self.clean_count == 0:
            return "Pick a clean image, or a folder of them: what is learnt from."
        return ""

    def _recipe_obstacle(self) -> str:
        if not self.data_folder:
            return "Choose the folder with the images of the recipe."
        if not Path(self.data_folder).is_dir():
            return f"There is no folder {self.data_folder}. Choose another."
        if self.lacking:
            named = ", ".join(self.lacking[:_MOST_NAMED])
            more = f" and {len(self.lacking) - _MOST_NAMED} more" if len(self.lacking) > _MOST_NAMED else ""
            return f"The recipe learns from {named}{more}, which this folder lacks. Choose another."
        return ""

    def _name_obstacle(self) -> str:
        if not self.name:
            return "Give the new model a name, for example that of your microscope."
        if re.fullmatch(r"[a-z0-9][a-z0-9._-]*", self.name) is None:
            return "A name has lower-case letters, digits, '.', '_' or '-'."
        if self.new_id in self.taken:
            return f"{self.new_id} exists already. Choose another name, for example {self.free_name()}."
        return ""
