"""The networks of networks.txt in PyTorch: `torch_networks.py MODEL --layout L --epochs N --threads T`.

Batches are selected from tensors in memory by a new permutation each epoch. With the layout `channels_last`, images and
weights of convolutions have that memory format. Strided convolutions pad symmetrically, which costs the same as `same`.
"""
import torch
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

import peer
from networks import NETWORKS


class Block(nn.Module):
    """Two convolutions with a shortcut around them."""

    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.path = nn.Sequential(
            nn.Conv2d(inputs, filters, 3, stride, 1), norm(nn.BatchNorm2d, filters), nn.ReLU(),
            nn.Conv2d(filters, filters, 3, 1, 1), norm(nn.BatchNorm2d, filters))
        narrow = stride > 1 or inputs != filters
        self.shortcut = nn.Sequential(
            nn.Conv2d(inputs, filters, 1, stride), norm(nn.BatchNorm2d, filters)) if narrow else nn.Identity()

    def forward(self, x):
        return torch.relu(self.path(x) + self.shortcut(x))


class Last(nn.Module):
    """The last output of a recurrent layer."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0][:, -1]


class Mean(nn.Module):
    """The mean over all positions, which are the axes after the channels."""

    def forward(self, x):
        return x.mean(tuple(range(2, x.dim())))


def norm(kind, channels):
    return kind(channels, eps=1e-3, momentum=0.01)


def built(network):
    """The modules. Channels come before positions, except before recurrent layers."""
    modules, shape = [], list(network.shape)  # `shape` is that of a sample, channels last
    for kind, sizes in network.layers:
        if kind == "dense":
            modules.append(nn.Linear(shape[-1], sizes[0]))
            shape = [sizes[0]]
        elif kind == "conv":
            stride = sizes[2] if len(sizes) > 2 else 1
            modules.append(nn.Conv2d(shape[2], sizes[0], sizes[1], stride, sizes[1] // 2))
            shape = [-(-shape[0] // stride), -(-shape[1] // stride), sizes[0]]
        elif kind == "depthwise":
            stride = sizes[1] if len(sizes) > 1 else 1
            modules.append(nn.Conv2d(shape[2], shape[2], sizes[0], stride, sizes[0] // 2, groups=shape[2]))
            shape[:2] = [-(-size // stride) for size in shape[:2]]
        elif kind == "conv1d":
            modules.append(nn.Conv1d(shape[1], sizes[0], sizes[1], padding="same"))
            shape[1] = sizes[0]
        elif kind == "block":
            modules.append(Block(shape[2], *sizes))
            shape = [*(-(-size // sizes[1]) for size in shape[:2]), sizes[0]]
        elif kind == "norm":
            kinds = {1: nn.BatchNorm1d, 2: nn.BatchNorm1d, 3: nn.BatchNorm2d}
            modules.append(norm(kinds[len(shape)], shape[-1]))
        elif kind == "relu":
            modules.append(nn.ReLU())
        elif kind == "tanh":
            modules.append(nn.Tanh())
        elif kind == "pool":
            modules.append(nn.MaxPool2d(2))
            shape[:2] = [size // 2 for size in shape[:2]]
        elif kind == "flatten":
            modules.append(nn.Flatten())
            shape = [int(torch.tensor(shape).prod())]
        elif kind == "global":
            modules.append(Mean())
            shape = shape[-1:]
        elif kind == "embedding":
            modules.append(nn.Embedding(*sizes))
            shape.append(sizes[1])
        elif kind in ("lstm", "gru"):
            layer = nn.LSTM if kind == "lstm" else nn.GRU
            modules.append(Last(layer(shape[1], sizes[0], batch_first=True)))
            shape = [sizes[0]]
        elif kind != "reproduce":
            raise SystemExit(f"unknown layer {kind}")
    return nn.Sequential(*modules)


def main():
    asked = peer.options(NETWORKS, layouts=["contiguous", "channels_last"])
    network = NETWORKS[asked.model]
    torch.set_num_threads(asked.threads)
    torch.manual_seed(12345)
    model = built(network)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    inputs, targets = map(torch.from_numpy, network.data(asked.limit))
    convolutional = any(kind in ("conv", "conv1d") for kind, _ in network.layers)
    if convolutional:
        inputs = inputs.movedim(-1, 1).contiguous()
    if asked.layout == "channels_last" and inputs.dim() == 4:
        model, inputs = model.to(memory_format=torch.channels_last), inputs.contiguous(memory_format=torch.channels_last)
    targets = targets if network.reproduces else targets.long()
    measure = mse_loss if network.reproduces else cross_entropy

    def epoch():
        losses = []
        for rows in torch.randperm(len(inputs)).split(network.batch):
            x = inputs.index_select(0, rows)
            loss = measure(model(x), x if network.reproduces else targets.index_select(0, rows))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append((loss.detach(), len(rows)))
        return losses

    peer.run(asked, epoch)


if __name__ == "__main__":
    main()
