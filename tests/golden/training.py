#!/usr/bin/env python3
"""Writes the golden vectors of the parts of training: schedules, optimizers, losses, metrics, regularizers, callbacks.

    target/oracle/bin/python tests/golden/training.py            # writes the files
    target/oracle/bin/python tests/golden/training.py --check    # compares with the committed files, writes nothing

Uses the writer of make.py, which documents the installation of Keras and the format. one_cycle is that of PyTorch (pip
install torch).

schedules     `rates`: the learning rate after `steps` steps.
losses_of_pairs  `predictions`, `targets`, perhaps row `weights`; `loss` is the batch's, `gradient` that of predictions.
scores        `value`: the metric over all rows, in two batches.
callbacks     `scores`: val_loss by epoch; `epochs`: the number of trained epochs; `rates`: the learning rate of each;
              `weights_of`: the epoch, from 1, of the final weights.
steppers      like `optimizers` of make.py, with every optimizer and option; comments are Keras expressions.
"""
import make
import numpy as np
import keras
from keras import losses, optimizers
from keras.optimizers import schedules as keras_schedules
from make import draw, numpy


# Schedules

def schedules(file):
    steps = np.array([0, 1, 2, 3, 5, 9, 10, 11, 15, 19, 20, 21, 29, 30, 31, 45, 60, 100, 1000])
    for name, text in {
        "exponential": "ExponentialDecay(0.1, 10, 0.5)",
        "exponential_staircase": "ExponentialDecay(0.1, 10, 0.5, staircase=True)",
        "inverse_time": "InverseTimeDecay(0.1, 10, 0.5)",
        "inverse_time_staircase": "InverseTimeDecay(0.1, 10, 0.5, staircase=True)",
        "polynomial": "PolynomialDecay(0.1, 30)",
        "polynomial_power": "PolynomialDecay(0.1, 30, end_learning_rate=0.01, power=0.5)",
        "polynomial_cycle": "PolynomialDecay(0.1, 20, end_learning_rate=0.01, power=2.0, cycle=True)",
        "cosine": "CosineDecay(0.1, 30)",
        "cosine_warmup": "CosineDecay(0.01, 30, alpha=0.1, warmup_target=0.2, warmup_steps=15)",
        "piecewise": "PiecewiseConstantDecay([10, 20, 30], [0.1, 0.05, 0.01, 0.2])",
    }.items():
        file.case(name, text)
        schedule = eval(f"keras_schedules.{text}")
        # Keras converts numbers to its default float, which is float64 here.
        rates = [float(numpy(schedule(keras.ops.convert_to_tensor(step, "int64")))) for step in steps]
        file.put(steps=steps, rates=rates)
    one_cycle(file, "one_cycle", 0.01, 235)
    one_cycle(file, "one_cycle_options", 0.1, 50, pct_start=0.25, div_factor=10.0, final_div_factor=100.0)


def one_cycle(file, name, most, steps, **options):
    import torch

    text = ", ".join(f"{k}={v}" for k, v in {"max_lr": most, "total_steps": steps, **options}.items())
    file.case(name, f"torch {torch.__version__}: OneCycleLR({text}, cycle_momentum=False)")
    sgd = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(sgd, most, steps, cycle_momentum=False, **options)
    rates = []
    for _ in range(steps):
        rates.append(sgd.param_groups[0]["lr"])
        sgd.step()
        schedule.step()
    file.put(steps=np.arange(steps), rates=rates)


# Optimizers

