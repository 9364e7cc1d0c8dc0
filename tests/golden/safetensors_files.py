#!/usr/bin/env python3
"""Writes foreign.safetensors with Hugging Face's library, and opens files that gradus has written with it.

    python3 -m venv target/oracle
    target/oracle/bin/pip install safetensors numpy
    target/oracle/bin/python tests/golden/safetensors_files.py [FILE …]    # default: the committed model-v1.safetensors

Also checks the opened files: shapes against the description, and the checksum.
"""
import hashlib
import json
import pathlib
import struct
import sys

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).resolve().parent


def write_foreign():
    kernel = np.arange(6, dtype=np.float32).reshape(2, 3) * np.float32(0.5) - 1
    bias = np.array([0.1, 0.1, 0.1], np.float32)
    save_file({"dense/kernel": kernel, "dense/bias": bias}, HERE / "foreign.safetensors", metadata={"format": "np"})


def checksum(metadata, arrays):
    digest = hashlib.sha256()

    def text(words):
        digest.update(struct.pack("<Q", len(words.encode())) + words.encode())

    for key in sorted(metadata):
        if key != "gradus.sha256":
            text(key)
            text(metadata[key])
    for name, array in arrays:
        text(name)
        text(" × ".join(map(str, array.shape)) or "()")
        digest.update(array.astype("<f4").tobytes())
    return digest.hexdigest()


def check(path):
    with safe_open(path, "np") as file:
        metadata = file.metadata()
        arrays = [(name, file.get_tensor(name)) for name in file.offset_keys()]
    assert metadata["gradus.version"] == "1", metadata
    assert metadata["gradus.sha256"] == checksum(metadata, arrays), "another checksum"
    classes = [layer["class"] for layer in json.loads(metadata.get("gradus.model", '{"layers": []}'))["layers"]]
    print(f"{path}: {len(arrays)} arrays of {sum(array.size for _, array in arrays)} numbers; layers {classes}")


if __name__ == "__main__":
    write_foreign()
    for path in sys.argv[1:] or [HERE / "model-v1.safetensors"]:
        check(path)
