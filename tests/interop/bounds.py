"""The models of both checks, and the tolerance of predictions."""

import numpy as np

EXAMPLES = ["dense_linear", "lenet5", "dropout_mlp", "deep_sigmoid"]


def same_predictions(found, expected, place):
    """Checks |a - b| <= 1e-5 max(1, max|b|), and the class if the two largest values differ by more than 1e-4."""
    apart = np.abs(found - expected).max()
    assert apart <= 1e-5 * max(1, np.abs(expected).max()), f"{place}: predictions differ by {apart}"
    if expected.shape[-1] == 1:
        return apart
    order = np.sort(expected, axis=-1)
    clear = order[..., -1] - order[..., -2] > 1e-4
    same = found.argmax(-1) == expected.argmax(-1)
    assert same[clear].all(), f"{place}: another class"
    return apart
