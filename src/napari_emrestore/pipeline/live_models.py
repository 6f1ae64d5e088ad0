"""Loading a model beside a live view that goes on meanwhile."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from napari_emrestore.core import EmRestoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_emrestore.core import Restorer
    from napari_emrestore.pipeline.live_settings import LiveSettings


class ModelLoading(threading.Thread):
    """Loads one restorer; started at once, asked from time to time.

    Importing torch alone takes seconds, in which a microscopist must not lose sight of the specimen.

    Parameters
    ----------
    loader : callable
        Returns the restorer of `LiveSettings`.
    settings : LiveSettings
        Name the model.

    Attributes
    ----------
    restorer : Restorer, optional
        Once it is loaded.
    problem : str
        Why there is no restorer, or not yet; empty once there is one.
    failure : EmRestoreError, optional
        What kept it from being loaded.
    """

    def __init__(self, loader: Callable[[LiveSettings], Restorer], settings: LiveSettings) -> None:
        super().__init__(name=f"live loading {settings.model}", daemon=True)
        self._loader, self._settings = loader, settings
        self.restorer: Restorer | None = None
        self.failure: EmRestoreError | None = None
        self.problem = f"{settings.model} is being loaded"
        self.start()

    def run(self) -> None:
        """Load it."""
        self.problem = self._loaded()

    def _loaded(self) -> str:
        try:
            self.restorer = self._loader(self._settings)
        except EmRestoreError as error:
            self.failure = error
            return str(error)
        except Exception as error:
            self.problem = f"{self._settings.model} could not be loaded ({error})"
            raise  # a fault of ours: Python reports it as well
        return ""
