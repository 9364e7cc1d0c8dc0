//! The declaration of a part's options, from which fields, setters, defaults, specs and readers are generated.

/// Declares a part with its options.
///
/// ```text
/// options! {
///     /// Convolution …                                     the part's documentation and attributes
///     #[derive(Clone, Debug)]
///     #[must_use]
///     pub struct Conv2d("Conv2D") of (filters: usize) {     class; the options without default, in their order in the spec
///         /// Rows and columns between windows. Default: 1.  the setter's documentation
///         into strides: Size2d = Size2d::from(1),           how it is set, name, type, default
///     }
/// }
/// ```
///
/// The keyword before an option determines its setter:
///
/// | keyword | field | argument of the setter |
/// |---|---|---|
/// | `value` | `T` | `T` |
/// | `into` | `T` | `impl Into<T>` |
/// | `some` | `Option<T>`, `None` by default | `T` |
/// | `part` | `Arc<dyn T>`, of the default | `impl T + 'static` |
/// | `optional` | `Option<Arc<dyn T>>`, `None` by default | `impl T + 'static` |
/// | `added` | `T` | `T` |
/// | `added_into` | `T` | `impl Into<T>` |
/// | `field` | `T` | no setter: the part implements a method |
///
/// An `added` or `added_into` option is newer than the first files of the part. It is written only if it differs from its default, so that
/// earlier versions can read the files of models that do not use it.
///
/// The part gets [`FromSpec`](crate::FromSpec), in which a missing option has its default and a missing option without
/// default is an error; `Default`, if all options have one; and two methods for its folder: `with_defaults`, whose
/// arguments are the options without default, and `write_options`, which adds all options to a spec. A default may depend
/// on the options without default.
macro_rules! options {
    ($(#[$meta:meta])* pub struct $Part:ident($class:literal);) => {
        $(#[$meta])*
        pub struct $Part;

        impl $crate::settings::FromSpec for $Part {
            const CLASS: &'static str = $class;

            fn from_spec(_settings: &mut $crate::settings::Settings<'_>) -> $crate::error::Result<$Part> {
                Ok($Part)
            }
        }
    };
    ($(#[$meta:meta])* pub struct $Part:ident($class:literal) of ($($given:ident: $Given:ty),+);) => {
        $crate::settings::options! { $(#[$meta])* pub struct $Part($class) of ($($given: $Given),+) {} }
    };
    (
        $(#[$meta:meta])*
        pub struct $Part:ident($class:literal) $(of ($($given:ident: $Given:ty),+))? {
            $($(#[$doc:meta])+ $kind:ident $name:ident: $T:path $(= $default:expr)?,)*
        }
    ) => {
        $(#[$meta])*
        pub struct $Part {
            $($($given: $Given,)+)?
            $($name: $crate::settings::option!(type $kind $T),)*
        }

        impl $Part {
            $($crate::settings::option! { setter $kind $Part $name $T, $(#[$doc])+ })*

            /// Creates the part with these options and the defaults of all others.
            fn with_defaults($($($given: $Given),+)?) -> $Part {
                $Part { $($name: $crate::settings::option!(default $kind $($default)?),)* $($($given),+)? }
            }

            /// Adds the options to a spec.
            pub(super) fn write_options(&self, spec: $crate::spec::Spec) -> $crate::spec::Spec {
                $($(let spec = $crate::settings::OptionValue::write(&self.$given, stringify!($given), spec);)+)?
                $(let spec = $crate::settings::option!(write $kind &self.$name, stringify!($name), spec, $($default)?);)*
                spec
            }
        }

        $crate::settings::option! { default_of $Part, $($($given)+)? }

        impl $crate::settings::FromSpec for $Part {
            const CLASS: &'static str = $class;

            fn from_spec(settings: &mut $crate::settings::Settings<'_>) -> $crate::error::Result<$Part> {
                $($(let $given = $crate::settings::OptionValue::read(stringify!($given), settings)?;)+)?
                let defaults = $Part::with_defaults($($($given),+)?);
                Ok($Part {
                    $($($given: defaults.$given,)+)?
                    $($name: $crate::settings::OptionValue::read_or(stringify!($name), settings, defaults.$name)?,)*
                })
            }

            fn setting_names() -> Vec<&'static str> {
                let given: &[Vec<_>] = &[$($(<$Given as $crate::settings::OptionValue>::names(stringify!($given)),)+)?];
                let others: &[Vec<_>] = &[$($crate::settings::option!(names $kind $T, stringify!($name)),)*];
                [given, others].concat().concat()
            }
        }
    };
}

/// The code that [`options!`] generates for one option of each kind, and the `Default` of a part.
macro_rules! option {
    (type some $T:path) => { Option<$T> };
    (type part $T:path) => { std::sync::Arc<dyn $T> };
    (type optional $T:path) => { Option<std::sync::Arc<dyn $T>> };
    (type $kind:ident $T:path) => { $T };

    (setter field $Part:ident $name:ident $T:path, $(#[$doc:meta])+) => {};
    (setter added_into $Part:ident $name:ident $T:path, $(#[$doc:meta])+) => {
        $crate::settings::option! { setter into $Part $name $T, $(#[$doc])+ }
    };
    (setter into $Part:ident $name:ident $T:path, $(#[$doc:meta])+) => {
        $(#[$doc])+
        pub fn $name(mut self, $name: impl Into<$T>) -> $Part {
            self.$name = $name.into();
            self
        }
    };
    (setter some $Part:ident $name:ident $T:path, $(#[$doc:meta])+) => {
        $(#[$doc])+
        pub fn $name(mut self, $name: $T) -> $Part {
            self.$name = Some($name);
            self
        }
    };
    (setter part $Part:ident $name:ident $T:path, $(#[$doc:meta])+) => {
        $(#[$doc])+
        pub fn $name(mut self, $name: impl $T + 'static) -> $Part {
            self.$name = std::sync::Arc::new($name);
            self
        }
    };
    (setter optional $Part:ident $name:ident $T:path, $(#[$doc:meta])+) => {
        $(#[$doc])+
        pub fn $name(mut self, $name: impl $T + 'static) -> $Part {
            self.$name = Some(std::sync::Arc::new($name));
            self
        }
    };
    (setter $kind:ident $Part:ident $name:ident $T:path, $(#[$doc:meta])+) => {
        $(#[$doc])+
        pub fn $name(mut self, $name: $T) -> $Part {
            self.$name = $name;
            self
        }
    };

    (default_of $Part:ident,) => {
        impl Default for $Part {
            /// Creates the part with the defaults of all options.
            fn default() -> $Part {
                $Part::with_defaults()
            }
        }
    };
    (default_of $Part:ident, $($given:ident)+) => {};

    (default some) => { None };
    (default optional) => { None };
    (default part $default:expr) => { std::sync::Arc::new($default) };
    (default $kind:ident $default:expr) => { $default };

    (names $kind:ident $T:path, $name:expr) => {
        <$crate::settings::option!(type $kind $T) as $crate::settings::OptionValue>::names($name)
    };

    (write added_into $value:expr, $name:expr, $spec:ident, $default:expr) => {
        $crate::settings::option!(write added $value, $name, $spec, $default)
    };
    (write added $value:expr, $name:expr, $spec:ident, $default:expr) => {
        if *$value == $default { $spec } else { $crate::settings::OptionValue::write($value, $name, $spec) }
    };
    (write $kind:ident $value:expr, $name:expr, $spec:ident, $($default:expr)?) => {
        $crate::settings::OptionValue::write($value, $name, $spec)
    };
}

pub(crate) use {option, options};
