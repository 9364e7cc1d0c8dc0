#!/usr/bin/env python3
"""Writes augmentation.txt: images that the random layers of Keras make for given random numbers.

    target/oracle/bin/python tests/golden/make_augmentation.py            # writes the file
    target/oracle/bin/python tests/golden/make_augmentation.py --check    # compares with the committed file, writes nothing

Needs tensorflow, whose kernel transforms images; computed in float32. Uses the writer of make.py, which documents the format
and --check.

`x`: images; `given`: the random numbers of each image; `y`: the images of `transform_images` for these numbers.

translation  columns to the right, rows down          shear      the factors of x and y
rotation     degrees                                  contrast   the factor
zoom         the factors of the width and the height  brightness the number that is added
flip         1 for a mirrored image                   crop       the first row and column, equal for all images
erasing      the first and the last row, the first and the last column of a rectangle; the fill value is 0.5
cut_mix      the same, and the number of the other image
mix_up       the number of the other image, the weight of the image itself
elastic      the rows of all pixels, and then the columns; y = ops.image.map_coordinates
blur         x: a field; y = ops.image.gaussian_blur with `sigma`
"""
import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import sys

import make
import numpy as np
from keras import layers, ops
from make import draw, numpy

FILLS = ("constant", "reflect", "wrap", "nearest")
INTERPOLATIONS = ("bilinear", "nearest")
SHAPE = (3, 5, 4, 2)


def column(given, at):
    return ops.convert_to_tensor(given[:, at:at + 1])


def case(file, name, text, given, transform, shape=SHAPE):
    """`transform(x, given)` returns the images."""
    rng = file.case(name, text)
    x, given = draw(rng, shape), np.float32(given(rng) if callable(given) else given)
    file.put(x=x, given=given, y=numpy(transform(ops.convert_to_tensor(x), given)))


def pictures(layer, transformation):
    return lambda x, given: layer.transform_images(x, transformation(x, given), training=True)


def affine(file):
    for fill in FILLS:
        for interpolation in INTERPOLATIONS:
            options = {"fill_mode": fill, "interpolation": interpolation, "fill_value": 0.5}
            end = f"{fill}-{interpolation}"

            def uniform(*limits):
                return lambda rng: np.stack([rng.uniform(low, high, 3) for low, high in limits], 1)

            layer = layers.RandomTranslation(1.0, 1.0, **options)
            case(file, f"translation-{end}", "RandomTranslation", uniform((-9, 9), (-12, 12)),
                 pictures(layer, lambda x, given: {"translations": given, "input_shape": x.shape}))
            layer = layers.RandomRotation(1.0, **options)

            def rotation(x, given, layer=layer):
                zeros = ops.zeros([3])
                matrix = layer._compute_affine_matrix(
                    center_x=0.5, center_y=0.5, angle=ops.convert_to_tensor(given[:, 0]), translate_x=zeros,
                    translate_y=zeros, scale=zeros + 1, shear_x=zeros, shear_y=zeros, height=x.shape[1], width=x.shape[2])
                return {"rotation_matrix": matrix}

            case(file, f"rotation-{end}", "RandomRotation", uniform((-360, 360)), pictures(layer, rotation))
            layer = layers.RandomZoom(1.0, 1.0, **options)
            case(file, f"zoom-{end}", "RandomZoom", uniform((0.2, 2), (0.2, 3)),
                 pictures(layer, lambda x, given: {"width_zoom": column(given, 0), "height_zoom": column(given, 1)}))
            layer = layers.RandomShear(1.0, 1.0, **options)
            case(file, f"shear-{end}", "RandomShear", uniform((-1, 1), (-1, 1)),
                 pictures(layer, lambda x, given: {"shear_factor": ops.convert_to_tensor(given)}))

            def positions(rng):
                rows, columns = np.meshgrid(np.arange(5), np.arange(4), indexing="ij")
                return np.stack([rows, columns])[None] + rng.normal(0, 3, (3, 2, 5, 4))

            def elastic(x, given, options=options):
                order = ("nearest", "bilinear").index(options["interpolation"])
                channels = [[ops.image.map_coordinates(x[b, :, :, c], given[b], order, fill_mode=options["fill_mode"],
                                                       fill_value=0.5) for c in range(2)] for b in range(3)]
                return ops.stack([ops.stack(image, -1) for image in channels])

            case(file, f"elastic-{end}", "ops.image.map_coordinates", positions, elastic)


