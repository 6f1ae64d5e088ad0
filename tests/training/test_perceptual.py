"""The perceptual loss: zero and said so without a file, a distance of features with one."""

import pytest
import torch

from napari_emrestore.core import ModelError
from napari_emrestore.models import file_sha256
from napari_emrestore.training.perceptual import Perceptual, build_features


@pytest.fixture(scope="module")
def vgg(tmp_path_factory):
    """A file with the names of torchvision's vgg19 and random weights."""
    path = tmp_path_factory.mktemp("vgg") / "vgg19.pth"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        weights = {f"features.{name}": tensor for name, tensor in build_features().state_dict().items()}
    unused = {"features.16.weight": torch.zeros(2), "classifier.0.bias": torch.zeros(2)}
    torch.save(weights | unused, path)
    return path


def test_without_a_file_the_term_is_zero_and_says_so():
    with pytest.warns(UserWarning, match="perceptual term is zero"):
        loss = Perceptual(None)
    assert loss.record["perceptual"].startswith("none")
    assert loss(torch.rand(2, 16, 16), torch.rand(2, 16, 16)).tolist() == [0.0, 0.0]


def test_the_features_end_at_the_ninth_layer_before_its_relu(vgg):
    indices = {name.split(".")[0] for name in build_features().state_dict()}
    assert sorted(map(int, indices)) == [0, 2, 5, 7, 10, 12, 14]
    assert sum(p.numel() for p in build_features().parameters()) == 1_735_488


def test_with_a_file_it_is_a_distance_per_sample(vgg):
    loss = Perceptual(vgg)
    assert loss.record == {"perceptual": "vgg19.pth", "perceptual_sha256": file_sha256(vgg)}
    generator = torch.Generator().manual_seed(1)
    truth, output = (torch.rand(2, 16, 20, generator=generator) for _ in range(2))
    output = torch.stack([truth[0], output[1]]).requires_grad_()
    values = loss(output, truth)
    assert values[0].item() == 0.0
    assert values[1].item() > 0.0
    values.sum().backward()
    assert output.grad[1].abs().sum() > 0


def test_it_is_the_mean_squared_difference_of_normalised_colour_features(vgg):
    features = build_features()
    features.load_state_dict(
        {
            n.removeprefix("features."): t
            for n, t in torch.load(vgg).items()
            if "16" not in n and "features" in n
        }
    )
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    truth, output = torch.rand(1, 8, 8), torch.rand(1, 8, 8)
    one, other = (
        features((image[:, None] - mean[:, None, None]) / deviation[:, None, None])
        for image in (output, truth)
    )
    expected = torch.nn.functional.mse_loss(one, other)
    torch.testing.assert_close(Perceptual(vgg)(output, truth)[0], expected)


def test_a_file_of_another_network_is_refused(tmp_path):
    torch.save({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "w.pth")
    with pytest.raises(ModelError, match=r"lacks features\.0\.bias"):
        Perceptual(tmp_path / "w.pth")
