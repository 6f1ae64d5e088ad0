"""Restoring a stream on a device equals `restore` on the same frames; with a card where there is one."""

from dataclasses import replace

import numpy as np
import pytest

from napari_emrestore.core import (
    Burst,
    DeviceError,
    FrameVerdict,
    InputError,
    IntensityMap,
    RegisteredBurst,
    Warp,
)
from napari_emrestore.registration import resample
from napari_emrestore.restoration import load_restorer, restore

torch = pytest.importorskip("torch")
from napari_emrestore.restoration.streaming import StreamRestorer, shift_into  # noqa: E402
from napari_emrestore.restoration.uploads import Uploads  # noqa: E402

SHAPE = (64, 96)
DEVICES = [
    "cpu",
    pytest.param("cuda:0", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a card")),
]
SHIFTS = [(3.3, -2.6), (2.0, 1.0), (0.0, 0.0)]


def frames(dtype=np.uint16, count=3):
    rng = np.random.default_rng(0)
    return rng.integers(0, np.iinfo(dtype).max, (count, *SHAPE), dtype, endpoint=True)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2"])
def test_every_value_arrives(device, dtype):
    uploads = Uploads(SHAPE, np.dtype(dtype), device)
    target = torch.zeros((5, *SHAPE), device=device)
    sent = frames(np.dtype(dtype).name, 5).astype(dtype)
    for k in range(5):  # more than there are buffers
        uploads.send(sent[k], target[k])
    uploads.arrive()
    np.testing.assert_array_equal(target.cpu().numpy(), sent)


def test_other_types_are_refused():
    with pytest.raises(InputError, match="float32 came"):
        Uploads(SHAPE, np.dtype(np.float32), "cpu")


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("shift", [(0, 0), (2, -3), (3.3, -2.6), (-0.4, 60.0), (100.0, 0.0)])
def test_a_shift_on_a_device_is_that_of_resample(device, shift):
    image = frames()[0]
    out, known = (torch.zeros(SHAPE, device=device) for _ in range(2))
    shift_into(torch.tensor(image.astype(np.float32), device=device), shift, out, known)
    expected, valid = resample(image, Warp.from_shift(shift))
    np.testing.assert_array_equal(known.cpu().numpy() > 0, valid)
    np.testing.assert_allclose(out.cpu().numpy(), expected, rtol=1e-5, atol=0.05)


def registered(raw, shifts):
    """Return what the live line assembles on the CPU: aligned, gaps filled from the other frames."""
    aligned, held = map(
        np.array,
        zip(*(resample(f, Warp.from_shift(s)) for f, s in zip(raw, shifts, strict=True)), strict=True),
    )
    mean = aligned.sum(axis=0, where=held) / np.maximum(held.sum(axis=0), 1)
    filled = np.where(held, aligned, mean).astype(np.float32)
    warps = tuple(Warp.from_shift(s) for s in shifts)
    verdicts = tuple(FrameVerdict(k, s, 1.0, 1.0, 0.0, False) for k, s in enumerate(shifts))
    return RegisteredBurst(Burst(raw), warps, verdicts, len(raw) - 1, filled, np.ones(filled.shape, bool))


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("model", "shape"),
    [("burst-naf", SHAPE), ("burst-naf", (45, 83)), ("katsuno-quarter", SHAPE), ("naf-denoise", (61, 90))],
)
def test_a_stream_is_restored_as_restore_does(device, model, shape):
    restorer = load_restorer(model, device=device, precision="fp32")
    raw = np.ascontiguousarray(frames()[:, : shape[0], : shape[1]])
    burst = registered(raw, SHIFTS)
    expected = restore(burst if restorer.frames[1] > 1 else burst.aligned.mean(axis=0), restorer)
    found = expected.provenance.settings
    mapping = IntensityMap(**found["intensity"])
    noise = None
    if found["noise"] is not None:
        from napari_emrestore.metrics import NoiseModel
        from napari_emrestore.restoration.noise import line_in_model_range

        noise = line_in_model_range(NoiseModel(**found["noise"]), mapping)
    stream = StreamRestorer(replace(restorer, noise=None), shape, raw.dtype, 3)
    assert stream.is_graph == (device != "cpu")
    for round_ in range(2):  # places are used again
        places = [(k + round_) % 3 for k in range(3)]
        for frame, place in zip(raw, places, strict=True):
            stream.put(frame, place)
        made = stream.restore(places, SHIFTS, mapping, noise)
        assert made.dtype == np.float32
        np.testing.assert_allclose(made, expected.image, atol=2e-4 * mapping.scale)


def test_numbers_of_frames_that_do_not_fit_are_refused():
    most = load_restorer("burst-naf", device="cpu").frames[1]
    with pytest.raises(InputError, match=f"{most + 1} frames were to be kept"):
        StreamRestorer(load_restorer("burst-naf", device="cpu"), SHAPE, np.dtype(np.uint16), most + 1)
    with pytest.raises(InputError, match="0 frames"):
        StreamRestorer(load_restorer("katsuno-quarter", device="cpu"), SHAPE, np.dtype(np.uint16), 0)


def test_memory_that_does_not_suffice_is_told():
    class Hungry(torch.nn.Module):
        def forward(self, frames):
            raise RuntimeError("CUDA out of memory. Tried to allocate 90 GiB")

    restorer = replace(load_restorer("katsuno-quarter", device="cpu"), network=Hungry())
    stream = StreamRestorer(restorer, SHAPE, np.dtype(np.uint16), 1)
    stream.put(frames()[0], 0)
    with pytest.raises(DeviceError, match="must fit into the memory of cpu"):
        stream.restore([0], [(0.0, 0.0)], IntensityMap(0.0, 1.0))
