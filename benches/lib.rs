//! What the benchmarks share: the five models of the notebooks.
