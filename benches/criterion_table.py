"""Prints the results of `cargo bench -p gradus-benches` that criterion stored as Markdown: `criterion_table.py kernels` or `steps`."""
import json
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
CRITERION = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "criterion"


def results(group):
    """For each benchmark of a group: function, parameter, median time in nanoseconds, and amount of work per run."""
    for path in sorted((CRITERION / group).rglob("new/benchmark.json")):
        about = json.loads(path.read_text())
        times = json.loads((path.parent / "estimates.json").read_text())
        (amount,) = (about["throughput"] or {"": 0}).values()
        yield about["function_id"], about["value_str"], times["median"]["point_estimate"], amount


def head(*names):
    print("|", " | ".join(names), "|")
    print("|---|" + "---:|" * (len(names) - 1))


def rates(group, first, functions):
    """Prints a row for each shape, in the order of work, and a column for each function; in billions per second."""
    seen = {(value, function): (amount / time, amount) for function, value, time, amount in results(group)}
    shapes = sorted({value for value, _ in seen}, key=lambda shape: -max(n for (v, _), (_, n) in seen.items() if v == shape))
    head(first, *functions.values())
    for shape in shapes:
        cells = [f"{seen[shape, name][0]:.0f} G" if (shape, name) in seen else "" for name in functions]
        print("|", " | ".join([shape.replace("x", " × "), *cells]), "|")
    print()


def kernels():
    rates("matmul", "product, rows × inner × columns", {
        "forward": "forward", "weight": "gradient of weights", "input": "gradient of inputs",
        "forward with matrixmultiply": "forward, matrixmultiply"})
    rates("conv2d", "convolution of 128 images, kernel", {
        "forward": "forward", "weight": "gradient of kernels", "input": "gradient of inputs"})
    rates("zeros", "zero-skipping product, nonzero inputs", {"forward": "forward", "weight": "gradient of weights"})
    head("other kernels", "bytes per second")
    for group in ("elementwise", "max_pool2d", "optimizer"):
        for function, _, time, amount in results(group):
            print(f"| {group.replace('_', ' ')}: {function} | {amount / time:.1f} G |")


def steps():
    seen = {(function, int(rows)): time for function, rows, time, _ in results("step")}
    sizes = sorted({rows for _, rows in seen})
    head("model", *(f"{rows:,}" for rows in sizes))
    for model in dict.fromkeys(function for function, _ in seen):
        print("|", " | ".join([model, *(microseconds(seen.get((model, rows))) for rows in sizes)]), "|")


def microseconds(time):
    return "" if time is None else f"{time / 1e3:,.0f} µs"


if __name__ == "__main__":
    {"kernels": kernels, "steps": steps}[sys.argv[1]]()
