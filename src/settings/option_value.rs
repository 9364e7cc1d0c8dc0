//! The types that options can have, with their conversion to and from settings of a spec.

use super::Settings;
use crate::axes::Axes;
use crate::error::Result;
use crate::padding2d::Padding2d;
use crate::padding3d::Padding3d;
use crate::shape::Shape;
use crate::size2d::Size2d;
use crate::size3d::Size3d;
use crate::spec::{Spec, SpecValue};

/// A type that an option can have.
pub(crate) trait OptionValue: Sized {
    /// Adds the value to a spec as the setting `name`.
    fn write(&self, name: &'static str, spec: Spec) -> Spec;

    /// Reads the setting `name`.
    ///
    /// # Errors
    /// The setting is missing or of another type.
    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<Self>;

    /// Whether the settings contain the setting `name`.
    fn is_in(name: &'static str, settings: &Settings<'_>) -> bool {
        settings.has(name)
    }

    /// The names of the settings in which the option `name` is written.
    fn names(name: &'static str) -> Vec<&'static str> {
        vec![name]
    }

    /// Reads the setting `name`, or returns `default` when it is missing, as in files that are older than the option.
    ///
    /// # Errors
    /// The setting is of another type.
    fn read_or(name: &'static str, settings: &mut Settings<'_>, default: Self) -> Result<Self> {
        if Self::is_in(name, settings) { Self::read(name, settings) } else { Ok(default) }
    }
}

/// Implements types that are written as one setting: the type, the value of the setting, and the reader.
macro_rules! values {
    ($($T:ty: |$value:ident| $written:expr, |$name:ident, $settings:ident| $read:expr;)*) => {
        $(impl OptionValue for $T {
            fn write(&self, name: &'static str, spec: Spec) -> Spec {
                let $value = self;
                spec.with(name, $written)
            }

            fn read($name: &'static str, $settings: &mut Settings<'_>) -> Result<$T> {
                $read
            }
        })*
    };
}

values! {
    bool: |value| *value, |name, settings| settings.bool(name);
    usize: |value| *value, |name, settings| settings.uint(name);
    isize: |value| SpecValue::axis(*value), |name, settings| settings.axis(name);
    i32: |value| SpecValue::axis(*value as isize), |name, settings| {
        let number = settings.axis(name)?;
        i32::try_from(number).map_err(|_| settings.wrong_type(name, &SpecValue::axis(number), "an integer of 32 bits"))
    };
    f32: |value| *value, |name, settings| settings.float(name);
    String: |value| value.as_str(), |name, settings| settings.str(name).map(str::to_owned);
    Vec<usize>: |value| &value[..], |name, settings| settings.uints(name).map(<[usize]>::to_vec);
    Vec<f32>: |value| &value[..], |name, settings| settings.floats(name).map(<[f32]>::to_vec);
    [f32; 2]: |value| &value[..], |name, settings| match *settings.floats(name)? {
        [low, high] => Ok([low, high]),
        ref numbers => Err(settings.wrong_type(name, &numbers.into(), "two numbers")),
    };
    Vec<String>: |value| SpecValue::Strs(value.clone()), |name, settings| settings.strs(name);
    Axes: |value| SpecValue::Ints(value.numbers().to_vec()), |name, settings| settings.axes(name).map(Axes::from);
    Size2d: |value| &value.sizes()[..], |name, settings| settings.pair(name).map(Size2d::from);
    Padding2d: |value| value.sides().as_flattened(), |name, settings| match *settings.uints(name)? {
        [above, below, left, right] => Ok(Padding2d::from([[above, below], [left, right]])),
        ref sizes => Err(settings.wrong_type(name, &sizes.into(), "four integers ≥ 0: top, bottom, left, right")),
    };
    Size3d: |value| &value.sizes()[..], |name, settings| match *settings.uints(name)? {
        [depth, rows, columns] => Ok(Size3d::from([depth, rows, columns])),
        ref sizes => Err(settings.wrong_type(name, &sizes.into(), "three integers ≥ 0")),
    };
    Padding3d: |value| value.sides().as_flattened(), |name, settings| match *settings.uints(name)? {
        [front, back, above, below, left, right] => Ok(Padding3d::from([[front, back], [above, below], [left, right]])),
        ref sizes => Err(settings.wrong_type(name, &sizes.into(), "six integers ≥ 0: two for each axis")),
    };
    Shape: |value| value.sizes(), |name, settings| Shape::new(settings.uints(name)?);
}

/// `None` is not written to the spec.
impl<T: OptionValue> OptionValue for Option<T> {
    fn write(&self, name: &'static str, spec: Spec) -> Spec {
        self.iter().fold(spec, |spec, value| value.write(name, spec))
    }

    fn read(name: &'static str, settings: &mut Settings<'_>) -> Result<Option<T>> {
        T::read(name, settings).map(Some)
    }

    fn is_in(name: &'static str, settings: &Settings<'_>) -> bool {
        T::is_in(name, settings)
    }

    fn names(name: &'static str) -> Vec<&'static str> {
        T::names(name)
    }
}
