//! Malformed files: reading a randomly changed file gives its contents or an error, in bounded memory and time, and never
//! panics.

mod arrays;
mod changes;
mod keras;
mod linear;
mod memory;
mod trial;
