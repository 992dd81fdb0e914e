//! `roost`: the platform.

use std::process::ExitCode;

fn main() -> ExitCode {
    control_plane::main()
}
