"""The documentation leads somewhere: links to our files are good, pictures are small and used."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
PICTURES = sorted((ROOT / "docs/pictures").glob("*"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    ours = [link for link in links if not link.startswith("http")]
    assert [link for link in ours if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_a_picture_is_small_and_shown(picture):
    assert picture.stat().st_size < 300_000
    assert any(f"pictures/{picture.name})" in page.read_text(encoding="utf-8") for page in PAGES)


def test_the_guide_names_the_keys_that_the_docks_listen_to():
    pytest.importorskip("napari")
    from napari_emrestore.widgets.compare.keys import DEFAULT_KEYS

    guide = (ROOT / "docs/user-guide.md").read_text(encoding="utf-8")
    for key in DEFAULT_KEYS.values():
        assert f"| {key} |" in guide
