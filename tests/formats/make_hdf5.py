#!/usr/bin/env python3
"""Writes arrays as h5py stores them in chunks, with filters and with other types of floats: chunks.h5, chunks_latest.h5.

    /tmp/py/bin/python tests/formats/make_hdf5.py

Element i of an array is i / 2 - 3, except for those of "partly", whose first two rows of chunks alone are written.
"""
import pathlib

import h5py
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent


def values(*shape, dtype="<f4"):
    return (np.arange(np.prod(shape)) / 2 - 3).reshape(shape).astype(dtype)


def write(name, libver, many):
    """Writes arrays in groups of few members, as h5py indexes larger groups in another way."""
    with h5py.File(HERE / name, "w", libver=libver) as file:
        filtered, plain, floats = (file.create_group(group) for group in ["filtered", "plain", "floats"])
        filtered.create_dataset("gzip", data=values(40, 3), chunks=(16, 2), compression="gzip")
        filtered.create_dataset("shuffle", data=values(9, 4, 2), chunks=(4, 4, 1), shuffle=True, compression="gzip")
        filtered.create_dataset("all", data=values(9, 4), chunks=(4, 3), shuffle=True, compression="gzip", fletcher32=True)
        filtered.create_dataset("checksum", data=values(11), chunks=(4,), fletcher32=True)
        filtered.create_dataset("one", data=values(4, 4), chunks=(4, 4), compression="gzip")
        filtered.create_dataset("many", data=values(many), chunks=(2,), compression="gzip")
        filtered.create_dataset("lzf", data=values(16), chunks=(4,), compression="lzf")
        plain.create_dataset("some", data=values(7, 5), chunks=(3, 2))
        plain.create_dataset("one", data=values(4, 4), chunks=(4, 4))
        plain.create_dataset("many", data=values(many), chunks=(2,))
        partly = plain.create_dataset("partly", shape=(6, 4), dtype="<f4", chunks=(2, 2), fillvalue=1.5)
        partly[:4] = values(4, 4)
        early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        early.set_chunk((2, 3))
        early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        space = h5py.h5s.create_simple((5, 4))
        h5py.h5d.create(plain.id, b"early", h5py.h5t.IEEE_F32LE, space, early)
        plain["early"][...] = values(5, 4)
        for dtype in ["f2", "f4", "f8", "i4"]:
            floats.create_dataset(f"big_endian_{dtype}", data=values(3, 4, dtype=f">{dtype}"))
        floats.create_dataset("big_endian_gzip", data=values(3, 4, dtype=">f4"), chunks=(2, 2), compression="gzip")
        floats.create_dataset("f8_gzip", data=values(3, 4, dtype="<f8"), chunks=(2, 2), compression="gzip")


write("chunks.h5", "earliest", 200)
write("chunks_latest.h5", "v110", 2052)
