"""FLOP/s of one large product in PyTorch: `torch_product.py --threads T` prints `product F`, like `product.rs`."""
import argparse
import statistics
import time

import torch

options = argparse.ArgumentParser()
options.add_argument("--threads", type=int, default=2)
torch.set_num_threads(options.parse_args().threads)

SIDE = 1024
a, b, c = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE), torch.empty(SIDE, SIDE)
times = []
for _ in range(25):
    start = time.perf_counter()
    torch.mm(a, b, out=c)
    times.append(time.perf_counter() - start)
print(f"product {2 * SIDE**3 / statistics.median(times[5:]):.4e}")
