"""Tuning finds the grid point that is best on the calibration images, and counts every trial."""

from functools import partial

import numpy as np
import pytest

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.restoration.classical import GRIDS, list_classical, load_classical, tune
from napari_emrestore.restoration.classical.plain import gaussian


def calibration(count: int = 2) -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(0)
    truth = [np.kron(rng.uniform(20, 60, (6, 7)), np.ones((9, 9))) for _ in range(count)]
    return [rng.poisson(image).astype(np.uint16) for image in truth], truth


def test_the_best_grid_point_wins_and_is_what_the_restorer_uses():
    noisy, truth = calibration()
    tuning = tune(gaussian, noisy, truth, {"sigma_px": (0.3, 1.0, 6.0)})
    assert tuning.parameters == {"sigma_px": 1.0}
    assert tuning.restorer.describe()["parameters"] == {"sigma_px": 1.0}
    assert [dict(point)["sigma_px"] for point, _ in tuning.trials] == [0.3, 1.0, 6.0]
    assert tuning.score == min(score for _, score in tuning.trials)
    # the score is in input units: the mean over images of the squared error in electrons
    raw = np.mean([np.mean((n - t) ** 2) for n, t in zip(noisy, truth, strict=True)])
    assert 0 < tuning.score < raw


def test_every_combination_is_tried_and_reported():
    class Steps:
        seen: list[tuple[int, int]] = []  # noqa: RUF012

        def step(self, done: int, total: int, note: str = "") -> None:
            self.seen.append((done, total))
            if done == 5:
                raise Cancelled

    noisy, truth = calibration(1)
    grid = {"sigma_color": (0.1, 0.4), "sigma_px": (0.7, 1.5, 2.0)}
    with pytest.raises(Cancelled):
        tune(partial(load_classical, "bilateral"), noisy, truth, grid, monitor=Steps())
    assert Steps.seen == [(i, 6) for i in range(1, 6)]


def test_bursts_tune_too_and_the_score_may_be_another():
    noisy, truth = calibration(1)
    burst = np.stack([noisy[0], noisy[0]])
    worst = tune(
        gaussian, [burst], truth, {"sigma_px": (0.3, 6.0)}, score=lambda image, clean: -float(image.var())
    )
    assert worst.parameters == {"sigma_px": 0.3}


@pytest.mark.parametrize(
    "name", [name for name in list_classical() if name not in ("mean", "median-of-frames")]
)
def test_every_filter_has_a_grid_its_factory_takes(name):
    parameters = {key: values[0] for key, values in GRIDS[name].items()}
    restorer = load_classical(name, **parameters)
    assert set(parameters.values()) <= set(restorer.describe()["parameters"].values())


def test_tuning_refuses_images_without_their_truth():
    noisy, truth = calibration()
    for images, cleans in (([], []), (noisy, truth[:1])):
        with pytest.raises(InputError, match="one ground truth for each"):
            tune(gaussian, images, cleans, {"sigma_px": (1.0,)})
    with pytest.raises(InputError, match=r"image 1 is \(54, 63\), its ground truth \(3, 3\)"):
        tune(gaussian, noisy, [truth[0], np.zeros((3, 3))], {"sigma_px": (1.0,)})
    with pytest.raises(InputError, match="at least one value"):
        tune(gaussian, noisy, truth, {"sigma_px": ()})
    with pytest.raises(InputError, match="finite score"):
        tune(gaussian, noisy, truth, {"sigma_px": (1.0,)}, score=lambda image, clean: float("nan"))