def steppers(file):
    for name, text in {
        "sgd_clipvalue": "SGD(0.1, momentum=0.9, clipvalue=0.05)",
        "sgd_clipnorm": "SGD(0.1, clipnorm=0.5)",
        "sgd_global_clipnorm": "SGD(0.1, global_clipnorm=0.5)",
        "sgd_weight_decay": "SGD(0.1, weight_decay=0.1)",
        "sgd_ema": "SGD(0.1, momentum=0.9, use_ema=True, ema_momentum=0.8)",
        "sgd_ema_overwrite": "SGD(0.1, weight_decay=0.1, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=3)",
        "sgd_schedule": "SGD(keras_schedules.ExponentialDecay(0.1, 3, 0.5))",
        "rmsprop_momentum": "RMSprop(0.01, rho=0.8, momentum=0.7)",
        "rmsprop_centered": "RMSprop(0.001, epsilon=1e-3, centered=True)",
        "rmsprop_both": "RMSprop(0.001, momentum=0.7, epsilon=1e-3, centered=True)",
        "adam_amsgrad": "Adam(0.01, beta_2=0.9, amsgrad=True)",
        "adam_speedrun": "Adam(keras_schedules.CosineDecay(0.001, 6, warmup_target=0.01, warmup_steps=3), "
                         "beta_1=0.7, beta_2=0.9)",
        "adamw": "AdamW()",
        "adamw_options": "AdamW(0.01, weight_decay=0.1, beta_1=0.8, beta_2=0.95, amsgrad=True, global_clipnorm=1.0)",
        "adagrad": "Adagrad()",
        "adagrad_options": "Adagrad(0.1, initial_accumulator_value=0.5, epsilon=1e-3)",
        "adadelta": "Adadelta()",
        "adadelta_options": "Adadelta(1.0, rho=0.8, epsilon=1e-3)",
        "nadam": "Nadam()",
        "nadam_options": "Nadam(0.01, beta_1=0.8, beta_2=0.95, epsilon=1e-3)",
        "lion": "Lion()",
        "lion_options": "Lion(0.01, beta_1=0.8, beta_2=0.95, weight_decay=0.1)",
    }.items():
        rng = file.case(name, text.replace("keras_schedules.", ""))
        optimizer = eval(f"optimizers.{text}")
        make.ten_steps(file, rng, optimizer)


# Losses

