"""The benchmarked models in PyTorch: `torch_models.py MODEL --epochs N --threads T`.

Prints `epoch N seconds S loss L` for each epoch: seconds of training alone, and the mean loss over its rows. The data
lies in memory as float32 tensors and a batch is picked from them by a fresh permutation each epoch, which is the
fastest idiomatic loop (a DataLoader costs more than these models do). Weights start as Keras starts them.
"""
import argparse
import gzip
import pathlib
import time

import torch
from torch import nn
from torch.nn.functional import cross_entropy

DATA = pathlib.Path(__file__).resolve().parents[2] / "data" / "mnist"


def idx(name, header):
    """The bytes after an IDX file's header."""
    content = gzip.decompress((DATA / f"{name}.gz").read_bytes())
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=header)


def lenet5():
    network = nn.Sequential(
        nn.Conv2d(1, 6, 2), nn.MaxPool2d(2), nn.Sigmoid(),
        nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.Sigmoid(),
        nn.Conv2d(16, 120, 4), nn.Flatten(),
        nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))
    return network, (1, 28, 28), 128, torch.optim.SGD(network.parameters(), lr=0.01, fused=True)


def dropout_mlp():
    network = nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 10))
    # RMSprop has no fused form in PyTorch. Keras puts epsilon inside the root; the cost is the same.
    return network, (784,), 32, torch.optim.RMSprop(network.parameters(), lr=0.001, alpha=0.9, eps=1e-7)


MODELS = {"lenet5": lenet5, "dropout_mlp": dropout_mlp}


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("model", choices=MODELS)
    options.add_argument("--epochs", type=int, default=1)
    options.add_argument("--threads", type=int, default=2)
    options = options.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(12345)

    network, shape, batch, optimizer = MODELS[options.model]()
    for module in network.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)
    images = (idx("train-images-idx3-ubyte", 16).float() / 255).reshape(-1, *shape)
    labels = idx("train-labels-idx1-ubyte", 8).long()

    network.train()
    for epoch in range(1, options.epochs + 1):
        losses = []
        start = time.perf_counter()
        for rows in torch.randperm(len(images)).split(batch):
            loss = cross_entropy(network(images.index_select(0, rows)), labels.index_select(0, rows))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append((loss.detach(), len(rows)))
        seconds = time.perf_counter() - start
        mean = sum(loss.item() * rows for loss, rows in losses) / len(images)
        print(f"epoch {epoch} seconds {seconds:.4f} loss {mean:.4f}", flush=True)


if __name__ == "__main__":
    main()