def others(file):
    for end, mode in (("", "horizontal"), ("-1", "vertical"), ("-2", "horizontal_and_vertical")):
        layer = layers.RandomFlip(mode)
        flips = lambda x, given: {"flips": ops.reshape(given > 0, (3, 1, 1, 1)), "input_shape": x.shape}
        case(file, f"flip{end}", f'RandomFlip("{mode}")', [[1], [0], [1]], pictures(layer, flips))
    case(file, "crop", "RandomCrop(3, 2)", [[2, 1]] * 3,
         pictures(layers.RandomCrop(3, 2), lambda x, given: (int(given[0, 0]), int(given[0, 1]))))
    factors = lambda name: lambda x, given: {name: ops.reshape(given, (3, 1, 1, 1))}
    case(file, "contrast", "RandomContrast(1.0, value_range=(-1, 1.5))", np.reshape([0.3, 1.7, 1.1], (3, 1, 1, 1)),
         pictures(layers.RandomContrast(1.0, value_range=(-1.0, 1.5)), factors("contrast_factor")))
    case(file, "brightness", "RandomBrightness(1.0, value_range=(-1, 1.5))", np.reshape([-1.2, 0.4, 2.0], (3, 1, 1, 1)),
         pictures(layers.RandomBrightness(1.0, value_range=(-1.0, 1.5)), factors("rgb_delta")))
    boxes = np.float32([[0.5, 3.5, 1, 3], [0, 2.2, 2.9, 4], [1, 1.5, 0, 4]])
    borders = lambda given: [ops.convert_to_tensor(given[:, at]) for at in (2, 3, 0, 1)]
    layer = layers.RandomErasing(fill_value=0.5, value_range=(-1, 1))
    erasing = lambda x, given: {
        "apply_erasing": ops.convert_to_tensor([True] * 3),
        "batch_masks": layer._generate_batch_mask(x.shape, borders(given)),
        "fill_value": layer._get_fill_value(x, x.shape, 1),
    }
    case(file, "erasing", "RandomErasing(fill_value=0.5)", boxes, pictures(layer, erasing))
    mixing = layers.CutMix()
    cut = lambda x, given: {
        "permutation_order": ops.convert_to_tensor(given[:, 4].astype(np.int32)),
        "batch_masks": mixing._generate_batch_mask(x.shape, borders(given))[0],
    }
    case(file, "cut_mix", "CutMix()", np.concatenate([boxes, [[2], [0], [1]]], 1), pictures(mixing, cut))
    mix = lambda x, given: {
        "permutation_order": ops.convert_to_tensor(given[:, 0].astype(np.int32)),
        "mix_weight": ops.convert_to_tensor(given[:, 1]),
    }
    case(file, "mix_up", "MixUp()", [[2, 0.25], [1, 0.5], [0, 0.9]], pictures(layers.MixUp(), mix))
    for end, sigma, shape in (("", 0.7, (5, 4)), ("-1", 1.3, (9, 12))):
        rng = file.case(f"blur{end}", "ops.image.gaussian_blur")
        x, size = draw(rng, shape), 6 * int(sigma) | 1
        y = ops.image.gaussian_blur(x[None, :, :, None], (size, size), (sigma, sigma), data_format="channels_last")
        file.put(x=x, sigma=sigma, y=numpy(y)[0, :, :, 0])


def augmentation(file):
    affine(file)
    others(file)


if __name__ == "__main__":
    sys.argv += ["--floatx", "float32"]
    make.main({"augmentation": augmentation}, "make_augmentation.py")
