"""The networks of networks.txt in JAX with optax: `jax_networks.py MODEL --epochs N --threads T`.

A step is one compiled function that picks its batch by index, and whose weights are donated to it. Recurrent layers are
`lax.scan`. Running statistics of batch normalization are not kept, which costs less.
"""
import os

import peer
from networks import NETWORKS

asked = peer.options(NETWORKS)
network = NETWORKS[asked.model]
# XLA sizes its pools when it is loaded.
os.environ["NPROC"] = str(asked.threads)
if asked.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import numpy
import optax

random = numpy.random.default_rng(12345)
glorot = jax.nn.initializers.glorot_uniform()


def weights(*sizes):
    return glorot(jax.random.key(int(random.integers(1 << 31))), sizes)


def convolution(kernel, stride, groups=1):
    """Weights and function of a convolution with this shape of kernel, over one or two axes."""
    axes = len(kernel) - 2
    layout = ("NHWC", "HWIO", "NHWC") if axes == 2 else ("NWC", "WIO", "NWC")

    def forward(w, x):
        return w["b"] + jax.lax.conv_general_dilated(
            x, w["w"], (stride,) * axes, "SAME", dimension_numbers=layout, feature_group_count=groups)

    return {"w": weights(*kernel), "b": jnp.zeros(kernel[-1])}, forward


def norm(channels):
    def forward(w, x):
        axes = tuple(range(x.ndim - 1))
        return (x - x.mean(axes)) * (jax.lax.rsqrt(x.var(axes) + 1e-3) * w["gamma"]) + w["beta"]

    return {"gamma": jnp.ones(channels), "beta": jnp.zeros(channels)}, forward


def chain(*parts):
    """Weights and function of layers in a row."""
    def forward(w, x):
        for own, (_, part) in zip(w, parts):
            x = part(own, x)
        return x

    return [own for own, _ in parts], forward


def plain(function):
    """A layer without weights."""
    return {}, lambda _, x: function(x)


def block(inputs, filters, stride):
    path_weights, path = chain(
        convolution((3, 3, inputs, filters), stride), norm(filters), plain(jax.nn.relu),
        convolution((3, 3, filters, filters), 1), norm(filters))
    short_weights, short = chain(*(
        [convolution((1, 1, inputs, filters), stride), norm(filters)] if stride > 1 or inputs != filters else []))
    return [path_weights, short_weights], lambda w, x: jax.nn.relu(path(w[0], x) + short(w[1], x))


def lstm(inputs, units):
    def forward(w, x):
        def step(state, projected):
            h, c = state
            i, f, g, o = jnp.split(projected + h @ w["u"], 4, axis=-1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        zero = jnp.zeros((len(x), units))
        return jax.lax.scan(step, (zero, zero), jnp.swapaxes(x @ w["w"] + w["b"], 0, 1))[0][0]

    return {"w": weights(inputs, 4 * units), "u": weights(units, 4 * units), "b": jnp.zeros(4 * units)}, forward


def gru(inputs, units):
    def forward(w, x):
        def step(h, projected):
            recurrent = h @ w["u"] + w["r"]
            z, r = jnp.split(jax.nn.sigmoid(projected[:, : 2 * units] + recurrent[:, : 2 * units]), 2, axis=-1)
            candidate = jnp.tanh(projected[:, 2 * units :] + r * recurrent[:, 2 * units :])
            return z * h + (1 - z) * candidate, None

        return jax.lax.scan(step, jnp.zeros((len(x), units)), jnp.swapaxes(x @ w["w"] + w["b"], 0, 1))[0]

    biases = {"b": jnp.zeros(3 * units), "r": jnp.zeros(3 * units)}
    return {"w": weights(inputs, 3 * units), "u": weights(units, 3 * units), **biases}, forward


def pool(x):
    n, height, width, channels = x.shape
    return x.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))


def built():
    """Weights and function of the network."""
    parts, shape = [], list(network.shape)
    for kind, sizes in network.layers:
        if kind == "dense":
            dense = {"w": weights(shape[-1], sizes[0]), "b": jnp.zeros(sizes[0])}
            parts.append((dense, lambda w, x: x @ w["w"] + w["b"]))
            shape = [sizes[0]]
        elif kind == "conv":
            stride = sizes[2] if len(sizes) > 2 else 1
            parts.append(convolution((sizes[1], sizes[1], shape[2], sizes[0]), stride))
            shape = [-(-shape[0] // stride), -(-shape[1] // stride), sizes[0]]
        elif kind == "depthwise":
            stride = sizes[1] if len(sizes) > 1 else 1
            parts.append(convolution((sizes[0], sizes[0], 1, shape[2]), stride, groups=shape[2]))
            shape[:2] = [-(-size // stride) for size in shape[:2]]
        elif kind == "conv1d":
            parts.append(convolution((sizes[1], shape[1], sizes[0]), 1))
            shape[1] = sizes[0]
        elif kind == "block":
            parts.append(block(shape[2], *sizes))
            shape = [*(-(-size // sizes[1]) for size in shape[:2]), sizes[0]]
        elif kind == "norm":
            parts.append(norm(shape[-1]))
        elif kind in ("relu", "tanh"):
            parts.append(plain({"relu": jax.nn.relu, "tanh": jnp.tanh}[kind]))
        elif kind == "pool":
            parts.append(plain(pool))
            shape[:2] = [size // 2 for size in shape[:2]]
        elif kind == "flatten":
            parts.append(plain(lambda x: x.reshape(len(x), -1)))
            shape = [int(numpy.prod(shape))]
        elif kind == "global":
            parts.append(plain(lambda x: x.mean(tuple(range(1, x.ndim - 1)))))
            shape = shape[-1:]
        elif kind == "embedding":
            parts.append(({"w": weights(*sizes)}, lambda w, x: w["w"][x]))
            shape.append(sizes[1])
        elif kind in ("lstm", "gru"):
            parts.append({"lstm": lstm, "gru": gru}[kind](shape[1], sizes[0]))
            shape = [sizes[0]]
        elif kind != "reproduce":
            raise SystemExit(f"unknown layer {kind}")
    return chain(*parts)


def main():
    jax.config.update("jax_platforms", "cpu")
    w, forward = built()
    optimizer = optax.adam(1e-3)

    def loss(w, x, y):
        output = forward(w, x)
        if network.reproduces:
            return ((output - x) ** 2).mean()
        return optax.softmax_cross_entropy_with_integer_labels(output, y).mean()

    def update(carry, rows, inputs, targets):
        w, memory = carry
        value, gradients = jax.value_and_grad(loss)(w, inputs[rows], targets[rows])
        changes, memory = optimizer.update(gradients, memory, w)
        return (optax.apply_updates(w, changes), memory), value

    step = jax.jit(update, donate_argnums=0)
    inputs, targets = map(jnp.asarray, network.data(asked.limit))
    carry = (w, optimizer.init(w))

    def epoch():
        nonlocal carry
        order, losses = random.permutation(len(inputs)), []
        for start in range(0, len(inputs), network.batch):
            rows = order[start : start + network.batch]
            carry, value = step(carry, rows, inputs, targets)
            losses.append((value, len(rows)))
        jax.block_until_ready(carry)
        return losses

    peer.run(asked, epoch)


if __name__ == "__main__":
    main()
