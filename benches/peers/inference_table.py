"""Prints prediction times as Markdown: those of gradus as stored by criterion, and those measured by `inference.py`."""
import json
import subprocess
import sys

from programs import HERE, TARGET, bound, environment


def theirs(threads):
    """Seconds of each peer by model, program and number of rows."""
    command = bound([sys.executable, HERE / "inference.py"], threads)
    said = subprocess.run(
        command, env=environment(threads), check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    seen = [line.split() for line in said.stdout.splitlines()]
    return {(model, program, int(rows)): float(seconds) for model, program, rows, seconds in seen}


def ours(threads, model, rows):
    path = TARGET / "criterion" / f"predict_{threads}" / model / str(rows) / "new" / "estimates.json"
    return json.loads(path.read_text())["median"]["point_estimate"] / 1e9


def main():
    print("| model | threads | images | gradus | PyTorch | ONNX Runtime | gradus / faster peer |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for threads in (1, 2):
        seen = theirs(threads)
        for model in dict.fromkeys(model for model, _, _ in seen):
            for rows, unit, scale in ((1, "µs", 1e6), (10_000, "ms", 1e3)):
                times = [ours(threads, model, rows), seen[model, "PyTorch", rows], seen[model, "ONNX", rows]]
                cells = " | ".join(f"{seconds * scale:.1f} {unit}" for seconds in times)
                print(f"| {model} | {threads} | {rows:,} | {cells} | **{times[0] / min(times[1:]):.2f}** |")


if __name__ == "__main__":
    main()
