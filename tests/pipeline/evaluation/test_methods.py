"""Rows of a table see the burst as long as their method takes it."""

import numpy as np

from napari_emrestore.core import Burst
from napari_emrestore.pipeline.evaluation.degrading import Instance
from napari_emrestore.pipeline.evaluation.methods import load_method
from napari_emrestore.restoration import load_restorer, restore


def test_a_network_for_three_frames_sees_the_first_three_of_five():
    frames = np.random.default_rng(0).uniform(0.2, 0.8, (5, 64, 64)).astype(np.float32)
    method = load_method("deblurgan-v2-small", "cpu", "fp32", 5)
    assert "first 3 of 5" in method.note
    known = restore(Burst(frames[:3]), load_restorer("deblurgan-v2-small")).image
    np.testing.assert_array_equal(method.apply(Instance(frames, frames[0])), known)
    assert load_method("deblurgan-v2-small", "cpu", "fp32", 3).note == ""
