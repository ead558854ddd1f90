//! [`numbers!`]: a table of named numbers, each explained where it stands.
//!
//! The table is a value and not a set of constants, so that a simulation can ask what a search would find with
//! one of them changed.

/// Declares a struct of `f64`s with the values in use.
macro_rules! numbers {
    (
        $(#[$about:meta])*
        pub struct $name:ident { $($(#[$explained:meta])* $field:ident = $value:expr,)* }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name {
            $($(#[$explained])* pub $field: f64,)*
        }

        impl $name {
            /// The values in use.
            pub const STANDARD: Self = Self { $($field: $value,)* };

            /// The name of each, in order.
            pub const NAMES: &[&str] = &[$(stringify!($field)),*];

            /// The number called `name`; nothing if there is none.
            pub fn get(&self, name: &str) -> Option<f64> {
                match name {
                    $(stringify!($field) => Some(self.$field),)*
                    _ => None,
                }
            }

            /// The same table with the number called `name` multiplied by `factor`.
            #[must_use]
            pub fn scaled(mut self, name: &str, factor: f64) -> Self {
                match name {
                    $(stringify!($field) => self.$field *= factor,)*
                    _ => {}
                }
                self
            }
        }
    };
}

pub(crate) use numbers;
