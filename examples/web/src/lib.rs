//! A model in a WebAssembly module: the page writes the bytes of a model file and the pixels of a digit to its memory.

use gradus::save::Registry;
use gradus::{Architecture, Model, Result};
use ndarray::Array4;
use std::cell::RefCell;

/// Height and width of a digit, and the number of classes.
pub const SIDE: usize = 28;
pub const CLASSES: usize = 10;

struct State {
    /// The bytes of the model file, then a message if it cannot be read.
    bytes: Vec<u8>,
    model: Option<Model>,
    digit: [f32; SIDE * SIDE],
    probabilities: [f32; CLASSES],
}

thread_local! {
    static STATE: RefCell<State> = const {
        RefCell::new(State { bytes: Vec::new(), model: None, digit: [0.0; SIDE * SIDE], probabilities: [0.0; CLASSES] })
    };
}

/// The probabilities of a digit.
///
/// # Errors
/// The errors of [`Model::predict`].
pub fn probabilities(model: &Model, digit: &[f32; SIDE * SIDE]) -> Result<[f32; CLASSES]> {
    let mut image = Array4::zeros((1, SIDE, SIDE, 1));
    image.iter_mut().zip(digit).for_each(|(pixel, value)| *pixel = *value);
    let mut probabilities = [0.0; CLASSES];
    probabilities.iter_mut().zip(&model.predict(&image)?).for_each(|(to, from)| *to = *from);
    Ok(probabilities)
}

/// Reserves memory for the bytes of a model file or a message.
#[unsafe(no_mangle)]
pub extern "C" fn reserve(length: usize) -> *mut u8 {
    STATE.with_borrow_mut(|state| {
        state.bytes.resize(length, 0);
        state.bytes.as_mut_ptr()
    })
}

/// Reads the model. Returns 0, or the length of an error message, which replaces the bytes.
#[unsafe(no_mangle)]
pub extern "C" fn load() -> usize {
    STATE.with_borrow_mut(|state| {
        let model = Architecture::from_bytes(&state.bytes, &Registry::new()).and_then(Architecture::into_model);
        match model {
            Ok(model) => state.model = Some(model),
            Err(error) => state.bytes = error.to_string().into_bytes(),
        }
        if state.model.is_some() { 0 } else { state.bytes.len() }
    })
}

/// The address of the bytes.
#[unsafe(no_mangle)]
pub extern "C" fn bytes() -> *const u8 {
    STATE.with_borrow(|state| state.bytes.as_ptr())
}

/// The address of the pixels, from 0 for the background to 1.
#[unsafe(no_mangle)]
pub extern "C" fn digit() -> *mut f32 {
    STATE.with_borrow_mut(|state| state.digit.as_mut_ptr())
}

/// Classifies the digit. Returns the address of the probabilities, or 0 without a model.
#[unsafe(no_mangle)]
pub extern "C" fn classify() -> *const f32 {
    STATE.with_borrow_mut(|state| {
        let found = state.model.as_ref().map(|model| probabilities(model, &state.digit));
        match found {
            Some(Ok(found)) => {
                state.probabilities = found;
                state.probabilities.as_ptr()
            }
            _ => std::ptr::null(),
        }
    })
}
