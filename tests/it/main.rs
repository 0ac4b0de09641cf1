//! The one test binary: a module per subject. Tests that prove a promise of the design carry its
//! number in their name (`p7_…`); docs/promises.md has the list, and a test compares it with the names.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::print_stderr)]
#![allow(unreachable_pub)]

#[macro_use]
mod support;

mod advice;
mod architecture;
mod bad_input;
mod bridges;
mod canaries;
mod clocks;
mod commands;
mod consumers;
mod doctor;
mod documents;
mod errors;
mod exec;
mod failures;
mod git;
mod github_client;
mod hostile_texts;
#[cfg(target_os = "linux")]
mod hygiene;
#[cfg(target_os = "linux")]
mod kernel;
#[cfg(target_os = "linux")]
mod keychain;
mod licences;
mod matrix;
mod mcp;
#[cfg(target_os = "linux")]
mod memory;
mod parsers;
mod polling;
mod processes;
mod prompts;
mod refresher;
mod sandbox;
#[cfg(unix)]
mod sandbox_client;
#[cfg(target_os = "linux")]
mod schedule;
mod scoped;
#[cfg(target_os = "linux")]
mod secret_service;
mod setup_all;
mod setup_git;
mod setup_mcp;
mod shells;
mod simulation;
mod state_files;
mod steps;
#[cfg(target_os = "linux")]
mod terminal;
mod tour;
