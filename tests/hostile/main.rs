//! Files made to do harm: whatever is changed in a file, reading it ends in what it holds or in an error about it, in little
//! memory and time, and never in a panic.

mod arrays;
mod changes;
mod keras;
mod memory;
mod trial;
