"""Times epochs of every program in turn and appends what it sees to a file: `sitting.py FILE MODEL …`.

For a model and a number of threads, every program trains one epoch that does not count. Then in each round every program
trains one epoch in turn, the order reversed from round to round, while the others wait. What the file holds already is
not timed again, so an interrupted sitting goes on.

ROUNDS (5)      timed epochs of each program
THREADS (2 1)   numbers of threads; every program is bound to as many cores
SLOW (3)        a peer that took more than so many times the fastest peer's time in round 1 is timed in three rounds only
LIMIT           only so many images, to see that everything runs
PEERS           the peers to time, by name; all of them without it
"""
import os
import subprocess
import sys

from programs import PRODUCTS, PROGRAMS, bound, environment

ROUNDS = int(os.environ.get("ROUNDS", 5))
THREADS = [int(threads) for threads in os.environ.get("THREADS", "2 1").split()]
SLOW, SLOW_ROUNDS = float(os.environ.get("SLOW", 3)), 3
LIMIT = os.environ.get("LIMIT", "")
NAMES = ["gradus", *(os.environ.get("PEERS", "").split() or list(PROGRAMS)[1:])]
if unknown := [name for name in NAMES if name not in PROGRAMS]:
    sys.exit(f"PEERS names {', '.join(unknown)}; there are {', '.join(list(PROGRAMS)[1:])}")


class Records:
    """The file's lines, of five words: model, threads, program, what, value."""

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
    """A program that waits between epochs. Its first one is trained here."""

    def __init__(self, name, model, threads):
        command = bound([*PROGRAMS[name], model], threads) + ["--epochs", str(ROUNDS + 1), "--wait"]
        command += ["--limit", LIMIT] if LIMIT else []
        pipe = subprocess.PIPE
        self.name = name
        # The programs say more on standard error than anyone wants to read; a failure is told by the missing line.
        self.process = subprocess.Popen(
            command, env=environment(threads), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True, bufsize=1)
        self.epoch()

    def epoch(self):
        """Seconds of one epoch."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            words = line.split()
            if words[:1] == ["epoch"] and words[2] == "seconds":
                return float(words[3])
        sys.exit(f"{self.name} ended before its epoch did; run: {' '.join(self.process.args)}")

    def end(self):
        """Ends it and returns its peak resident memory in MiB."""
        self.process.stdin.close()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        return usage.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def product(records, model, threads, name):
    """A large product's FLOP/s, taken beside each model."""
    if records.get(model, threads, name, "product") is None:
        command = bound(PRODUCTS[name], threads)
        said = subprocess.run(command, env=environment(threads), check=True, capture_output=True, text=True).stdout
        records.add(model, threads, name, "product", value=float(said.split()[1]))


def is_slow(records, model, threads, name):
    """Whether a peer can no longer be the fastest."""
    first = {peer: records.get(model, threads, peer, 1) for peer in NAMES[1:]}
    times = [seconds for seconds in first.values() if seconds is not None]
    return name != "gradus" and first[name] is not None and first[name] > SLOW * min(times)


def missing(records, model, threads, turn):
    """The programs that have no time in this round and should have one."""
    wanted = [name for name in NAMES if records.get(model, threads, name, turn) is None]
    return [name for name in wanted if turn <= SLOW_ROUNDS or not is_slow(records, model, threads, name)]


def sit(records, model, threads):
    for name in PRODUCTS:
        product(records, model, threads, name)
    rounds = range(1, ROUNDS + 1)
    due = {name for turn in rounds for name in missing(records, model, threads, turn)}
    due |= {name for name in NAMES if records.get(model, threads, name, "memory") is None}
    programs = {name: Program(name, model, threads) for name in NAMES if name in due}
    for turn in rounds:
        names = missing(records, model, threads, turn)
        for name in names if turn % 2 else reversed(names):
            records.add(model, threads, name, turn, value=programs[name].epoch())
    for name, program in programs.items():
        memory = program.end()
        if records.get(model, threads, name, "memory") is None:
            records.add(model, threads, name, "memory", value=round(memory, 1))


def main():
    records = Records(sys.argv[1])
    for model in sys.argv[2:]:
        for threads in THREADS:
            sit(records, model, threads)


if __name__ == "__main__":
    main()
