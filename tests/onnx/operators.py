"""The operators in the tables of src/formats/onnx/operators."""
import pathlib
import re

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "src/formats/onnx/operators"

OF_SCIKIT_LEARN = SOURCES / "scikit_learn.rs"


def names(path):
    """Each operator with the first supported operator set."""
    return {name: int(since) for name, since in re.findall(r'operator\(\s*"(\w+)",\s*(\d+)', path.read_text())}


def own():
    """The operators of the default domain."""
    found = {}
    for path in sorted(set(SOURCES.glob("*.rs")) - {OF_SCIKIT_LEARN}):
        found.update(names(path))
    return found


def of_scikit_learn():
    """The operators of the domain ai.onnx.ml."""
    return names(OF_SCIKIT_LEARN)
