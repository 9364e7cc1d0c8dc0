//! Buffers for intermediate results within one part of a kernel's work.
//!
//! A part borrows a buffer while it runs, so that there are as many buffers as threads, however many operations use them.
//! They are freed together with the last [`Workspace`].

use super::aligned_buffer::AlignedBuffer;
use super::parallel;
use crate::error::Result;
use crate::sizes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Access to the shared buffers.
#[derive(Clone, Debug)]
pub(super) struct Workspace(Arc<Buffers>);

/// The buffers that no part uses at the moment.
#[derive(Debug, Default)]
struct Buffers(Mutex<Vec<AlignedBuffer>>);

/// The buffers of all workspaces in use.
static SHARED: Mutex<Weak<Buffers>> = Mutex::new(Weak::new());

/// Locks a mutex. Buffers need no repair after a panic, because their contents are unspecified.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Workspace {
    /// Allocates a buffer of `length` elements for each thread, as far as there are none.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) if they exceed memory.
    pub(super) fn new(length: usize) -> Result<Workspace> {
        let threads = parallel::threads();
        sizes::check_fits_memory::<f32>(&[threads, length])?;
        let mut shared = lock(&SHARED);
        let buffers = shared.upgrade().unwrap_or_default();
        *shared = Arc::downgrade(&buffers);
        let mut free = lock(&buffers.0);
        let missing = threads.saturating_sub(free.len());
        free.extend(std::iter::repeat_with(AlignedBuffer::default).take(missing));
        free.iter_mut()
            .filter(|buffer| buffer.len() < length)
            .for_each(|buffer| *buffer = AlignedBuffer::zeros(length));
        drop(free);
        Ok(Workspace(buffers))
    }

    /// Calls `work` with a buffer of `length` elements, whose values are unspecified. It allocates only if more threads than
    /// expected do so at once.
    pub(super) fn lend<T>(&self, length: usize, work: impl FnOnce(&mut [f32]) -> T) -> T {
        let mut buffer = lock(&self.0.0).pop().unwrap_or_default();
        if buffer.len() < length {
            buffer = AlignedBuffer::zeros(length);
        }
        let result = work(&mut buffer[..length]);
        lock(&self.0.0).push(buffer);
        result
    }
}
