"""Times epochs of all programs alternately and appends the results to a file: `session.py FILE MODEL …`.

For each model and number of threads, every program first trains one epoch as warm-up. In each round, every program then
trains one epoch while the others wait; the order is reversed from round to round. Results that are already in the file are
not measured again, so an interrupted session can be resumed.

ROUNDS (5)      timed epochs of each program
THREADS (2 1)   numbers of threads; every program is bound to as many cores
SLOW (3)        a peer slower than SLOW times the fastest peer in round 1 is timed in three rounds only
LIMIT           number of images, for a quick test that everything runs
PEERS           names of the peers to time (default: all)
"""
import os
import subprocess
import sys

from programs import MODELS, NETWORKS, PRODUCTS, bound, environment, programs

ROUNDS = int(os.environ.get("ROUNDS", 5))
THREADS = [int(threads) for threads in os.environ.get("THREADS", "2 1").split()]
SLOW, SLOW_ROUNDS = float(os.environ.get("SLOW", 3)), 3
LIMIT = os.environ.get("LIMIT", "")
PEERS = os.environ.get("PEERS", "").split()
KNOWN = [name for name in {**MODELS, **NETWORKS} if name != "gradus"]
if unknown := [name for name in PEERS if name not in KNOWN]:
    sys.exit(f"unknown PEERS {', '.join(unknown)}; available: {', '.join(KNOWN)}")


def names_of(model):
    """The programs to time for this model: gradus first."""
    return [name for name in programs(model) if name == "gradus" or not PEERS or name in PEERS]


class Records:
    """The lines of the file, with five words each: model, threads, program, quantity, value."""

    def __init__(self, path):
        self.path = path
        lines = open(path).read().splitlines() if os.path.exists(path) else []
        self.values = {tuple(line.split()[:4]): float(line.split()[4]) for line in lines}

    def get(self, *key):
        return self.values.get(tuple(map(str, key)))

    def add(self, *key, value):
        self.values[tuple(map(str, key))] = value
        line = " ".join(map(str, (*key, value)))
        print(line, file=sys.stderr)
        with open(self.path, "a") as file:
            print(line, file=file)


class Program:
    """A program that waits between epochs. The constructor trains the warm-up epoch."""

    def __init__(self, name, model, threads):
        command = bound([*programs(model)[name], model], threads) + ["--epochs", str(ROUNDS + 1), "--wait"]
        command += ["--limit", LIMIT] if LIMIT else []
        pipe = subprocess.PIPE
        self.name = name
        # Standard error is discarded, as some libraries log a lot. A failed program is noticed by its missing output.
        self.process = subprocess.Popen(
            command, env=environment(threads), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, bufsize=1)
        self.epoch()

    def epoch(self):
        """Trains one epoch and returns its seconds."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            words = line.split()
            if words[:1] == ["epoch"] and words[2] == "seconds":
                return float(words[3])
        sys.exit(f"{self.name} ended before its epoch did; run: {' '.join(self.process.args)}")

    def end(self):
        """Ends the program and returns its peak resident memory in MiB."""
        self.process.stdin.close()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def product(records, model, threads, name):
    """Measures the FLOP/s of a large product, once for each model."""
    if records.get(model, threads, name, "product") is None:
        command = bound(PRODUCTS[name], threads)
        said = subprocess.run(command, env=environment(threads), check=True, capture_output=True, text=True).stdout
        records.add(model, threads, name, "product", value=float(said.split()[1]))


def is_slow(records, model, threads, name):
    """Whether a peer was too slow in round 1 to become the fastest."""
    first = {peer: records.get(model, threads, peer, 1) for peer in names_of(model)[1:]}
    times = [seconds for seconds in first.values() if seconds is not None]
    return name != "gradus" and first[name] is not None and first[name] > SLOW * min(times)


def missing(records, model, threads, turn):
    """The programs that are still to be timed in this round."""
    wanted = [name for name in names_of(model) if records.get(model, threads, name, turn) is None]
    return [name for name in wanted if turn <= SLOW_ROUNDS or not is_slow(records, model, threads, name)]


def measure(records, model, threads):
    for name in PRODUCTS:
        product(records, model, threads, name)
    rounds = range(1, ROUNDS + 1)
    due = {name for turn in rounds for name in missing(records, model, threads, turn)}
    due |= {name for name in names_of(model) if records.get(model, threads, name, "memory") is None}
    running = {name: Program(name, model, threads) for name in names_of(model) if name in due}
    for turn in rounds:
        names = missing(records, model, threads, turn)
        for name in names if turn % 2 else reversed(names):
            records.add(model, threads, name, turn, value=running[name].epoch())
    for name, program in running.items():
        memory = program.end()
        if records.get(model, threads, name, "memory") is None:
            records.add(model, threads, name, "memory", value=round(memory, 1))


def main():
    records = Records(sys.argv[1])
    for model in sys.argv[2:]:
        for threads in THREADS:
            measure(records, model, threads)


if __name__ == "__main__":
    main()
