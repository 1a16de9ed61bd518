//! The one executable of Namoyish: roles, simulation and tools, wired together and nothing else.
//!
//! `namoyish` without a command is `namoyish up`: the whole platform on embedded defaults.
#![forbid(unsafe_code)]

mod cli;
mod demo;
mod geo;
mod roles;
mod servers;
mod simulate;
mod up;

use clap::Parser;
use std::process::ExitCode;

/// Many small allocations per request are what this allocator is good at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("namoyish: the runtime can't start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(cli.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The whole chain: the first line says what failed, the rest why.
            eprintln!("namoyish: {error:#}");
            ExitCode::FAILURE
        }
    }
}
