"""The napari manifest: valid, found without running plugin code, the same at the top of the repository."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from npe2 import PluginManifest

ROOT = Path(__file__).parents[2]
INSIDE = ROOT / "src/napari_emrestore/napari.yaml"
MANIFEST = PluginManifest.from_file(INSIDE)
COMMANDS = {command.id: command for command in MANIFEST.contributions.commands}
HEAVY = ("torch", "numba", "matplotlib", "rsciio", "skimage", "zarr", "dask", "cv2", "napari", "qtpy")


def test_the_manifest_is_valid():
    assert MANIFEST.name == "napari-emrestore"
    assert MANIFEST.display_name == "EM Restore"


def test_napari_finds_the_installed_manifest():
    assert PluginManifest.from_distribution("napari-emrestore").name == "napari-emrestore"


def test_the_top_level_manifest_is_a_link_to_the_one_inside():
    top = ROOT / "napari.yaml"
    # a checkout without symbolic links (Windows) holds the target's path as text
    target = (ROOT / top.read_text().strip()) if not top.is_symlink() else top.resolve()
    assert target.resolve() == INSIDE.resolve()


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_command_names_what_is_there(command):
    module, name = command.python_name.split(":")
    source = Path(find_spec(module).origin).read_text(encoding="utf-8")
    assert f'"{name}"' in source


def test_titles_read_well_alone():
    titles = [command.title for command in COMMANDS.values()]
    assert len(set(titles)) == len(titles)
    for title in titles:
        # napari writes the plugin's name behind each
        assert "EM Restore" not in title
        assert title[0].isupper()
        assert not title.endswith(".")
        assert len(title) <= 64


def test_docks_are_called_what_their_commands_are_called():
    for widget in MANIFEST.contributions.widgets:
        assert widget.display_name == COMMANDS[widget.command].title


def test_everything_in_a_menu_is_a_command_a_person_can_give():
    in_menus = {item.command for items in MANIFEST.contributions.menus.values() for item in items}
    asked_by_napari = {
        item.command
        for group in ("readers", "writers", "sample_data")
        for item in getattr(MANIFEST.contributions, group)
    }
    assert in_menus == set(COMMANDS) - asked_by_napari


def test_the_settings_page_and_the_preferences_are_the_same():
    from dataclasses import asdict

    from napari_emrestore.widgets.preferences import Preferences

    pages = MANIFEST.contributions.configurations
    on_page = {key: field.default for page in pages.values() for key, field in page.properties.items()}
    assert on_page == asdict(Preferences())


@pytest.mark.parametrize(
    "code",
    [
        "from npe2 import PluginManifest; PluginManifest.from_distribution('napari-emrestore')",
        "from napari_emrestore.widgets.hooks import get_reader; assert get_reader('napari.yaml') is None",
        "from napari_emrestore.widgets.hooks import get_reader; assert get_reader('docs/pictures/demo.png')",
    ],
    ids=["reading the manifest", "asking the reader about a text", "asking the reader about a picture"],
)
def test_nothing_heavy_is_loaded_by_looking(code):
    report = f"\nimport json, sys\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    ran = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert json.loads(ran.stdout) == []
