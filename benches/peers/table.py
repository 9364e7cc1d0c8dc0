"""Prints the results of a session as Markdown: `table.py FILE`; as one small table: `table.py FILE summary`."""
import statistics
import sys

from networks import NETWORKS, floating_point_operations
from programs import programs as programs_of

# Floating-point operations per epoch of 60,000 images, two for each multiply-add of the dense computation: forward, and the
# gradients of weights and inputs. The first layer needs no gradient of its inputs, except in deep_sigmoid, where trained
# weights precede it.
GFLOP = {"dense_linear": 200.7, "lenet5": 89.2, "dropout_mlp": 192.6, "basic_nn": 38.4, "deep_sigmoid": 66.6}

# Results by number of threads, model, program and quantity: those of the notebooks' models, and those of the networks.
records, networks = {}, {}
for line in open(sys.argv[1]):
    model, threads, program, what, value = line.split()
    kind = networks if model in NETWORKS else records
    kind.setdefault(int(threads), {}).setdefault(model, {}).setdefault(program, {})[what] = float(value)


def rounds(program):
    return {turn: seconds for turn, seconds in program.items() if turn.isdigit()}


def median(program):
    return statistics.median(rounds(program).values())


def peers(programs, model="lenet5"):
    return [name for name in programs_of(model) if name != "gradus" and name in programs]


def row(*cells):
    print("|", " | ".join(cells), "|")


def head(*names):
    row(*names)
    print("|---|" + "---:|" * (len(names) - 1))


def times(models):
    """Prints medians, and the ratio to the fastest peer."""
    names = peers(next(iter(models.values())))
    head("model", "gradus", *names, "gradus / fastest peer", "worst round", "rounds")
    for model, programs in models.items():
        ours, theirs = programs["gradus"], {name: median(programs[name]) for name in names}
        fastest = min(theirs, key=theirs.get)
        both = rounds(ours).keys() & rounds(programs[fastest]).keys()
        worst = max(ours[turn] / programs[fastest][turn] for turn in both)
        cells = [f"**{seconds:.2f}**" if name == fastest else f"{seconds:.2f}" for name, seconds in theirs.items()]
        counts = sorted({len(rounds(program)) for program in programs.values()}, reverse=True)
        fewer = [f"{name} {len(rounds(programs[name]))}" for name in names if len(rounds(programs[name])) < counts[0]]
        count = f"{counts[0]} ({', '.join(fewer)})" if fewer else f"{counts[0]}"
        row(model, f"{median(ours):.3f}", *cells, f"**{median(ours) / theirs[fastest]:.2f}**", f"{worst:.2f}", count)


def floors(models):
    """Prints the time that the arithmetic of the dense computation would take at the rate of one large product."""
    products = {name: [programs[name]["product"] for programs in models.values()] for name in ("gradus", "PyTorch")}
    rates = {name: statistics.median(rates) for name, rates in products.items()}
    rate = max(rates.values())
    said = " and ".join(f"{rate / 1e9:.0f} GFLOP/s in {name}" for name, rate in rates.items())
    print(f"A product of 1024 × 1024 × 1024 ran at {said} (medians of the session); the lower bounds use the higher rate.\n")
    head("model", "GFLOP per epoch", "lower bound, s", "gradus, s", "bound / gradus", "bound / fastest peer")
    for model, programs in models.items():
        floor, ours = GFLOP[model] * 1e9 / rate, median(programs["gradus"])
        fastest = min(median(programs[name]) for name in peers(programs))
        row(model, f"{GFLOP[model]}", f"{floor:.2f}", f"{ours:.3f}", f"**{floor / ours:.0%}**", f"{floor / fastest:.0%}")


def memory(most):
    """Prints the peak resident memory of the processes with the largest number of threads."""
    names = ["gradus", *peers(next(iter(most.values())))]
    head("model", *names, "PyTorch / gradus")
    for model, programs in most.items():
        peaks = {name: programs[name]["memory"] for name in names}
        ratio = f"**{peaks['PyTorch'] / peaks['gradus']:.1f}**" if "PyTorch" in peaks else ""
        row(model, *(f"{peak:.0f}" for peak in peaks.values()), ratio)


def steps(models):
    """Prints milliseconds of a step of each network, and which share of the rate of a large product gradus reaches."""
    names = peers(next(iter(models.values())), next(iter(models)))
    head("network", "gradus", *names, "gradus / fastest peer", "GFLOP a step", "share of the product rate", "MiB", "least MiB of a peer")
    for model, programs in models.items():
        network = NETWORKS[model]
        ours, theirs = median(programs["gradus"]), {name: median(programs[name]) for name in names}
        fastest = min(theirs, key=theirs.get)
        each = 1e3 / network.steps
        cells = [f"**{seconds * each:.3f}**" if name == fastest else f"{seconds * each:.3f}" for name, seconds in theirs.items()]
        operations = floating_point_operations(network)
        share = operations * network.steps / ours / programs["gradus"]["product"]
        least = min(programs[name]["memory"] for name in names)
        row(model, f"{ours * each:.3f}", *cells, f"**{ours / theirs[fastest]:.2f}**", f"{operations / 1e9:.3g}", f"{share:.0%}",
            f"{programs['gradus']['memory']:.0f}", f"{least:.0f}")


def summary():
    """Prints gradus and the fastest peer for each number of threads."""
    counts = sorted(records, reverse=True)
    names = [f"{'one thread' if threads == 1 else f'{threads} threads'}" for threads in counts]
    head("model", *(cell for name in names for cell in (f"gradus, {name}", "fastest peer", "ratio")))
    for model in records[counts[0]]:
        cells = []
        for programs in (records[threads][model] for threads in counts if model in records[threads]):
            ours, theirs = median(programs["gradus"]), {name: median(programs[name]) for name in peers(programs)}
            fastest = min(theirs, key=theirs.get)
            cells += [f"{ours:.2f} s", f"{fastest}, {theirs[fastest]:.2f} s", f"**{ours / theirs[fastest]:.2f}**"]
        row(f"`{model}`", *cells)


def main():
    for threads in sorted(records, reverse=True):
        print(f"Seconds per epoch, {'one thread on one core' if threads == 1 else f'{threads} threads'}:\n")
        times(records[threads])
        print()
    for threads in sorted(records, reverse=True):
        print(f"Lower bounds, {'one thread' if threads == 1 else f'{threads} threads'}. ", end="")
        floors(records[threads])
        print()
    if records:
        print("Peak resident memory, MiB:\n")
        memory(records[max(records)])
    for threads in sorted(networks, reverse=True):
        print(f"\nMilliseconds of a step, {'one thread on one core' if threads == 1 else f'{threads} threads'}:\n")
        steps(networks[threads])


if __name__ == "__main__":
    summary() if sys.argv[2:] == ["summary"] else main()
