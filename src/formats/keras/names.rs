//! Keras' names of classes in snake case, as functions and paths in files have them.

/// `BatchNormalization` is `batch_normalization`, `ReLU` is `re_lu`: an underscore stands before a capital with small
/// letters behind it, and between a small letter and a capital. Keras' `to_snake_case`.
pub(super) fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class.chars().collect();
    let mut name = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(at + 1);
        let starts = letter.is_ascii_uppercase()
            && (after.is_some_and(char::is_ascii_lowercase)
                || before.is_some_and(|before| before.is_ascii_lowercase()));
        if starts && before.is_some_and(|before| before != '_') {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn names_are_those_of_keras() {
        let cases = [
            ("BatchNormalization", "batch_normalization"),
            ("Conv2D", "conv2d"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("ReLU", "re_lu"),
            ("PReLU", "p_re_lu"),
            ("KLDivergence", "kl_divergence"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
            ("ELU", "elu"),
            ("SGD", "sgd"),
        ];
        for (class, name) in cases {
            assert_eq!(snake_case(class), name);
        }
    }
}
