//! Check of the launcher: that of another MPI starts jobs of one process each, which would train without each other.

use std::env;

/// Variables in which launchers state the number of processes.
const VARIABLES: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"];

/// Checks the number of processes against that of the launcher and the expected number.
pub(crate) fn check(found: usize, expected: Option<usize>) -> Result<(), String> {
    let launched = VARIABLES.into_iter().find_map(|name| env::var(name).ok()?.parse().ok());
    message(found, launched, expected).map_or(Ok(()), Err)
}

fn message(found: usize, launched: Option<usize>, expected: Option<usize>) -> Option<String> {
    if let Some(launched) = launched.filter(|launched| *launched > found) {
        return Some(format!(
            "the launcher started {launched} processes, but MPI found {found}; use the launcher of the MPI with which the \
             program was built"
        ));
    }
    let expected = expected.filter(|expected| *expected != found)?;
    Some(format!(
        "the job has {found} processes, expected {expected}; start it with the launcher of its MPI, as in mpirun -n {expected}"
    ))
}

#[cfg(test)]
mod tests {
    use super::message;

    #[test]
    fn another_number_of_processes_is_an_error() {
        assert_eq!(message(4, Some(4), Some(4)), None);
        assert_eq!(message(4, None, None), None);
        assert_eq!(message(4, Some(2), None), None); // processes of one machine
        assert!(message(1, Some(4), None).unwrap().starts_with("the launcher started 4 processes, but MPI found 1; "));
        assert!(message(1, None, Some(4)).unwrap().starts_with("the job has 1 processes, expected 4; "));
    }
}
