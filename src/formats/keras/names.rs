//! Class names in snake case, as in the names of functions and the paths of weights.

/// Converts a class name to snake case like Keras' `to_snake_case`: `BatchNormalization` becomes `batch_normalization`, `ReLU`
/// becomes `re_lu`. An underscore precedes each capital that follows a lowercase letter or precedes one.
pub(super) fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class.chars().collect();
    let mut name = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(index + 1);
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
