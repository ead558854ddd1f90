//! argv in, exit code out.

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    match steadfire::commands::exec(std::env::args_os().collect()) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            // Nobody reads a closed stderr.
            let _ = writeln!(anstream::stderr(), "error: {failure}");
            failure.exit.into()
        }
    }
}
