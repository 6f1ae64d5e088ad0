"""Warnings about inputs a model has not seen."""

import dataclasses

import numpy as np
import pytest

from napari_emrestore.core import Acquisition, TrainedRange
from napari_emrestore.restoration import check_input

FINE = np.arange(400, dtype=np.uint16).reshape(20, 20)


def test_a_fitting_or_unknown_input_is_not_judged(card):
    assert check_input(card, Acquisition(), 1, FINE) == ()
    assert check_input(card, Acquisition(pixel_size_nm=(1.0, 1.0), dose_e=20.0), 4, FINE) == ()


@pytest.mark.parametrize(
    ("known", "frames", "said"),
    [
        (Acquisition(), 5, "5 frames in a burst is outside of what the model was trained on (1 to 4)"),
        (Acquisition(dose_e=2.5), 1, "2.5 electrons per pixel is outside"),
        (Acquisition(pixel_size_nm=(3.0, 3.0)), 1, "3 nm per pixel is outside"),
        (Acquisition(pixel_size_nm=(1.0, 3.0)), 1, "1 x 3 nm per pixel is outside"),
    ],
)
def test_what_leaves_the_trained_range_is_named_with_its_numbers(card, known, frames, said):
    (note,) = check_input(card, known, frames, FINE)
    assert said in note


def test_a_range_the_card_does_not_know_is_not_judged(card):
    unlimited = dataclasses.replace(card, trained=TrainedRange((1, 4)))
    assert check_input(unlimited, Acquisition(dose_e=1e9, pixel_size_nm=(9.0, 9.0)), 1, FINE) == ()


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.full((9, 9), 3), "constant (3)"),
        (np.full((2, 9, 9), np.nan), "no pixel"),
        (np.where(FINE < 40, 65535, FINE).astype(np.uint16), "10% of the pixels"),
        (np.where(FINE < 40, 0, FINE).astype(np.uint16), "10% of the pixels"),
    ],
)
def test_pixels_that_carry_nothing_are_named(card, pixels, said):
    (note,) = check_input(card, Acquisition(), 1, pixels)
    assert said in note


def test_a_huge_input_is_looked_at_in_part(card):
    class Huge:
        shape = (3, 1 << 16, 1 << 16)
        taken = 0

        def __getitem__(self, index):
            return Frame()

    class Frame:
        shape = (1 << 16, 1 << 16)

        def __getitem__(self, rows):
            Huge.taken = len(range(*rows.indices(1 << 16)))
            return np.arange(Huge.taken * 4).reshape(Huge.taken, 4)

    assert check_input(card, Acquisition(), 1, Huge()) == ()
    assert 0 < Huge.taken <= 16
