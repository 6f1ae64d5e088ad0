"""Tiled restoration against the bare network, one shot and MONAI's sliding window, in one run.

    python benchmarks/tiling.py                       # U-Net, 1280 x 1280
    python benchmarks/tiling.py --size 4096 --tiles 512 2048 --rounds 1
    python benchmarks/tiling.py --identity            # what planning and copying cost, in ns per pixel

Times are CPU seconds of this process, the least of some rounds in which all rows take turns; ratios are to
the bare network (its time per pixel at 512 x 512, times the pixels of the image). Memory is the peak above
the level at the start, each row in a process of its own. MONAI's row is left out where it is not installed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from napari_emrestore.restoration import tune_allocator

TUNED = "--untuned" not in sys.argv and tune_allocator()  # before torch loads

import numpy as np  # noqa: E402
import psutil  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

from napari_emrestore.core import IntensityMap, ModelCard, TilingRule  # noqa: E402
from napari_emrestore.restoration import TorchRestorer, pick_device, restore  # noqa: E402

Job = Callable[[nn.Module, np.ndarray], np.ndarray]
STRIDE, HALO = 8, 48  # exact for this U-Net


class UNet(nn.Module):
    """Four levels, two convolutions each, 24 to 192 channels, 1.08 million parameters."""

    def __init__(self, base: int = 24, depth: int = 4) -> None:
        super().__init__()
        widths = [base * 2**level for level in range(depth)]
        self.encoders = nn.ModuleList(convolutions(a, b) for a, b in zip([1, *widths], widths, strict=False))
        self.ups = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in pairwise(widths))
        self.decoders = nn.ModuleList(convolutions(2 * width, width) for width in widths[:-1])
        self.exit = nn.Conv2d(base, 1, 1)

    def forward(self, frames: torch.Tensor) -> torch.Tensor:
        """(B, 1, Y, X) -> (B, Y, X)."""
        z, skips = self.encoders[0](frames), []
        for encoder in self.encoders[1:]:
            skips.append(z)
            z = encoder(nn.functional.max_pool2d(z, 2))
        for up, decoder in zip(reversed(self.ups), reversed(self.decoders), strict=True):
            z = decoder(torch.cat([up(z), skips.pop()], 1))
        return self.exit(z)[:, 0]


def convolutions(channels_in: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels, channels, 3, padding=1),
        nn.ReLU(inplace=True),
    )


def network() -> nn.Module:
    """Return a U-Net with random weights whose activations stay near 1, so that differences count."""
    torch.manual_seed(0)
    net = UNet()
    for module in net.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.normal_(module.bias, 0, 0.05)
    net = net.to(memory_format=torch.channels_last)
    return net.eval().requires_grad_(False)


def restorer(net: nn.Module) -> TorchRestorer:
    rule = TilingRule(STRIDE, HALO)
    card = ModelCard("unet", "1", "U-Net", "For timing.", "denoise", "none", tiling=rule)
    return TorchRestorer(card, net, pick_device("cpu"))


class Identity:
    """A restorer that does nothing: what is left is planning, reading, mapping and writing."""

    id, version, device, frames, tiling = "identity", "1", "cpu", (1, 1), TilingRule()

    def describe(self) -> dict[str, str]:
        """Name it."""
        return {"id": self.id, "version": self.version, "weights_sha256": ""}

    def restore_window(self, frames: np.ndarray) -> np.ndarray:
        """Return the first frame."""
        return frames[0]


UNIT = IntensityMap(0.0, 1.0)


def ours(net: nn.Module, image: np.ndarray, tile: int | str) -> np.ndarray:
    return restore(image, restorer(net), tile=tile, intensity=UNIT).image


def one_shot(net: nn.Module, image: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return net(torch.from_numpy(image)[None, None])[0].numpy()


def monai(net: nn.Module, image: np.ndarray, tile: int, overlap: float) -> np.ndarray:
    from monai.inferers import SlidingWindowInferer

    inferer = SlidingWindowInferer((tile, tile), overlap=overlap, mode="gaussian")
    with torch.inference_mode():
        return inferer(torch.from_numpy(image)[None, None], lambda x: net(x)[:, None])[0, 0].numpy()


def rows(tiles: list[int]) -> dict[str, Job]:
    table = {"one shot": one_shot, "ours, auto": lambda net, image: ours(net, image, "auto")}
    for tile in tiles:
        table[f"ours, {tile}"] = lambda net, image, tile=tile: ours(net, image, tile)
    if find_spec("monai"):
        for overlap in (0.25, 0.5):
            table[f"MONAI, 512, overlap {overlap}"] = lambda net, image, o=overlap: monai(net, image, 512, o)
    return table


def timed(job: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    start = time.process_time()
    made = job()
    return time.process_time() - start, made


def floor_seconds(net: nn.Module, pixels: int) -> float:
    window = np.random.default_rng(0).standard_normal((512, 512)).astype(np.float32)
    return min(timed(lambda: one_shot(net, window))[0] for _ in range(3)) / window.size * pixels


def picture(size: int) -> np.ndarray:
    return np.random.default_rng(1).standard_normal((size, size)).astype(np.float32)


def compare(size: int, tiles: list[int], rounds: int) -> None:
    net, image, table = network(), picture(size), rows(tiles)
    least, floor, difference = dict.fromkeys(table, np.inf), np.inf, {}
    truth = one_shot(net, image)
    for _ in range(rounds):
        floor = min(floor, floor_seconds(net, image.size))
        for name, job in table.items():
            seconds, made = timed(lambda job=job: job(net, image))
            least[name] = min(least[name], seconds)
            difference[name] = np.abs(made - truth).max()
    print(f"U-Net, {size} x {size}, floor {floor:.2f} s ({floor / image.size * 1e9:.0f} ns/px)")
    print(f"{'':28} x floor   max difference   peak MB (result {image.nbytes / 2**20:.0f})")
    for name in table:
        peak = peak_mb(name, size, tiles)
        print(f"{name:28} {least[name] / floor:7.2f}   {difference[name]:14.1e}   {peak:7.0f}")


def peak_mb(name: str, size: int, tiles: list[int]) -> float:
    """Run one row in a fresh process and return its peak above the start, in MB."""
    command = [sys.executable, __file__, "--size", str(size), "--tiles", *map(str, tiles), "--memory", name]
    command += [] if TUNED else ["--untuned"]
    return float(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def measure_memory(name: str, size: int, tiles: list[int]) -> None:
    net, image, job = network(), picture(size), rows(tiles)[name]
    one_shot(net, image[:64, :64])
    process = psutil.Process()
    start = peak = process.memory_info().rss
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.002):
            peak = max(peak, process.memory_info().rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    job(net, image)
    done.set()
    watcher.join()
    print(json.dumps((peak - start) / 2**20))


def identity(size: int, rounds: int) -> None:
    image = (np.random.default_rng(1).random((size, size)) * 65535).astype(np.uint16)
    out = np.zeros(image.shape, np.float32)
    for tile in (512, 1024):
        jobs = {
            "mapping given": lambda t=tile: restore(image, Identity(), tile=t, intensity=UNIT, out=out).image,
            "mapping measured": lambda t=tile: restore(image, Identity(), tile=t, out=out).image,
        }
        for name, job in jobs.items():
            seconds = min(timed(job)[0] for _ in range(rounds))
            print(f"identity, tile {tile}, {name:17} {seconds / image.size * 1e9:5.2f} ns/px")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", type=int, default=1280)
    parser.add_argument("--tiles", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--untuned", action="store_true", help="leave the C library's allocator alone")
    parser.add_argument("--identity", action="store_true")
    parser.add_argument("--memory", metavar="ROW", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    if asked.memory:
        measure_memory(asked.memory, asked.size, asked.tiles)
        return
    print(f"{Path(__file__).name}: torch {torch.__version__}, allocator {'tuned' if TUNED else 'as it is'}")
    if asked.identity:
        identity(4096, max(asked.rounds, 5))
    else:
        compare(asked.size, asked.tiles, asked.rounds)


if __name__ == "__main__":
    main()
