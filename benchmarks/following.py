"""Following a faint view: by the mean of the frames before, against by the anchor frame alone; truth known.

    python benchmarks/following.py
    python benchmarks/following.py --doses 1 2 5 --read-noise 1.5 --side 256

Simulated scans, moving 4.5 and 1.5 px per frame with stick-slip. The error is that of all pairs of frames up
to 4 apart, as in a burst of 5: root of the mean square, and the share of pairs that are off by over a pixel.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from napari_emrestore.cameras import open_camera
from napari_emrestore.registration.following import Follower

APART = 4
WAYS = {"anchor alone": {"faint_noise": 2.0}, "by the mean": {}}


def scan(side: int, dose_e: float, read_noise_e: float, count: int, seed: int) -> tuple[list, np.ndarray]:
    settings = {"dose_e": dose_e, "read_noise_e": read_noise_e, "seed": seed, "slips_per_s": 1.0}
    with open_camera(
        "simulated",
        frame_shape=(side, side),
        specimen_px=max(1024, side),
        frame_rate_hz=None,
        velocity_px_s=(300.0, 100.0),
        **settings,
    ) as camera:
        frames = [frame.data for frame, _ in zip(camera, range(count), strict=False)]
        return frames, np.array([camera.pose_px(k) for k in range(count)])


def errors(found: list, poses: np.ndarray, shape: tuple[int, int]) -> list[float]:
    shifts = np.array([f.warp.shift_px(shape) for f in found])
    return [
        float(np.abs(shifts[k] - shifts[j] + poses[k] - poses[j]).max())
        for k in range(1, len(found))
        for j in range(max(0, k - APART), k)
        if found[j].leg == found[k].leg
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--doses", nargs="+", type=float, default=[1, 2, 3, 5, 10, 20])
    parser.add_argument("--read-noise", type=float, default=0.0)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    print("e/px   way            lost   rms px   > 1 px   CPU ms/frame")
    for dose in asked.doses:
        scans = [scan(asked.side, dose, asked.read_noise, asked.frames, seed) for seed in range(asked.seeds)]
        for way, settings in WAYS.items():
            wrong, lost, cpu_s = [], 0, 0.0
            for frames, poses in scans:
                follower, start = Follower(**settings), time.process_time()
                found = [follower.follow(frame, k) for k, frame in enumerate(frames)]
                cpu_s += time.process_time() - start
                lost += found[-1].leg
                wrong += errors(found, poses, frames[0].shape)
            rms = np.sqrt(np.mean(np.square(wrong))) if wrong else np.nan
            ms = 1000 * cpu_s / asked.frames / asked.seeds
            off = np.mean(np.array(wrong) > 1)
            print(f"{dose:4g}   {way:14} {lost:4}   {rms:6.2f}   {off:6.3f}   {ms:6.1f}")


if __name__ == "__main__":
    main()
