"""Where model cards and weights stand: in the package and in the user's models folder."""

from __future__ import annotations

from pathlib import Path


def bundled_cards_folder() -> Path:
    """Return the folder with the cards of the package."""
    return Path(__file__).parent / "cards"


def models_folder() -> Path:
    """Return the user's models folder; it need not exist."""
    from platformdirs import user_data_path

    return user_data_path("napari-emrestore", appauthor=False) / "models"


def downloads_folder() -> Path:
    """Return the folder for weights that cards name by URL; it need not exist."""
    return models_folder() / "downloads"
