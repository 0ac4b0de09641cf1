//! Arguments → run → report → exit code.

use std::process::ExitCode;

#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the arguments"
)]
fn main() -> ExitCode {
    ghtok::run(std::env::args_os())
}
