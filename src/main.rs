//! The command line. Exit codes: 0 good, 1 failed, 2 wrong usage. Data on stdout, logs and errors on stderr.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use lingping::cli::{Cli, run};

fn main() -> ExitCode {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // A service has none, and Mesa's Vulkan layer, looking for a Wayland display there, complains on stderr.
        // SAFETY: no other thread runs yet.
        unsafe { std::env::set_var("XDG_RUNTIME_DIR", std::env::temp_dir()) };
    }
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("LINGPING_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn,lingping=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // Else a line that can't be written (a full disk, a dead pipe) would end the thread that logs it.
        .log_internal_errors(false)
        .with_ansi(std::io::stderr().is_terminal())
        .compact()
        .init();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            // One sentence: what, where, what to do; the causes follow it.
            eprintln!("lingping: {error:#}");
            ExitCode::from(1)
        }
    }
}
