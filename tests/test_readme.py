"""The README is true: its command lines run, its Python runs, its table is what the command prints."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import tifffile
from imageio.v3 import imwrite
from scipy.ndimage import gaussian_filter

from napari_emrestore.cli import main
from napari_emrestore.cli.models import markdown_table
from napari_emrestore.cli.program import COMMANDS, build_parser
from napari_emrestore.core import Acquisition
from napari_emrestore.io import write_image
from napari_emrestore.models import list_models

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs/user-guide.md").read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


def command_lines(text):
    lines = (line.split("  #")[0].strip() for block in blocks(text, "sh") for line in block.splitlines())
    return [line for line in lines if line.startswith("napari-emrestore ")]


@pytest.fixture
def workplace(tmp_path, monkeypatch):
    """A folder with small files under the names that the texts use."""
    rng = np.random.default_rng(0)
    scene = gaussian_filter(rng.normal(size=(340, 350)), 3)
    scene = 120 + 60 * scene / np.abs(scene).max()
    frames = rng.poisson(np.stack([scene[k : k + 96, 9 - k : 121 - k] for k in range(8)])).astype(np.uint16)
    for name in ("frames", "day1", "clean-images"):
        (tmp_path / name).mkdir()
    for k, frame in enumerate(frames[:5]):
        imwrite(tmp_path / f"frames/f{k}.png", frame)
    imwrite(tmp_path / "day1/one.png", frames[0])
    tifffile.imwrite(tmp_path / "noisy.tif", frames[0])
    tifffile.imwrite(tmp_path / "clean.tif", scene[:96, 9:121].astype(np.float32))
    imwrite(tmp_path / "clean.png", scene.astype(np.uint8))
    write_image(tmp_path / "stack.mrc", frames, Acquisition())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_first_block_is_make_demo_and_make_knows_it():
    first = blocks(README, "sh")[0].split()
    assert first[-2:] == ["make", "demo"]
    targets = re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert {"demo", "test", "lint"} <= set(targets)


@pytest.mark.parametrize("line", command_lines(README))
def test_a_command_line_of_the_readme_runs(line, workplace, capsys):
    assert main(shlex.split(line)[1:]) == 0, capsys.readouterr().err


def test_the_python_block_runs(workplace, capsys):
    (code,) = blocks(README, "python")
    exec(compile(code, "README.md", "exec"), {})
    assert "(" in capsys.readouterr().out


def test_the_table_of_models_is_what_the_command_prints():
    (table,) = re.findall(r"<!-- models:.*?-->\n(.*?)<!-- /models -->", README, flags=re.DOTALL)
    assert table.strip() == markdown_table(list_models())


def test_every_command_is_named():
    assert all(f"`{name}`" in README for name in COMMANDS)


@pytest.mark.parametrize("line", command_lines(GUIDE))
def test_a_command_line_of_the_user_guide_is_understood(line):
    build_parser().parse_args(shlex.split(line)[1:])


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))], ids=lambda p: p.name
)
def test_links_between_pages_lead_somewhere(page):
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []
