"""Packages of the BioImage Model Zoo: ours out and in, others by their description, hostile ones refused."""

import hashlib
import io
import zipfile

import numpy as np
import pytest
import torch

from napari_emrestore.core import InputError, IntensityMap, ModelError, TilingRule
from napari_emrestore.models import find_card, load_network
from napari_emrestore.restoration import load_restorer, restore

# the zoo's library leaves files open when it reads a package
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
spec = pytest.importorskip("bioimageio.spec", exc_type=ImportError)
core = pytest.importorskip("bioimageio.core", exc_type=ImportError)
yaml = pytest.importorskip("ruyaml")

from napari_emrestore.models.foreign.zoo_export import export_zoo  # noqa: E402

UNIT = IntensityMap(0.0, 1.0)


@pytest.fixture
def ours(make_card):
    """The card of the small test network: stride 4, halo 16, one to four frames."""
    return make_card(name="Tiny network")


@pytest.fixture(scope="module")
def made_once():
    """What `package` keeps: the zoo's validator takes a second."""
    return []


@pytest.fixture
def package(ours, tmp_path, made_once):
    path = tmp_path / "tiny.zip"
    if made_once:
        path.write_bytes(made_once[0])
    else:
        export_zoo(ours, path, frames=3)
        made_once.append(path.read_bytes())
    return path


@pytest.fixture
def changed(package, tmp_path):
    """Write a package with another description and further or other files."""

    def change(edit=lambda description: None, **files):
        path = tmp_path / "changed.zip"
        with zipfile.ZipFile(package) as source, zipfile.ZipFile(path, "w") as target:
            description = yaml.YAML(typ="safe").load(source.read("rdf.yaml"))
            description["config"].pop("napari_emrestore")
            edit(description)
            text = io.StringIO()
            yaml.YAML().dump(description, text)
            target.writestr("rdf.yaml", text.getvalue())
            for name in source.namelist():
                if name != "rdf.yaml" and name not in files:
                    target.writestr(name, source.read(name))
            for name, content in files.items():
                target.writestr(name, content)
        return path

    return change


def test_ours_comes_back_with_its_card(package, ours):
    card = find_card(package)
    assert card.architecture == "bioimageio"
    assert (card.id, card.version, card.tiling) == (ours.id, ours.version, ours.tiling)
    assert card.trained.frames == (3, 3)


def test_ours_passes_the_validator_of_the_format(package):
    found = spec.load_description(package)
    assert isinstance(found, spec.ModelDescr)
    assert found.validation_summary.status != "failed"


def test_a_card_the_zoo_cannot_describe_is_refused(make_card, tmp_path):
    with pytest.raises(ModelError, match=r"validator.*name"):
        export_zoo(make_card(name="Tiny"), tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


def test_ours_restores_as_in_torch(package, ours):
    frames = np.random.default_rng(0).random((3, 47, 70), np.float32)
    restorer = load_restorer(package)
    assert restorer.device.startswith("cpu (bioimageio.core")
    made = restore(frames, restorer, intensity=UNIT, tile=40).image
    wanted = load_network(ours)(
        torch.from_numpy(np.pad(frames, ((0, 0), (0, 1), (0, 2)), mode="reflect"))[None]
    )
    np.testing.assert_allclose(made, wanted[0, :47, :70].numpy(), atol=1e-5)


def test_a_package_of_others_is_described_by_itself(changed):
    card = find_card(changed())
    assert card.tiling == TilingRule(4, 16, "blend")
    assert card.trained.frames == (3, 3)
    assert card.license == "BSD-3-Clause"
    assert any("unknown" in failure for failure in card.known_failures)
    restorer = load_restorer(card.weights)
    assert restorer.restore_window(np.ones((3, 8, 12), np.float32)).shape == (8, 12)  # smaller than it states


def test_statistics_of_the_image_forbid_tiles(changed):
    def edit(description):
        step = {"id": "zero_mean_unit_variance", "kwargs": {"axes": ["channel", "y", "x"]}}
        description["inputs"][0].setdefault("preprocessing", []).insert(0, step)

    assert find_card(changed(edit)).tiling.mode == "whole"


def test_an_unpacked_package_is_opened_as_a_folder(package, tmp_path):
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path / "unpacked")
    restorer = load_restorer(tmp_path / "unpacked")
    assert restorer.frames == (3, 3)


