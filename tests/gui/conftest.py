"""Docks under test keep their settings in the test's own folder."""

import pytest


@pytest.fixture(autouse=True)
def own_config_folder(tmp_path, monkeypatch):
    """Return the folder that stands for the user's configuration."""
    folder = tmp_path / "config"
    monkeypatch.setattr("napari_emrestore.widgets.preferences.config_folder", lambda: folder)
    return folder