def losses_of_pairs(file):
    rng = np.random.default_rng([make.SEED, 2])
    shape = (6, 4)
    values, truth = draw(rng, shape, scale=2.0), draw(rng, shape, scale=2.0)
    logits = draw(rng, shape, scale=3.0)
    logits[0] = [40, -40, 90, -90]  # where probabilities are 0 and 1
    probabilities = (1 / (1 + np.exp(-draw(rng, shape, scale=2.0)))).astype(np.float32)
    clipped = probabilities.copy()
    clipped[0] = [0, 1, 1e-9, 0.5]
    rows = (np.exp(values) / np.exp(values).sum(-1, keepdims=True)).astype(np.float32)
    true_rows = rng.dirichlet(np.ones(4), 6).astype(np.float32)
    true_rows[1] = [0, 1, 0, 0]
    bits = rng.integers(0, 2, shape).astype(np.float32)
    shares = rng.uniform(0, 1, shape).astype(np.float32)
    weights = rng.uniform(0, 2, 6).astype(np.float32)
    weights[2] = 0
    cases = {
        "mean_squared_error": ("MeanSquaredError()", values, truth),
        "mean_absolute_error": ("MeanAbsoluteError()", values, truth),
        "huber": ("Huber()", values, truth),
        "huber_delta": ("Huber(delta=0.5)", values, truth),
        "log_cosh": ("LogCosh()", 10 * values, truth),
        "kl_divergence": ("KLDivergence()", rows, true_rows),
        "hinge": ("Hinge()", values, 2 * bits - 1),
        "hinge_bits": ("Hinge()", values, bits),
        "binary_probabilities": ("BinaryCrossentropy()", probabilities, bits),
        "binary_probabilities_clipped": ("BinaryCrossentropy()", clipped, bits),
        "binary_probabilities_smooth": ("BinaryCrossentropy(label_smoothing=0.2)", probabilities, shares),
        "binary_logits": ("BinaryCrossentropy(from_logits=True)", logits, bits),
        "binary_logits_smooth": ("BinaryCrossentropy(from_logits=True, label_smoothing=0.2)", logits, shares),
        "categorical_logits_smooth": ("CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)", values, true_rows),
        "categorical_probabilities_smooth": ("CategoricalCrossentropy(label_smoothing=0.1)", rows, true_rows),
    }
    for name, (text, predictions, targets) in cases.items():
        loss_case(file, name, text, predictions, targets)
        loss_case(file, f"{name}_weights", text, predictions, targets, weights)
    # Several positions in a row, and targets without the last axis of one.
    loss_case(file, "mean_squared_error_axes_weights", "MeanSquaredError()", values.reshape(2, 3, 4),
              truth.reshape(2, 3, 4), weights[:2])
    loss_case(file, "categorical_axes_weights", "CategoricalCrossentropy(from_logits=True)", values.reshape(2, 3, 4),
              true_rows.reshape(2, 3, 4), weights[:2])
    loss_case(file, "kl_divergence_axes_weights", "KLDivergence()", rows.reshape(2, 3, 4), true_rows.reshape(2, 3, 4),
              weights[:2])
    # Labels, some of which are ignored.
    labels = rng.integers(0, 4, 6).astype(np.float32)
    labels[:2] = [0, 3]
    void = labels.copy()
    void[[1, 4]] = 255
    for name, arguments, predictions, targets in [
        ("probabilities", "ignore_class=0", rows, labels), ("logits", "from_logits=True, ignore_class=0", values, labels),
        ("void", "from_logits=True, ignore_class=255", values, void), ("all", "from_logits=True, ignore_class=1", values, 0 * labels + 1),
        ("axes", "from_logits=True, ignore_class=255", values.reshape(2, 3, 4), void.reshape(2, 3)),
    ]:
        text = f"SparseCategoricalCrossentropy({arguments})"
        loss_case(file, f"sparse_ignoring_{name}", text, predictions, targets)
        loss_case(file, f"sparse_ignoring_{name}_weights", text, predictions, targets, weights[:len(predictions)])
    loss_case(file, "mean_squared_error_column", "MeanSquaredError()", values[:, :1], truth[:, 0])


def loss_case(file, name, text, predictions, targets, weights=None):
    file.case(name, text + ("" if weights is None else " with sample_weight"))
    loss = eval(f"losses.{text}")
    truth = keras.ops.convert_to_tensor(targets, keras.config.floatx())
    # In Keras, sample weights of rows must have as many axes as the losses.
    each = None if weights is None else weights.reshape(-1, *[1] * (predictions.ndim - 2))
    value, (slope,), _ = make.gradients(lambda p: (loss(truth, p, sample_weight=each), []), predictions)
    file.put(predictions=predictions, targets=targets, loss=value, gradient=slope)
    if weights is not None:
        file.put(weights=weights)


# Metrics

def scores(file):
    rng = np.random.default_rng([make.SEED, 3])
    values, truth = draw(rng, (30, 3)), draw(rng, (30, 3))
    truth = (0.7 * values + 0.5 * truth).astype(np.float32)
    shares, bits = rng.uniform(0, 1, (30, 3)).astype(np.float32), rng.integers(0, 2, (30, 3)).astype(np.float32)
    labels = rng.integers(0, 3, 30)
    one_hot = np.eye(3, dtype=np.float32)[labels]
    for name, (text, predictions, targets) in {
        "binary_accuracy": ("BinaryAccuracy()", shares, bits),
        "binary_accuracy_threshold": ("BinaryAccuracy(threshold=0.7)", shares, bits),
        "categorical_accuracy": ("CategoricalAccuracy()", values, one_hot),
        "sparse_categorical_accuracy": ("SparseCategoricalAccuracy()", values, labels),
        "top_k": ("TopKCategoricalAccuracy(2)", values, one_hot),
        "sparse_top_k": ("SparseTopKCategoricalAccuracy(2)", values, labels),
        "mean_squared_error": ("MeanSquaredError()", values, truth),
        "mean_absolute_error": ("MeanAbsoluteError()", values, truth),
        "r2_score": ("R2Score()", values, truth),
        "precision": ("Precision()", shares, bits),
        "precision_class": ("Precision(thresholds=0.3, class_id=1)", shares, bits),
        "recall": ("Recall()", shares, bits),
        "recall_class": ("Recall(thresholds=0.3, class_id=1)", shares, bits),
        "f1_score": ('F1Score(average="macro")', shares, one_hot),
        "f1_score_threshold": ('F1Score(average="macro", threshold=0.4)', shares, bits),
    }.items():
        file.case(name, text)
        metric = eval(f"keras.metrics.{text}")
        for rows in (slice(0, 20), slice(20, 30)):
            metric.update_state(targets[rows], predictions[rows])
        file.put(predictions=predictions, targets=targets, value=float(numpy(metric.result())))


