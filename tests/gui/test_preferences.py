"""Preferences and the state of docks: kept, found again, and damage is told instead of hidden."""

import json
from dataclasses import asdict
from types import SimpleNamespace

import pytest

from napari_emrestore.widgets.preferences import (
    Preferences,
    load_state,
    read_preferences,
    save_state,
)

STATE = {
    "model": "burst-naf",
    "frames": 5,
    "regions": [1.5, None],
    "view": {"blink": True, "name": "µ"},
}


def test_a_dock_finds_its_state_again():
    save_state("restore", STATE)
    save_state("compare", {"view": "grid"})
    assert load_state("restore") == STATE
    assert load_state("compare") == {"view": "grid"}


def test_a_dock_that_was_never_open_has_no_state():
    assert load_state("probe") == {}


def test_the_newer_state_replaces_the_older_whole(own_config_folder):
    save_state("restore", STATE)
    save_state("restore", {"model": "mean"})
    assert load_state("restore") == {"model": "mean"}
    assert [path.name for path in (own_config_folder / "docks").iterdir()] == ["restore.json"]


@pytest.mark.parametrize("damage", ['{"model": ', "[1, 2]", "\udcff"], ids=["cut off", "a list", "no text"])
def test_a_damaged_state_is_named_and_left_out(own_config_folder, damage):
    path = own_config_folder / "docks" / "restore.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(damage.encode("utf-8", "surrogateescape"))
    with pytest.warns(UserWarning, match=r"restore\.json"):
        assert load_state("restore") == {}


def test_a_folder_that_takes_no_file_is_told(own_config_folder):
    own_config_folder.parent.mkdir(exist_ok=True)
    own_config_folder.write_text("a file where the folder should be")
    with pytest.warns(UserWarning, match="restore dock could not be kept"):
        save_state("restore", STATE)


def test_preferences_come_from_a_file_where_napari_has_no_page(own_config_folder, monkeypatch):
    monkeypatch.delattr("napari.settings.get_plugin_settings", raising=False)
    assert read_preferences() == Preferences()
    own_config_folder.mkdir()
    record = {**asdict(Preferences()), "device": "cpu", "tile_px": 256}
    (own_config_folder / "preferences.json").write_text(json.dumps(record))
    assert read_preferences() == Preferences(device="cpu", tile_px=256)


def test_a_preference_of_the_wrong_kind_is_named_and_left_out(own_config_folder, monkeypatch):
    monkeypatch.delattr("napari.settings.get_plugin_settings", raising=False)
    own_config_folder.mkdir()
    (own_config_folder / "preferences.json").write_text('{"tile_px": "big", "device": "cpu", "colour": 1}')
    with pytest.warns(UserWarning, match=r"tile_px, colour; known are device"):
        assert read_preferences() == Preferences(device="cpu")


def test_preferences_come_from_naparis_own_page(tmp_path, monkeypatch):
    settings = pytest.importorskip("napari.settings", reason="napari 0.9 has pages for plugins")
    if not hasattr(settings, "get_plugin_settings"):
        pytest.skip("this napari has no pages for plugins")
    from npe2 import PluginManager

    PluginManager.instance().discover()
    monkeypatch.setattr(settings, "_PLUGIN_SETTINGS", {})
    monkeypatch.setattr(settings, "_CFG_PATH", str(tmp_path / "settings.yaml"))
    stored = SimpleNamespace(config_path=tmp_path / "settings.yaml")
    monkeypatch.setattr(settings, "get_settings", lambda: stored)
    page = settings.get_plugin_settings("napari-emrestore")
    assert read_preferences() == Preferences()
    page.computing.device = "cpu"
    page.results.pyramid_px = 2048
    assert read_preferences() == Preferences(device="cpu", pyramid_px=2048)
    assert "2048" in (tmp_path / "napari-emrestore.yaml").read_text()
    with pytest.raises(ValueError, match="allowed"):
        page.computing.device = "abacus"
