"""The napari manifest: valid, found without running plugin code, the same at the top of the repository."""

from pathlib import Path

from npe2 import PluginManifest

ROOT = Path(__file__).parents[2]
INSIDE = ROOT / "src/napari_emrestore/napari.yaml"


def test_the_manifest_is_valid():
    manifest = PluginManifest.from_file(INSIDE)
    assert manifest.name == "napari-emrestore"
    assert manifest.display_name == "EM Restore"


def test_napari_finds_the_installed_manifest():
    assert PluginManifest.from_distribution("napari-emrestore").name == "napari-emrestore"


def test_the_top_level_manifest_is_a_link_to_the_one_inside():
    top = ROOT / "napari.yaml"
    # a checkout without symbolic links (Windows) holds the target's path as text
    target = (ROOT / top.read_text().strip()) if not top.is_symlink() else top.resolve()
    assert target.resolve() == INSIDE.resolve()