# Callbacks

SEQUENCES = {
    "falling_then_rising": [1.0, 0.8, 0.7, 0.65, 0.66, 0.64, 0.7, 0.71, 0.72, 0.73, 0.74, 0.75],
    "noise": [0.9, 0.95, 0.85, 0.86, 0.849, 0.87, 0.86, 0.8, 0.81, 0.82, 0.79999, 0.83],
    "plateau": [0.5] * 12,
    "rising": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2],
}


def callbacks(file):
    texts = {
        "stop": 'EarlyStopping("val_loss", restore_best_weights=True, mode="min")',
        "stop_patience": 'EarlyStopping("val_loss", patience=3, restore_best_weights=True, mode="min")',
        "stop_delta": 'EarlyStopping("val_loss", min_delta=0.03, patience=2, restore_best_weights=True, mode="min")',
        "stop_baseline": 'EarlyStopping("val_loss", patience=4, baseline=0.68, restore_best_weights=True, mode="min")',
        "stop_late": 'EarlyStopping("val_loss", patience=2, start_from_epoch=4, restore_best_weights=True, mode="min")',
        "stop_higher": 'EarlyStopping("val_loss", patience=2, restore_best_weights=True, mode="max")',
        "reduce": 'ReduceLROnPlateau("val_loss", factor=0.5, patience=2, mode="min")',
        "reduce_cooldown": 'ReduceLROnPlateau("val_loss", factor=0.5, patience=1, cooldown=2, min_lr=0.03, mode="min")',
        "reduce_delta": 'ReduceLROnPlateau("val_loss", factor=0.1, patience=2, min_delta=0.04, mode="min")',
        "schedule": "LearningRateScheduler(lambda epoch, rate: rate if epoch < 3 else 0.5 * rate)",
    }
    for name, text in texts.items():
        for sequence, losses in SEQUENCES.items():
            file.case(f"{name}.{sequence}", text)
            model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1, use_bias=False)])
            model.compile(optimizers.SGD(0.1), "mse")
            callback = eval(f"keras.callbacks.{text}")
            callback.set_model(model)
            model.stop_training = False
            callback.on_train_begin()
            rates = []
            for epoch, loss in enumerate(losses):
                callback.on_epoch_begin(epoch)
                rates.append(float(numpy(model.optimizer.learning_rate)))
                model.set_weights([np.full((1, 1), epoch + 1.0)])  # the weight says which epoch it is of
                callback.on_epoch_end(epoch, {"val_loss": loss})
                if model.stop_training:
                    break
            callback.on_train_end()
            file.put(scores=losses, epochs=len(rates), rates=rates, weights_of=numpy(model.get_weights()[0]).ravel())


TOPICS = {"schedules": schedules, "steppers": steppers, "losses_of_pairs": losses_of_pairs,
          "scores": scores, "callbacks": callbacks}

if __name__ == "__main__":
    make.main(TOPICS, "training.py")
