//! Implementations of traits for smart pointers and references, which forward to the pointee.

/// Implements a trait for `Box`, `Arc` or `&` of its implementors, so that a `Box<dyn Layer>` is a layer.
/// List every object-safe method of the trait, including the provided ones.
macro_rules! forward {
    ($Trait:ident for [$($Pointer:tt),+] $methods:tt) => {
        $($crate::forward::forward!(@impl $Trait $Pointer $methods);)+
    };
    (@impl $Trait:ident & { $($methods:tt)* }) => {
        impl<T: $Trait + ?Sized> $Trait for &T {
            $crate::forward::forward!(@methods $($methods)*);
        }
    };
    (@impl $Trait:ident $Pointer:ident { $($methods:tt)* }) => {
        impl<T: $Trait + ?Sized> $Trait for $Pointer<T> {
            $crate::forward::forward!(@methods $($methods)*);
        }
    };
    (@methods $(fn $name:ident $(<$life:lifetime>)? ($($this:tt)+) $(-> $result:ty)?;)*) => {
        $($crate::forward::forward!(@method $name [$($life)?] [$($result)?] $($this)+);)*
    };
    (@method $name:ident [$($life:lifetime)?] [$($result:ty)?] &self $(, $arg:ident: $type:ty)*) => {
        fn $name $(<$life>)? (&self $(, $arg: $type)*) $(-> $result)? {
            (**self).$name($($arg),*)
        }
    };
    (@method $name:ident [$($life:lifetime)?] [$($result:ty)?] &mut self $(, $arg:ident: $type:ty)*) => {
        fn $name $(<$life>)? (&mut self $(, $arg: $type)*) $(-> $result)? {
            (**self).$name($($arg),*)
        }
    };
}

pub(crate) use forward;
