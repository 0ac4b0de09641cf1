//! Does nothing: what starting and ending a process costs on this machine.

fn main() {}
