"""The benchmarked models in PyTorch: `torch_models.py MODEL --epochs N --threads T`.

The data is in memory as float32 tensors, and batches are selected by a new permutation each epoch, which is the
fastest idiomatic loop (a DataLoader costs more than these models do). Weights start as the notebooks' do.
"""
import torch
from torch import nn
from torch.nn.functional import cross_entropy

import peer


def dense_linear():
    network = nn.Sequential(nn.Linear(784, 600), nn.Linear(600, 400), nn.ReLU(), nn.Linear(400, 10))
    return network, torch.optim.Adam(network.parameters(), fused=True)


def lenet5():
    network = nn.Sequential(
        nn.Conv2d(1, 6, 2), nn.MaxPool2d(2), nn.Sigmoid(),
        nn.Conv2d(6, 16, 5), nn.MaxPool2d(2), nn.Sigmoid(),
        nn.Conv2d(16, 120, 4), nn.Flatten(),
        nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10))
    return network, torch.optim.SGD(network.parameters(), lr=0.01, fused=True)


def dropout_mlp():
    network = nn.Sequential(
        nn.Linear(784, 512), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(512, 512), nn.ReLU(), nn.Dropout(0.2), nn.Linear(512, 10))
    # RMSprop has no fused form in PyTorch. Keras puts epsilon inside the root; the cost is the same.
    return network, torch.optim.RMSprop(network.parameters(), lr=0.001, alpha=0.9, eps=1e-7)


def basic_nn():
    network = nn.Sequential(nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 10))
    return network, torch.optim.Adam(network.parameters(), fused=True)


def deep_sigmoid():
    network = nn.Sequential(
        nn.BatchNorm1d(784, eps=1e-3, momentum=0.01),
        nn.Linear(784, 200), nn.Sigmoid(), nn.Linear(200, 100), nn.Sigmoid(), nn.Linear(100, 60), nn.Sigmoid(),
        nn.Linear(60, 30), nn.Sigmoid(), nn.Linear(30, 10))
    return network, torch.optim.SGD(network.parameters(), lr=0.03, fused=True)


MODELS = {made.__name__: made for made in (dense_linear, lenet5, dropout_mlp, basic_nn, deep_sigmoid)}


def start(model, network):
    """Initializes the weights with the distribution of the notebook."""
    for module in network.modules():
        if not isinstance(module, (nn.Linear, nn.Conv2d)):
            continue
        if model == "basic_nn":
            nn.init.normal_(module.weight, 0.5, 0.7)
            nn.init.normal_(module.bias, 0.5, 0.7)
        else:
            nn.init.xavier_uniform_(module.weight)
            nn.init.zeros_(module.bias)


def shape(model):
    """The shape of a sample."""
    return (1, 28, 28) if model == "lenet5" else (784,)


def main():
    asked = peer.options()
    torch.set_num_threads(asked.threads)
    torch.manual_seed(12345)
    network, optimizer = MODELS[asked.model]()
    start(asked.model, network)
    images, labels = peer.digits(asked.model, asked.limit)
    images, labels = torch.from_numpy(images).reshape(-1, *shape(asked.model)), torch.tensor(labels).long()

    def epoch():
        losses = []
        for rows in torch.randperm(len(images)).split(peer.BATCH[asked.model]):
            loss = cross_entropy(network(images.index_select(0, rows)), labels.index_select(0, rows))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append((loss.detach(), len(rows)))
        return losses

    peer.run(asked, epoch)


if __name__ == "__main__":
    main()
