"""The catalogue: lists without torch, reports what is broken, and never lets one model pass for another."""

import subprocess
import sys

import pytest

from napari_emrestore.core import ModelError
from napari_emrestore.models import catalogue, find_card, list_models, models_folder, scan_models


def test_listing_and_reading_cards_loads_no_torch():
    code = (
        "import sys; from napari_emrestore.models import list_models, find_card, scan_models; list_models();"
        "bad = {'torch', 'safetensors'} & set(sys.modules); sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_models_folder_is_the_users_own():
    assert models_folder().name == "models"
    assert models_folder().is_absolute()


def test_cards_of_package_and_user_are_listed_in_this_order(models_home, make_card):
    mine = make_card(models_home, id="a-mine")
    theirs = make_card(catalogue.bundled_cards_folder(), id="z-bundled")
    (models_home / "folder").mkdir()
    deeper = make_card(models_home / "folder", id="in-folder")
    assert list_models() == [theirs, mine, deeper]


def test_a_broken_user_card_is_reported_and_the_others_stay(models_home, make_card):
    good = make_card(models_home)
    (models_home / "broken.toml").write_text("id = ")
    cards, problems = scan_models()
    assert cards == [good]
    assert "broken.toml" in str(problems[0])
    with pytest.warns(UserWarning, match=r"broken\.toml"):
        assert list_models() == [good]


def test_a_broken_bundled_card_is_an_error(models_home):
    (catalogue.bundled_cards_folder() / "broken.toml").write_text("id = ")
    with pytest.raises(ModelError, match=r"broken\.toml"):
        list_models()


def test_a_user_card_never_takes_the_place_of_a_bundled_one(models_home, make_card):
    bundled = make_card(catalogue.bundled_cards_folder(), version="1.0")
    other = make_card(models_home, version="6.6")
    cards, problems = scan_models()
    assert cards == [bundled]
    assert "used once" in str(problems[0])
    assert find_card("tiny-net") == bundled
    assert find_card(models_home / "tiny-net.toml") == other


def test_a_card_is_found_by_id_card_weights_and_folder(models_home, make_card):
    card = make_card(models_home)
    for way in ("tiny-net", models_home / "tiny-net.toml", str(card.weights), models_home):
        assert find_card(way) == card


def test_weights_with_another_name_find_the_only_card(models_home, make_card):
    card = make_card(models_home)
    (models_home / "tiny-net.toml").rename(models_home / "card.toml")
    assert find_card(card.weights) == card


def test_weights_the_card_does_not_name_are_refused(models_home, make_card):
    make_card(models_home)
    (models_home / "other.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="card that names them"):
        find_card(models_home / "other.safetensors")


def test_a_folder_with_no_card_or_two_is_refused(tmp_path, models_home, make_card):
    with pytest.raises(ModelError, match="holds none"):
        find_card(models_home)
    make_card(models_home, id="a")
    make_card(models_home, id="b")
    with pytest.raises(ModelError, match=r"a\.toml, b\.toml"):
        find_card(models_home)


def test_an_unknown_name_is_answered_with_the_known_ones(models_home, make_card):
    make_card(models_home)
    (models_home / "broken.toml").write_text("id = ")
    with pytest.raises(ModelError) as caught:
        find_card("nobody")
    assert all(part in str(caught.value) for part in ("tiny-net", "nobody", "broken.toml"))


def test_a_file_of_another_kind_is_refused(tmp_path, models_home):
    (tmp_path / "image.tif").write_bytes(b"II")
    with pytest.raises(ModelError, match="is none of these"):
        find_card(tmp_path / "image.tif")
