//! Datasets: rows of inputs with their targets.
