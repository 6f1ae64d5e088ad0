"""Send frames from another program (DigitalMicrograph's Python, LiberTEM-live, ...) to the network camera.

The sender needs pyzmq only; copy its 20 lines. The protocol: napari_emrestore/cameras/network_protocol.py
"""

import json
import threading

import numpy as np
import zmq

from napari_emrestore.cameras import open_camera

ADDRESS = "tcp://127.0.0.1:5599"


# --- the sender: copy from here ...
def send(frames, address, **facts):
    context = zmq.Context()
    socket = context.socket(zmq.PUSH)
    socket.setsockopt(zmq.SNDHWM, 4)  # frames that wait for a slow receiver
    socket.connect(address)
    for index, frame in enumerate(frames):
        pixels = np.ascontiguousarray(frame, dtype="<u2")
        header = {
            "protocol": "emrestore-frames/1",
            "index": index,
            "shape": pixels.shape,
            "dtype": "u2",
            **facts,
        }
        # with zmq.NOBLOCK and `except zmq.Again: pass` frames are dropped instead; the receiver counts them
        socket.send_multipart([json.dumps(header).encode(), pixels])
    socket.close()
    context.term()


# --- ... to here


frames = np.random.default_rng(0).poisson(100, (5, 64, 80))
sender = threading.Thread(target=send, args=(frames, ADDRESS), kwargs={"pixel_size_nm": [0.2, 0.2]})
sender.start()
with open_camera("network", address=ADDRESS) as camera:
    print(
        f"{camera.acquisition.name}: {camera.frame_shape} {camera.dtype}, {camera.acquisition.pixel_size_nm}"
    )
    for _, frame in zip(range(5), camera, strict=False):
        print(f"frame {frame.index}: mean {frame.data.mean():.1f}")
sender.join()
