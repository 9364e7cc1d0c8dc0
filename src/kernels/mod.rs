//! Loops over numbers: slices in, slices out; no allocation, no shapes to check.
