"""Who may know whom: the contracts of pyproject.toml hold, and heavy packages come only when work starts."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HEAVY = (
    "torch",
    "numba",
    "matplotlib",
    "rsciio",
    "skimage",
    "zarr",
    "dask",
    "cv2",
    "napari",
    "qtpy",
    "PyQt6",
)
PACKAGES = sorted(
    f"napari_emrestore.{path.parent.name}" for path in (ROOT / "src/napari_emrestore").glob("*/__init__.py")
)


def heavy_after(code: str) -> list[str]:
    """Return the heavy packages that a fresh interpreter has loaded after running `code`."""
    report = f"\nimport json, sys\nprint(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    ran = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return json.loads(ran.stdout.splitlines()[-1])


def test_the_import_contracts_hold():
    from importlinter.cli import lint_imports

    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_every_package_but_the_gui_is_forbidden_to_import_qt():
    import tomllib

    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    forbidden = next(set(c["source_modules"]) for c in contracts if "qtpy" in c.get("forbidden_modules", ()))
    assert forbidden == {package for package in PACKAGES if not package.endswith("widgets")}


@pytest.mark.parametrize(
    "code",
    [
        "import napari_emrestore; dir(napari_emrestore)",
        "\n".join(f"import {package}" for package in PACKAGES),
        "from napari_emrestore import list_models; list_models()",
        "from napari_emrestore.restoration import list_classical; list_classical()",
        "from napari_emrestore.cli.program import build_parser; build_parser().format_help()",
        "from napari_emrestore import RunSettings; RunSettings('a.tif')",
    ],
    ids=["the package", "all packages", "list models", "list classical", "help", "settings"],
)
def test_nothing_heavy_is_loaded_before_work_starts(code):
    assert heavy_after(code) == []


def test_the_probe_for_heavy_packages_sees_one():
    assert heavy_after("import matplotlib") == ["matplotlib"]
