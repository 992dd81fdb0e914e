//! `roost-runtime`: one tenant, served from its data directory.

use std::process::ExitCode;

fn main() -> ExitCode {
    tenant_runtime::cli::main()
}
