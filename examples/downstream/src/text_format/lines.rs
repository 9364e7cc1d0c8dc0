//! The lines of the format, which are read from specs like parts of models.

use super::VERSION;
use gradus::{AxisOrder, Error, FromSpec, Result, SampleShape, Settings, Shape, Spec, ValueInfo};

/// A line of a file.
pub(super) enum Line {
    Network,
    Input { value: usize, info: ValueInfo },
    Layer { name: String, part: Spec },
    Array { name: String, shape: Shape, elements: Vec<f32> },
    Call { layer: String, inputs: Vec<usize>, outputs: Vec<usize> },
    Output { name: String, value: usize, axes: AxisOrder },
}

/// Defines a type for each class of lines, with the function that reads its settings, and `Line::new`.
macro_rules! lines {
    ($($Class:ident($settings:ident) $read:block)*) => {
        $(struct $Class(Line);

        impl FromSpec for $Class {
            const CLASS: &'static str = stringify!($Class);

            fn from_spec($settings: &mut Settings<'_>) -> Result<$Class> {
                Ok($Class($read))
            }
        })*

        impl Line {
            /// Reads the line that a spec describes.
            pub(super) fn new(spec: &Spec) -> Result<Line> {
                match spec.class() {
                    $($Class::CLASS => spec.make::<$Class>().map(|line| line.0),)*
                    class => {
                        let known = vec![$($Class::CLASS.into()),*];
                        Err(Error::Unknown { kind: "line", name: class.into(), known })
                    }
                }
            }
        }
    };
}

lines! {
    Network(settings) {
        match settings.uint("version")? {
            VERSION => Line::Network,
            other => return Err(Error::other(format!("version is {other}, expected {VERSION}"))),
        }
    }

    Input(settings) {
        let sizes: Vec<Option<usize>> =
            settings.uints("shape")?.iter().map(|size| Some(*size).filter(|size| *size > 0)).collect();
        let (name, shape) = (settings.str("name")?, SampleShape::new(&sizes)?);
        let info = ValueInfo::new(name, shape).with_axis_order(AxisOrder::new(settings.uints("axes")?)?);
        Line::Input { value: settings.uint("value")?, info }
    }

    Layer(settings) {
        Line::Layer { name: settings.str("name")?.into(), part: settings.nested("part")?.clone() }
    }

    Array(settings) {
        let (name, shape) = (settings.str("name")?.into(), Shape::new(settings.uints("shape")?)?);
        Line::Array { name, shape, elements: settings.floats("elements")?.into() }
    }

    Call(settings) {
        let [inputs, outputs] = [settings.uints("inputs")?.into(), settings.uints("outputs")?.into()];
        Line::Call { layer: settings.str("layer")?.into(), inputs, outputs }
    }

    Output(settings) {
        let axes = AxisOrder::new(settings.uints("axes")?)?;
        Line::Output { name: settings.str("name")?.into(), value: settings.uint("value")?, axes }
    }
}
