#!/usr/bin/env python3
"""Packs the small ones of ONNX' tests of single nodes, for the supported operators, into nodes.bin.

    target/interop/venv/bin/python tests/onnx/pack.py

A file in it is two lengths of four bytes each, little-endian, then its name and its bytes.
"""
import pathlib
import struct

import onnx
import operators

HERE = pathlib.Path(__file__).resolve().parent
NODES = pathlib.Path(onnx.__file__).parent / "backend/test/data/node"
MOST = 6000


def main():
    known, packed, count = operators.own(), [], 0
    for folder in sorted(NODES.iterdir()):
        model = folder / "model.onnx"
        files = [model, *sorted((folder / "test_data_set_0").glob("*.pb"))]
        nodes = onnx.load(model).graph.node
        if all(node.op_type in known and not node.domain for node in nodes) and sum(f.stat().st_size for f in files) <= MOST:
            count += 1
            for file in files:
                name, content = f"{folder.name}/{file.name}".encode(), file.read_bytes()
                packed.append(struct.pack("<II", len(name), len(content)) + name + content)
    (HERE / "nodes.bin").write_bytes(b"".join(packed))
    print(f"{count} tests, {sum(map(len, packed))} bytes")


if __name__ == "__main__":
    main()
