"""What a network takes is found with few trials, however deep it is."""

import numpy as np
import pytest

from napari_emrestore.core import ModelError
from napari_emrestore.models.foreign.trying import find_frames, find_stride


class Net:
    """Takes some numbers of frames and sides that are multiples of its stride; counts its trials."""

    def __init__(self, counts, stride):
        self.counts, self.stride, self.trials, self.frames = counts, stride, 0, 0

    def __call__(self, frames):
        self.trials += 1
        self.frames += len(frames)
        if len(frames) not in self.counts or any(side % self.stride for side in frames.shape[1:]):
            raise RuntimeError("no")
        return frames[0]


@pytest.mark.parametrize(
    ("counts", "found"), [(range(1, 20), (1, 8)), ((1,), (1, 1)), ((3,), (3, 3)), ((5, 6), (5, 5))]
)
@pytest.mark.parametrize("stride", [1, 16, 64])
def test_frames_and_stride_are_found(counts, found, stride):
    net = Net(counts, stride)
    assert find_frames(net, "net") == found
    assert find_stride(net, found[0], "net") == stride


def test_a_deep_network_is_run_few_times():
    net = Net(range(1, 20), 1)
    find_frames(net, "net")
    assert (net.trials, net.frames) == (3, 12)


@pytest.mark.parametrize("counts", [(), (9,)])
def test_a_network_that_takes_nothing_is_refused(counts):
    with pytest.raises(ModelError, match=r"took no image of 1 frames"):
        find_frames(Net(counts, 1), "net")


def test_an_image_of_another_size_is_no_fit():
    def halved(frames):
        return np.zeros((frames.shape[1] // 2, frames.shape[2]))

    with pytest.raises(ModelError, match="another size"):
        find_stride(halved, 1, "net")
