#!/usr/bin/env python3
"""Writes the golden vectors of what training is made of: schedules, optimizers, losses, metrics, regularizers, callbacks.

    target/oracle/bin/python tests/golden/training.py            # writes the files
    target/oracle/bin/python tests/golden/training.py --check    # compares with the committed files, writes nothing

The sibling of make.py, whose writer it uses and which says how to install Keras and what the format is; one_cycle is
PyTorch's (pip install torch).

schedules     `rates`: the learning rate when `steps` steps were made.
steppers      as `optimizers` of make.py, with every optimizer and option; the comment of a case is Keras' expression.
"""
import make
import numpy as np
import keras
from keras import optimizers
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
        # Keras turns its numbers to its default float, and float64 is that here.
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
        start = {"a": draw(rng, (3, 4)), "b": draw(rng, (5,))}
        # Sizes from 1e-4 to 1, and an element of exact zeros: epsilon must show.
        steps = {k: draw(rng, (10, *v.shape)) * 10.0 ** -rng.integers(0, 5, v.shape) for k, v in start.items()}
        steps = {k: v.astype(np.float32) for k, v in steps.items()}
        steps["b"][:, 2] = 0
        variables = [keras.Variable(v, dtype=keras.config.floatx(), name=k) for k, v in start.items()]
        optimizer.build(variables)
        after = {k: [] for k in start}
        for step in range(10):
            now = [keras.ops.convert_to_tensor(steps[k][step], keras.config.floatx()) for k in start]
            optimizer.apply(now, variables)
            for k, variable in zip(start, variables):
                after[k].append(numpy(variable.value).copy())
        file.put(**{f"start.{k}": v for k, v in start.items()}, **{f"gradients.{k}": v for k, v in steps.items()})
        file.put(**{f"after.{k}": np.stack(v) for k, v in after.items()})


TOPICS = {"schedules": schedules, "steppers": steppers}

if __name__ == "__main__":
    make.main(TOPICS, "training.py")
