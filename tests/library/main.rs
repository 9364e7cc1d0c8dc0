//! Tests of the library through its public interface: training, callbacks, saving, resuming, and reproducible bits.

mod architecture;
mod bits;
mod callbacks;
mod checkpoints;
mod child;
mod digests;
mod divergence;
mod downstream;
mod errors;
mod faults_metrics;
mod faults_running;
#[path = "../golden/mod.rs"]
mod golden;
mod graph;
mod input_names;
mod keras;
mod keras_ops;
mod keras_training;
mod kill;
mod masks;
#[path = "../notebooks/mod.rs"]
mod notebooks;
mod open_axes;
mod open_networks;
mod pointers;
mod preprocessing;
mod replaced_params;
mod resume;
mod saving;
mod several_outputs;
mod sharded_state;
mod shards;
mod stopping;
mod training_state;
mod using;
