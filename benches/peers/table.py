"""Reads `model program round seconds` lines and prints the Markdown table of gradus against each peer."""
import collections
import statistics
import sys

times = collections.defaultdict(dict)
for line in sys.stdin:
    model, program, turn, seconds = line.split()
    times[model].setdefault(program, {})[turn] = float(seconds)

print("| model | peer | gradus, s | peer, s | ratio of medians | median of ratios | rounds |")
print("|---|---|---:|---:|---:|---:|---:|")
for model, programs in times.items():
    ours = programs.pop("gradus")
    for peer, theirs in programs.items():
        turns = [turn for turn in ours if turn in theirs]
        a, b = (statistics.median(times[turn] for turn in turns) for times in (ours, theirs))
        pairs = statistics.median(ours[turn] / theirs[turn] for turn in turns)
        print(f"| {model} | {peer} | {a:.3f} | {b:.3f} | {a / b:.2f} | {pairs:.2f} | {len(turns)} |")
