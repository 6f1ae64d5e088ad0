"""Find how one image lies against another, and bring it there."""

import numpy as np

from napari_emrestore import estimate_warp
from napari_emrestore.registration import resample
from napari_emrestore.samples import load_sample

sample = load_sample("tem-stream")
warp = estimate_warp(sample.frames[0], sample.frames[1], kind="translation")
found = warp.shift_px(sample.frames.shape[1:])
print(
    f"found {np.round(found, 2)}, true shift {np.round(sample.shifts_px[1], 2)}, correlation {warp.score:.3f}"
)

moved, valid = resample(sample.frames[1], warp)
error = np.abs(moved - sample.frames[0])[valid].mean()
before = np.abs(sample.frames[1].astype(np.float32) - sample.frames[0]).mean()
print(f"mean difference to the reference: {before:.0f} counts before, {error:.0f} after")
