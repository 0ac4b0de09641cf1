//! One schedule: the processes, which of them goes on next, and what happens to them.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::time::Duration;

use ghtok::testing::auth::outcome::{Happened, Outcome};

use super::callers::{Task, refresher};
use super::process::{Call, Ended, Kind, Process, State, Verdict};
use super::rules;
use super::scenario::{Budget, Scenario};
use super::world::{Condition, Pid, Rescue, Shared, Spawned, World};

/// One decision of the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Move {
    /// The process goes on, and its call ends so.
    Step(Pid, Verdict),
    Kill(Pid),
    Stop(Pid),
    Continue(Pid),
    /// The wall clock is set ahead, or back, by seconds.
    Jump(i64),
    Become(Condition),
}

/// No schedule has more steps, unless a process runs for ever.
const MOST_STEPS: u64 = 8_000;

pub struct Run {
    pub world: Shared,
    pub processes: Vec<Process>,
    pub left: Budget,
    pub done: Vec<Move>,
    kills: u32,
}

impl Run {
    pub fn new(scenario: &Scenario, is_traced: bool) -> Self {
        let world: Shared = Rc::new(RefCell::new(World::new(scenario.clone(), is_traced)));
        let mut run = Self {
            world,
            processes: Vec::new(),
            left: scenario.budget,
            done: Vec::new(),
            kills: 0,
        };
        for caller in &scenario.callers {
            run.arrive(caller.task, caller.has_network);
        }
        run
    }

    fn arrive(&mut self, task: Task, has_network: bool) -> Pid {
        let pid = {
            let mut world = self.world.borrow_mut();
            let pid = world.new_pid();
            world.alive.insert(pid);
            pid
        };
        let process = Process::new(
            pid,
            task.name(),
            has_network,
            None,
            &self.world,
            move |own| task.run(own),
        );
        self.processes.push(process);
        pid
    }

    fn spawn(&mut self, spawned: Spawned) {
        let Spawned {
            pid,
            parent,
            want,
            first,
            has_network,
        } = spawned;
        let parent = Some(parent);
        let process = Process::new(
            pid,
            "refresher",
            has_network,
            parent,
            &self.world,
            move |own| refresher(own, want, first),
        );
        self.processes.push(process);
    }

    /// The processes that can go on. One that only looks for something can if there is something to see, or
    /// nobody else can.
    pub fn runnable(&self) -> Vec<(Pid, Call)> {
        let world = self.world.borrow();
        let awake = self.processes.iter().filter(|process| !process.is_stopped);
        let calls = awake.filter_map(|process| Some((process, process.call()?)));
        let is_idle = |process: &Process, call: Call| {
            matches!(
                call.kind,
                Kind::Sleep {
                    is_polling: true,
                    ..
                }
            ) && process.signals == world.signals
                && !world.scenario.locks_exclude_nobody
        };
        let (idle, busy): (Vec<_>, Vec<_>) =
            calls.partition(|(process, call)| is_idle(process, *call));
        if busy.is_empty() {
            let until = |call: &Call| match call.kind {
                Kind::Sleep { until, .. } => until,
                _ => world.now,
            };
            let first = idle.into_iter().min_by_key(|(_, call)| until(call));
            return first
                .map(|(process, call)| (process.pid, call))
                .into_iter()
                .collect();
        }
        busy.into_iter()
            .map(|(process, call)| (process.pid, call))
            .collect()
    }

