"""The benchmarked models in JAX with optax: `jax_models.py MODEL --epochs N --threads T`.

A step is one compiled function that picks its batch by index, and whose weights are donated to it. One compiled scan over
all steps of an epoch was slower on most models. Pooling is a reshape and a maximum, dropout's draws are XLA's own.
"""
import os

import peer

asked = peer.options()
# XLA sizes its pools when it is loaded.
os.environ["NPROC"] = str(asked.threads)
if asked.threads == 1:
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import numpy
import optax

glorot = jax.nn.initializers.glorot_uniform()


def dense_weights(key, sizes):
    def layer(key, inputs, outputs):
        if asked.model != "basic_nn":
            return {"w": glorot(key, (inputs, outputs)), "b": jnp.zeros(outputs)}
        first, second = jax.random.split(key)
        return {"w": 0.5 + 0.7 * jax.random.normal(first, (inputs, outputs)),
                "b": 0.5 + 0.7 * jax.random.normal(second, (outputs,))}

    return [layer(*sized) for sized in zip(jax.random.split(key, len(sizes) - 1), sizes, sizes[1:])]


def convolution_weights(key, side, inputs, outputs):
    return {"w": glorot(key, (side, side, inputs, outputs)), "b": jnp.zeros(outputs)}


def dense(weights, x):
    return x @ weights["w"] + weights["b"]


def convolution(weights, x):
    layout = ("NHWC", "HWIO", "NHWC")
    return jax.lax.conv_general_dilated(x, weights["w"], (1, 1), "VALID", dimension_numbers=layout) + weights["b"]


def pool(x):
    n, height, width, channels = x.shape
    x = x[:, : height // 2 * 2, : width // 2 * 2]
    return x.reshape(n, height // 2, 2, width // 2, 2, channels).max((2, 4))


def dropout(key, x):
    return jnp.where(jax.random.bernoulli(key, 0.8, x.shape), x / 0.8, 0)


# Each model: an optimizer, weights from a key, and logits with new running statistics from weights, old ones and a batch.


def dense_linear():
    def forward(w, statistics, x, key):
        return dense(w[2], jax.nn.relu(dense(w[1], dense(w[0], x)))), statistics

    return optax.adam(1e-3), lambda key: dense_weights(key, [784, 600, 400, 10]), forward


def lenet5():
    def weights(key):
        first, second, third, last = jax.random.split(key, 4)
        return [convolution_weights(first, 2, 1, 6), convolution_weights(second, 5, 6, 16),
                convolution_weights(third, 4, 16, 120), *dense_weights(last, [120, 84, 10])]

    def forward(w, statistics, x, key):
        x = jax.nn.sigmoid(pool(convolution(w[0], x.reshape(-1, 28, 28, 1))))
        x = jax.nn.sigmoid(pool(convolution(w[1], x)))
        x = convolution(w[2], x).reshape(len(x), -1)
        return dense(w[4], jnp.tanh(dense(w[3], x))), statistics

    return optax.sgd(0.01), weights, forward


def dropout_mlp():
    def forward(w, statistics, x, key):
        first, second = jax.random.split(key)
        x = dropout(first, jax.nn.relu(dense(w[0], x)))
        return dense(w[2], dropout(second, jax.nn.relu(dense(w[1], x)))), statistics

    optimizer = optax.rmsprop(0.001, decay=0.9, eps=1e-7, eps_in_sqrt=False)
    return optimizer, lambda key: dense_weights(key, [784, 512, 512, 10]), forward


def basic_nn():
    def forward(w, statistics, x, key):
        return dense(w[1], jax.nn.relu(dense(w[0], x))), statistics

    return optax.adam(1e-3), lambda key: dense_weights(key, [784, 200, 10]), forward


def deep_sigmoid():
    def weights(key):
        return {"gamma": jnp.ones(784), "beta": jnp.zeros(784), "dense": dense_weights(key, [784, 200, 100, 60, 30, 10])}

    def forward(w, statistics, x, key):
        mean, variance = x.mean(0), x.var(0)
        statistics = [0.99 * old + 0.01 * new for old, new in zip(statistics, (mean, variance))]
        x = (x - mean) * (jax.lax.rsqrt(variance + 1e-3) * w["gamma"]) + w["beta"]
        for layer in w["dense"][:-1]:
            x = jax.nn.sigmoid(dense(layer, x))
        return dense(w["dense"][-1], x), statistics

    return optax.sgd(0.03), weights, forward


MODELS = {made.__name__: made for made in (dense_linear, lenet5, dropout_mlp, basic_nn, deep_sigmoid)}


def main():
    jax.config.update("jax_platforms", "cpu")
    optimizer, weights, forward = MODELS[asked.model]()

    def loss(w, statistics, x, y, key):
        logits, statistics = forward(w, statistics, x, key)
        return optax.softmax_cross_entropy_with_integer_labels(logits, y).mean(), statistics

    def update(carry, rows, images, labels):
        w, memory, statistics, key = carry
        key, draws = jax.random.split(key)
        gradient = jax.value_and_grad(loss, has_aux=True)
        (value, statistics), gradients = gradient(w, statistics, images[rows], labels[rows], draws)
        changes, memory = optimizer.update(gradients, memory, w)
        return (optax.apply_updates(w, changes), memory, statistics, key), value

    step = jax.jit(update, donate_argnums=0)
    images, labels = peer.digits(asked.model, asked.limit)
    images, labels = jnp.asarray(images.reshape(-1, 784)), jnp.asarray(labels.astype(numpy.int32))
    key, first = jax.random.split(jax.random.key(12345, impl="rbg"))
    w = weights(first)
    carry = (w, optimizer.init(w), [jnp.zeros(784), jnp.ones(784)], key)
    random, size = numpy.random.default_rng(12345), peer.BATCH[asked.model]

    def epoch():
        nonlocal carry
        order, losses = random.permutation(len(images)), []
        for start in range(0, len(images), size):
            rows = order[start : start + size]
            carry, value = step(carry, rows, images, labels)
            losses.append((value, len(rows)))
        jax.block_until_ready(carry)
        return losses

    peer.run(asked, epoch)


if __name__ == "__main__":
    main()
