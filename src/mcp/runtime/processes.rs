//! Servers that are processes of this machine.

use std::io;

use super::{CommandServer, RunningServer, Runtime, RuntimeState};
use crate::error::system_reason;
use crate::mcp::conversation::Event;
use crate::mcp::server_process::{self, Started};
use crate::mcp::watchdog::Watchdog;

impl<'env> Runtime<'_, 'env> {
    pub(super) fn start_process(
        self,
        state: &mut RuntimeState,
        number: u32,
        command: &'env CommandServer<'env>,
        generation: Option<u64>,
    ) {
        let token = state.token_of(generation);
        match server_process::start(command.command, &command.variables, token) {
            Ok(started) => self.watch_process(state, number, &command.watchdog, started),
            Err(error) => self.not_started(state, number, error),
        }
    }

    fn not_started(self, state: &mut RuntimeState, number: u32, error: io::Error) {
        if number == 1 {
            (self.shared.wrapper.end)(Err(error));
            return;
        }
        let reason = system_reason(&error);
        let event = Event::NotStarted(number, reason);
        state.follow_ups.push_back(event);
    }

    fn watch_process(
        self,
        state: &mut RuntimeState,
        number: u32,
        watchdog: &'env Watchdog,
        started: Started,
    ) {
        let Started {
            process,
            output,
            mut exit,
        } = started;
        if let Some(group) = process.group() {
            watchdog.add(group);
        }
        state
            .servers
            .insert(number, RunningServer::Process(process));
        let read = self.spawn(move || {
            let note = |text: &str| self.shared.stderr.push_note(text);
            output.for_each_line(note, |line| {
                self.post_and_write(Event::Server(number, line));
            });
            self.stop_process(&mut self.state(), number);
        });
        let watched = self.spawn(move || {
            let ended = exit.wait();
            let mut state = self.state();
            // Other processes that it has started may be left.
            self.stop_process(&mut state, number);
            self.handle(state, Event::Ended(number, ended));
            self.shared.client.wake();
            exit.wait_for_all();
            self.forget_process(number, watchdog);
            self.post(Event::Gone(number));
        });
        if let Err(error) = read.and(watched) {
            if let Some(RunningServer::Process(process)) = state.servers.remove(&number) {
                process.kill();
            }
            self.not_started(state, number, error);
        }
    }

    pub(super) fn stop_process(self, state: &mut RuntimeState, number: u32) {
        let Some(RunningServer::Process(process)) = state.servers.get_mut(&number) else {
            return;
        };
        if let Some(end) = process.stop()
            && self.spawn(end).is_err()
        {
            // No thread can wait until it ends by itself.
            process.kill();
        }
    }

    fn forget_process(self, number: u32, watchdog: &Watchdog) {
        let stopped = self.state().servers.remove(&number);
        if let Some(RunningServer::Process(process)) = stopped
            && let Some(group) = process.group()
        {
            watchdog.remove(group);
        }
    }
}
