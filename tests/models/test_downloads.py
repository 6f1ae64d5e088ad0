"""Weights from a URL, against a server on this machine: whole, in parts, wrong, cut off, missing, stopped."""

import hashlib
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from safetensors.torch import save

from napari_emrestore.core import Cancelled, ModelCard, ModelError, TilingRule
from napari_emrestore.models import build_network, fetch_weights, folders, load_network, read_card, write_card
from napari_emrestore.restoration import load_restorer

# pooch leaves the closing of a broken connection to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

PARAMETERS = {"width": 4, "encoder_blocks": [1], "middle_blocks": 1, "decoder_blocks": [1]}


class Server(BaseHTTPRequestHandler):
    """Serves one file in ways a real server may: whole, half of it, silent about its length, not at all.

    Only below ``/rest`` it gives the rest of a file. An address with ``cut-once`` breaks off the first time.
    """

    content = b""
    asked: ClassVar[list] = []
    sent: ClassVar[list] = []

    def do_GET(self):
        for code in (404, 503):
            if str(code) in self.path:
                self.send_error(code)
                return
        start = 0
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        if wanted and self.path.startswith("/rest"):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(self.content):
                self.send_error(416)
                return
        self.send_response(206 if start else 200)
        rest = self.content[start:]
        if "lengthless" not in self.path:
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        breaks = "cut" in self.path and not ("cut-once" in self.path and len(self.asked) > 1)
        self.sent.append(self.wfile.write(rest[: len(rest) // 2] if breaks else rest))

    def log_message(self, *arguments):
        """Stay silent."""


class Steps:
    """A monitor that writes down, and stops when asked to."""

    def __init__(self, stop=False):
        self.seen, self.stop = [], stop

    def step(self, done, total, note=""):
        self.seen.append((done, total, note))
        if self.stop:
            raise Cancelled(note)


@pytest.fixture(scope="module")
def content():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = build_network("burst_naf", PARAMETERS).state_dict()
    # large enough to come in several pieces
    return save(state, metadata={"filler": "x" * 600_000})


@pytest.fixture(scope="module")
def address(content):
    Server.content = content
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(folders, "models_folder", lambda: tmp_path / "models")
    Server.asked.clear()
    Server.sent.clear()
    return tmp_path / "models/downloads"


@pytest.fixture
def card_at(tmp_path, address, content, home):
    def make(name, sha256=None):
        card = ModelCard(
            "far", "1", "Far", "A net for tests.", "denoise", "burst_naf", PARAMETERS,
            sha256=sha256 or hashlib.sha256(content).hexdigest(), tiling=TilingRule(4, 32), license="MIT",
            weights_url=f"{address}/{name}",
        )  # fmt: skip
        return read_card(write_card(card, tmp_path / "far.toml"))

    return make


def test_a_card_names_the_place_before_the_file_is_there(card_at, home, tmp_path):
    card = card_at("far.safetensors")
    assert card.weights == home / f"far-{card.sha256[:12]}.safetensors"
    assert not card.is_ready
    assert read_card(write_card(card, tmp_path / "again.toml")) == card
    with pytest.raises(ModelError, match="models fetch far"):
        load_network(card)


@pytest.mark.parametrize("name", ["far.safetensors", "lengthless.safetensors"])
def test_the_file_comes_once_with_its_progress_told(card_at, content, name):
    card, steps = card_at(name), Steps()
    assert fetch_weights(card, steps).read_bytes() == content
    done = [done for done, _, _ in steps.seen]
    assert len(done) > 2
    assert done == sorted(done)
    assert done[-1] == steps.seen[-1][1]
    assert all(done <= total for done, total, _ in steps.seen)
    again = Steps()
    fetch_weights(replace(card, weights_url="http://127.0.0.1:9/gone.safetensors"), again)
    assert again.seen == []
    assert card.is_ready
    load_network(card)


def test_a_restorer_fetches_what_it_needs(card_at, tmp_path):
    card_at("far.safetensors")
    steps = Steps()
    assert load_restorer(tmp_path / "far.toml", device="cpu", monitor=steps).id == "far"
    assert {note for _, _, note in steps.seen} == {"downloading far, kB"}


@pytest.mark.parametrize(
    ("name", "what", "remedy"),
    [
        ("404.safetensors", "answered 404 Not Found", "newer version"),
        ("503.safetensors", "answered 503 Service Unavailable", "Try again later"),
        ("cut.safetensors", "broke off after", "goes on from there"),
        ("cut-lengthless.safetensors", "SHA-256 is not", "Try again"),
    ],
)
def test_what_does_not_come_whole_is_told_in_one_sentence_and_takes_no_name(
    card_at, home, name, what, remedy
):
    card = card_at(name)
    with pytest.raises(ModelError, match=what) as caught:
        fetch_weights(card)
    assert card.weights_url in str(caught.value)
    assert remedy in str(caught.value)
    assert list(home.glob("far*")) == []


@pytest.mark.parametrize("place", ["rest/", ""])
def test_a_download_that_broke_off_goes_on_if_the_server_can_else_begins_anew(card_at, content, home, place):
    card = card_at(f"{place}cut-once.safetensors")
    with pytest.raises(ModelError, match="broke off"):
        fetch_weights(card)
    (part,) = home.iterdir()
    came = part.stat().st_size
    assert 0 < came < len(content)
    steps = Steps()
    assert fetch_weights(card, steps).read_bytes() == content
    assert Server.asked == [None, f"bytes={came}-"]
    assert Server.sent[1] == (len(content) - came if place else len(content))
    assert steps.seen[-1][:2] == (len(content) // 1000, len(content) // 1000)
    assert (steps.seen[0][0] > came // 1000) == bool(place)
    assert list(home.iterdir()) == [card.weights]


def test_a_part_that_is_whole_is_only_checked(card_at, content, home):
    card = card_at("rest/far.safetensors")
    home.mkdir(parents=True)
    (home / f".{card.weights.name}.part").write_bytes(content)
    assert fetch_weights(card).read_bytes() == content
    assert Server.sent == []


def test_a_part_of_another_file_is_found_out_and_the_next_try_begins_anew(card_at, content, home):
    card = card_at("rest/far.safetensors")
    home.mkdir(parents=True)
    (home / f".{card.weights.name}.part").write_bytes(b"other bytes")
    with pytest.raises(ModelError, match="SHA-256 is not"):
        fetch_weights(card)
    assert fetch_weights(card).read_bytes() == content


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no device that is always full")
def test_a_full_disk_is_told(card_at, home):
    card = card_at("far.safetensors")
    home.mkdir(parents=True)
    (home / f".{card.weights.name}.part").symlink_to("/dev/full")
    with pytest.raises(ModelError, match=r"the disk of .* is full"):
        fetch_weights(card)


def test_a_folder_that_cannot_be_written_is_told(card_at, home):
    card = card_at("far.safetensors")
    (home / f".{card.weights.name}.part").mkdir(parents=True)
    with pytest.raises(ModelError, match="could not be written"):
        fetch_weights(card)


def test_another_file_than_the_card_says_is_refused(card_at, home):
    with pytest.raises(ModelError, match="SHA-256 is not 0000"):
        fetch_weights(card_at("far.safetensors", "0" * 64))
    assert list(home.glob("*")) == []


def test_nobody_at_the_address(card_at, home):
    card = replace(card_at("far.safetensors"), weights_url="http://127.0.0.1:9/far.safetensors")
    with pytest.raises(ModelError, match=r"cannot be reached.*Check the connection"):
        fetch_weights(card)
    assert list(home.glob("*")) == []


def test_a_download_that_was_stopped_goes_on(card_at, home, content):
    card = card_at("rest/far.safetensors")
    with pytest.raises(Cancelled):
        fetch_weights(card, Steps(stop=True))
    assert not card.is_ready
    assert fetch_weights(card).read_bytes() == content
    assert Server.asked[1].startswith("bytes=")


def test_cards_with_their_weights_beside_them_never_ask_the_network(monkeypatch):
    import requests

    monkeypatch.setattr(requests, "get", lambda *_, **__: pytest.fail("the network was asked"))
    card = ModelCard("near", "1", "Near", "A net.", "denoise", "burst_naf")
    assert fetch_weights(card) is None


@pytest.mark.parametrize(
    ("url", "sha256"), [("ftp://a/b.pt", "0" * 64), ("http://a/b.pt", ""), ("file:///etc/x", "0" * 64)]
)
def test_an_address_is_http_and_comes_with_a_hash(tmp_path, url, sha256):
    card = ModelCard("far", "1", "Far", "A net.", "denoise", "burst_naf", license="MIT", weights_url=url)
    with pytest.raises(ModelError, match="weights_url"):
        write_card(replace(card, sha256=sha256), tmp_path / "far.toml")
