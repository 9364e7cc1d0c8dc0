"""The programs to time, and how each is started: bound to its cores and with its number of threads."""
import os
import pathlib
import shutil
import sys

import networks

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
OURS = TARGET / "release"
RUST = TARGET / "peers" / "rust" / "release"

# A program takes `MODEL --epochs N --threads T --wait` and prints `epoch N seconds S loss L` for each epoch. These train the
# models of the notebooks.
MODELS = {
    "gradus": [OURS / "epoch"],
    "PyTorch": [sys.executable, HERE / "torch_models.py"],
    "Keras": [sys.executable, HERE / "keras_models.py"],
    "JAX": [sys.executable, HERE / "jax_models.py"],
    "burn": [RUST / "burn_models"],
    "candle": [RUST / "candle_models"],
    "rustyml": [RUST / "rustyml_models"],
}
# These train the networks of networks.txt.
NETWORKS = {
    "gradus": [OURS / "epoch"],
    "PyTorch": [sys.executable, HERE / "torch_networks.py", "--layout", "contiguous"],
    "PyTorch-NHWC": [sys.executable, HERE / "torch_networks.py", "--layout", "channels_last"],
    "Keras": [sys.executable, HERE / "keras_networks.py"],
    "JAX": [sys.executable, HERE / "jax_networks.py"],
    "burn": [RUST / "burn_networks"],
}
# A program takes `--threads T` and prints `product F`, the FLOP/s of one large product.
PRODUCTS = {"gradus": [OURS / "product"], "PyTorch": [sys.executable, HERE / "torch_product.py"]}

# Environment variables that configure mathematics libraries are set here only.
STEERING = ("OPENBLAS_", "MKL_", "OMP_", "GOMP_", "KMP_", "BLIS_", "NVPL_", "XLA_", "TF_", "RAYON_", "CANDLE_", "GRADUS_")
POOLS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS")


def environment(threads):
    """The caller's environment with fixed settings for mathematics libraries."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(STEERING)}
    return kept | {name: str(threads) for name in POOLS} | {"TF_CPP_MIN_LOG_LEVEL": "3"}


def bound(command, threads):
    """The command, bound to as many cores as it has threads if the system supports that."""
    cores = sorted(os.sched_getaffinity(0))[:threads] if hasattr(os, "sched_getaffinity") else []
    bind = ["taskset", "-c", ",".join(map(str, cores))] if cores and shutil.which("taskset") else []
    return [*bind, *map(str, command), "--threads", str(threads)]


def programs(model):
    """The programs that train this model."""
    return NETWORKS if model in networks.NETWORKS else MODELS
