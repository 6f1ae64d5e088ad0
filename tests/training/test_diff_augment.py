"""Augmentation before a discriminator: bounded, drawn per image, and open to gradients."""

import numpy as np
import pytest
import torch

from napari_emrestore.training.diff_augment import cut_out, diff_augment, recolour, shift


def rng(seed=0):
    return np.random.default_rng(seed)


def images(count=6, shape=(16, 24)):
    return torch.rand((count, *shape), generator=torch.Generator().manual_seed(1)) * 2 - 1


def test_recolouring_is_linear_within_its_bounds():
    given = images()
    made = recolour(given, rng())
    for before, after in zip(given, made, strict=True):
        contrast = after.std() / before.std()
        assert 0.5 <= contrast <= 1.5
        assert abs(after.mean() - before.mean()) <= 0.5
        torch.testing.assert_close(after - after.mean(), contrast * (before - before.mean()))


def test_a_shift_moves_whole_pixels_and_fills_with_zero():
    given = images(1)
    found = set()
    for seed in range(40):
        made = shift(given, rng(seed))[0]
        moves = [
            (dy, dx)
            for dy in range(-2, 3)
            for dx in range(-3, 4)
            if torch.equal(moved(given[0], dy, dx), made)
        ]
        assert len(moves) == 1
        found.add(moves[0])
    assert len(found) > 10
    assert max(abs(dy) for dy, _ in found) == 2
    assert max(abs(dx) for _, dx in found) == 3


def moved(image, dy, dx):
    padded = torch.nn.functional.pad(image, (3, 3, 2, 2))
    return padded[2 - dy : 2 - dy + 16, 3 - dx : 3 - dx + 24]


def test_a_rectangle_of_half_the_sides_is_cut_out():
    made = cut_out(torch.ones(30, 16, 24), rng())
    gone = (made == 0).sum((1, 2))
    assert gone.max() == 8 * 12
    assert gone.min() >= 4 * 6  # in a corner a quarter of it is left
    assert set(made.unique().tolist()) == {0.0, 1.0}


def test_it_is_drawn_anew_for_each_image_and_alike_for_one_seed():
    given = images(1).expand(4, -1, -1)
    made = diff_augment(given, rng())
    assert not torch.equal(made[0], made[1])
    assert torch.equal(diff_augment(given, rng()), made)
    assert made.shape == given.shape


@pytest.mark.parametrize("shape", [(1, 1), (5, 7)])
def test_small_images_and_gradients(shape):
    given = images(8, shape).requires_grad_()
    diff_augment(given, rng(3)).sum().backward()
    assert torch.isfinite(given.grad).all()
    assert given.grad.abs().sum() > 0