    /// All that can happen next.
    pub fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        let runnable = self.runnable();
        for (pid, call) in &runnable {
            moves.push(Move::Step(*pid, Verdict::Done));
            if self.left.faults > 0 {
                let faults = call.kind.faults().iter();
                moves.extend(faults.map(|verdict| Move::Step(*pid, *verdict)));
            }
        }
        if runnable.is_empty()
            && self
                .processes
                .iter()
                .all(|process| process.call().is_none())
        {
            return moves;
        }
        for process in &self.processes {
            let has_begun = process.began.is_some() && process.call().is_some();
            if has_begun && self.left.kills > 0 {
                moves.push(Move::Kill(process.pid));
            }
            if has_begun && self.left.stops > 0 && !process.is_stopped {
                moves.push(Move::Stop(process.pid));
            }
            if process.is_stopped {
                moves.push(Move::Continue(process.pid));
            }
        }
        if self.left.jumps > 0 {
            moves.extend([3_600, -3_600, 86_400, -400_000_000].map(Move::Jump));
        }
        if self.left.conditions > 0 {
            let now = self.world.borrow().condition;
            let all = [
                Condition::Healthy,
                Condition::Locked,
                Condition::NoKeychain,
                Condition::FullDisk,
            ];
            moves.extend(all.into_iter().filter(|it| *it != now).map(Move::Become));
        }
        moves
    }

    fn process(&mut self, pid: Pid) -> Option<&mut Process> {
        self.processes.iter_mut().find(|process| process.pid == pid)
    }

    /// Does it; false if it is not possible.
    pub fn apply(&mut self, what: Move) -> bool {
        let is_done = match what {
            Move::Step(pid, verdict) => self.go_on(pid, verdict),
            Move::Kill(pid) => self.kill(pid),
            Move::Stop(pid) => self.stop(pid),
            Move::Continue(pid) => match self.process(pid) {
                Some(process) if process.is_stopped => {
                    process.is_stopped = false;
                    true
                }
                _ => false,
            },
            Move::Jump(seconds) if self.left.jumps > 0 => {
                self.left.jumps -= 1;
                self.world.borrow_mut().wall_ahead += seconds;
                true
            }
            Move::Become(condition) if self.left.conditions > 0 => {
                self.left.conditions -= 1;
                self.world.borrow_mut().condition = condition;
                true
            }
            Move::Jump(_) | Move::Become(_) => false,
        };
        if is_done {
            if !matches!(what, Move::Step(..)) {
                self.world.borrow_mut().tell(&format!("** {what:?}"));
            }
            self.done.push(what);
            rules::after_a_step(&mut self.world.borrow_mut());
        }
        is_done
    }

    fn go_on(&mut self, pid: Pid, verdict: Verdict) -> bool {
        let Some((_, call)) = self.runnable().into_iter().find(|(it, _)| *it == pid) else {
            return false;
        };
        if verdict != Verdict::Done {
            if self.left.faults == 0 || !call.kind.faults().contains(&verdict) {
                return false;
            }
            self.left.faults -= 1;
        }
        let step = {
            let mut world = self.world.borrow_mut();
            world.step += 1;
            world.faults += u64::from(verdict != Verdict::Done);
            if let Kind::Sleep { until, .. } = call.kind {
                world.now = world.now.max(until);
            }
            world.step
        };
        let process = self.process(pid).expect("a process");
        process.began.get_or_insert(step);
        let resumed = process.resume(verdict);
        let state = process.state.clone();
        let signals = self.world.borrow().signals;
        self.process(pid).expect("a process").signals = signals;
        if let Err(panic) = resumed {
            self.world.borrow_mut().violated("nothing panics", panic);
        }
        if let State::Ended(ended) = state {
            let mut world = self.world.borrow_mut();
            world.ended(pid);
            for pair in world
                .server
                .pairs
                .iter_mut()
                .filter(|pair| pair.holder == Some(pid))
            {
                pair.holder = None;
            }
            let process = self.processes.iter().find(|process| process.pid == pid);
            rules::after_an_end(&mut world, process.expect("a process"), &ended);
        }
        let spawned = std::mem::take(&mut self.world.borrow_mut().spawned);
        for process in spawned {
            self.spawn(process);
        }
        true
    }

    fn kill(&mut self, pid: Pid) -> bool {
        if self.left.kills == 0 {
            return false;
        }
        let Some(process) = self.process(pid).filter(|it| it.call().is_some()) else {
            return false;
        };
        process.kill();
        self.left.kills -= 1;
        self.kills += 1;
        let mut world = self.world.borrow_mut();
        rules::killed(&mut world, pid);
        world.ended(pid);
        true
    }

    fn stop(&mut self, pid: Pid) -> bool {
        let may = self.left.stops > 0;
        match self.process(pid) {
            Some(process) if may && !process.is_stopped && process.call().is_some() => {
                process.is_stopped = true;
                self.left.stops -= 1;
                true
            }
            _ => false,
        }
    }

    /// Lets everything end that runs, without further trouble, and asks for a token.
    pub fn finish(&mut self) {
        self.left = Budget::default();
        self.world.borrow_mut().condition = Condition::Healthy;
        for process in &mut self.processes {
            process.is_stopped = false;
        }
        self.run_out();
        self.calm_rules();
        if self.world.borrow().violations.is_empty() {
            // No failure counts for later callers for as long as this.
            self.world.borrow_mut().now += Duration::from_secs(400);
            self.world
                .borrow_mut()
                .tell("** all have ended; one more asks for a token");
            let pid = self.arrive(Task::Get, true);
            self.run_out();
            self.last_rules(pid);
        }
    }

    fn run_out(&mut self) {
        let mut turn = 0;
        loop {
            let runnable = self.runnable();
            if runnable.is_empty() || !self.world.borrow().violations.is_empty() {
                return;
            }
            if self.world.borrow().step > MOST_STEPS {
                self.world
                    .borrow_mut()
                    .violated("nothing runs for ever", "");
                return;
            }
            turn += 1;
            let (pid, _) = runnable[turn % runnable.len()];
            self.apply(Move::Step(pid, Verdict::Done));
        }
    }

    /// Without trouble of its own, a caller gets a token whatever its neighbours meet.
    fn calm_rules(&self) {
        let mut world = self.world.borrow_mut();
        let scenario = world.scenario.clone();
        let was_signed_in = scenario.beginning != super::scenario::Beginning::SignedOut;
        let is_calm = scenario.is_calm() && !scenario.locks_exclude_nobody && was_signed_in;
        if !is_calm || scenario.has(Task::Logout) || world.server.may_one_be_lost() {
            return;
        }
        for process in self.processes.iter().filter(|it| it.has_network) {
            if let State::Ended(Ended::Failed(why)) = &process.state
                && process.parent.is_none()
                && !(self.kills > 1 && why == "RefresherDied")
            {
                let words = format!("p{}: {why}", process.pid);
                world.violated("a neighbour fails nobody", words);
            }
        }
        if self.kills > 0 || world.server.pairs.len() < 2 {
            return;
        }
        if world.rescue != Rescue::Absent {
            world.violated("nothing is left behind", "the rescue file");
        }
        let stored = world.record.as_ref().map(|record| record.generation);
        let is_told = |outcome: &Outcome| match outcome.what {
            Happened::Saved => Some(outcome.generation) == stored,
            Happened::Failed(_) => true,
            Happened::Sent | Happened::Unknown(_) | Happened::Deleted => false,
        };
        if !world.outcome.as_ref().is_some_and(is_told) {
            world.violated("what is saved is reported", "");
        }
    }

    /// What was stored can be used by the next call.
    fn last_rules(&self, pid: Pid) {
        let last = self.processes.iter().find(|process| process.pid == pid);
        let state = last.map(|process| process.state.clone());
        let mut world = self.world.borrow_mut();
        if world.scenario.locks_exclude_nobody {
            return;
        }
        match state {
            Some(State::Ended(Ended::Served(pair)))
                if !world.server.pairs[pair].is_access_alive =>
            {
                world.violated("no dead token is served in the end", format!("ghu_{pair}"));
            }
            Some(State::Ended(Ended::Failed(why))) => {
                let is_expected = world.is_signed_out || world.server.may_be_lost();
                if !is_expected || !why.starts_with("SignInNeeded") {
                    world.violated("no sign-in is lost", why);
                }
            }
            _ => {}
        }
    }

    /// A number that is the same for the same state.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.world.borrow().digest(), self.left).hash(&mut hasher);
        let signals = self.world.borrow().signals;
        for process in &self.processes {
            let call = process.call().map(|call| call.name);
            (process.pid, process.history(), call, process.is_stopped).hash(&mut hasher);
            (process.signals == signals, process.began.is_some()).hash(&mut hasher);
            matches!(process.state, State::Killed).hash(&mut hasher);
            for pair in &self.world.borrow().server.pairs {
                (
                    process.began > pair.intent_at,
                    process.began > pair.doomed_at,
                )
                    .hash(&mut hasher);
            }
        }
        hasher.finish()
    }

    pub fn violation(&self) -> Option<String> {
        self.world.borrow().violations.first().cloned()
    }

    pub fn log(&self) -> String {
        self.world.borrow().log.clone().unwrap_or_default()
    }
}
