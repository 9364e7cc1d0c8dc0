//! What every metric must hold, walked over the list.