def test_torchscript_weights_are_used_when_there_is_no_onnx(changed, ours, save_script):
    content = save_script(load_network(ours), example=torch.rand(1, 3, 48, 52)).read_bytes()
    path = changed(lambda d: only_script(d, content), **{"net.pt": content})
    assert "torchscript" in load_restorer(path).device


class Saver(torch.nn.Module):
    def __init__(self, target: str):
        super().__init__()
        self.target = target

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        torch.save(frames, self.target)
        return frames[:, 0]


def only_script(description, content):
    digest = hashlib.sha256(content).hexdigest()
    description["weights"] = {
        "torchscript": {"source": "net.pt", "sha256": digest, "pytorch_version": "2.4.0"}
    }


def test_torchscript_that_writes_files_is_refused_and_runs_nothing(changed, save_script, tmp_path):
    content = save_script(Saver(str(tmp_path / "was-here"))).read_bytes()
    path = changed(lambda d: only_script(d, content), **{"net.pt": content})
    with pytest.raises(ModelError, match=r"torch\.save"):
        load_restorer(path)
    assert not (tmp_path / "was-here").exists()


def set_weights(description):
    description["weights"]["onnx"]["source"] = "https://example.org/weights.onnx"


def set_state_dict(description):
    entry = description["weights"].pop("onnx")
    architecture = {"source": "net.py", "sha256": "0" * 64, "callable": "Net", "kwargs": {}}
    description["weights"]["pytorch_state_dict"] = {
        "source": entry["source"],
        "sha256": entry["sha256"],
        "architecture": architecture,
        "pytorch_version": "2.4.0",
    }


def set_size(description):
    for tensor in description["inputs"]:
        for axis in tensor["axes"]:
            if axis["type"] == "space":
                axis["size"] = 64


def add_code(description):
    step = {"id": "custom", "callable": "run", "source": "step.py", "sha256": "0" * 64, "kwargs": {}}
    description["inputs"][0].setdefault("preprocessing", []).insert(0, step)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (set_weights, "not fetched"),
        (set_state_dict, "code to be run"),
        (set_size, "64 x 64"),
        (add_code, "code, which was not run|breaks it"),
        (lambda d: d.pop("inputs"), "breaks it"),
        (lambda d: d.update(type="dataset"), "breaks it"),
    ],
)
def test_packages_that_cannot_be_used_safely_are_refused(changed, edit, said):
    with pytest.raises(ModelError, match=said):
        load_restorer(changed(edit, **{"net.py": "raise SystemExit", "step.py": "raise SystemExit"}))


def test_a_package_that_breaks_its_promise_is_refused(changed):
    content = io.BytesIO()
    np.save(content, np.zeros((1, 40, 44), np.float32))
    digest = hashlib.sha256(content.getvalue()).hexdigest()

    def edit(description):
        description["outputs"][0]["test_tensor"]["sha256"] = digest

    with pytest.raises(ModelError, match="its own test output"):
        load_restorer(changed(edit, **{"test-restored.npy": content.getvalue()}))


def test_a_changed_package_and_another_device_are_refused(package):
    from napari_emrestore.models.foreign.opening import open_runner

    card = find_card(package)
    with pytest.raises(InputError, match="cuda"):
        open_runner(card, "cuda")
    package.write_bytes(package.read_bytes()[:-9])
    with pytest.raises(ModelError, match="SHA-256"):
        open_runner(card)


@pytest.mark.parametrize("content", ["", "no: model", "- a\n- b", "\t{"])
def test_a_description_that_is_none_is_refused(tmp_path, content):
    (tmp_path / "rdf.yaml").write_text(content)
    with pytest.raises(ModelError, match=r"BioImage Model Zoo|must be whole"):
        find_card(tmp_path / "rdf.yaml")
