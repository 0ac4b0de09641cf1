//! One connection from its first byte to its end: read, note, process, answer,
//! with the faults that are planned for it.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use crate::endpoints::{self, Findings};
use crate::faults::{Failure, Fault, Scene, Script, Stage, Step, script};
use crate::http::{Answer, Format, Incoming, Unreadable, read_request};
use crate::ledger::Endpoint;
use crate::shared::{Ended, Reception, Shared, State};
use crate::violation::{Violation, ViolationKind};
use crate::wire::Wire;

/// A hang, a gate and an endless answer end by themselves after this long.
const LONGEST: Duration = Duration::from_secs(300);

pub(crate) fn serve(shared: &Shared, socket: Arc<TcpStream>) -> Result<(), Ended> {
    let peer = socket.peer_addr()?;
    let mut wire = Wire::open(socket, shared.tls.clone())?;
    let reception = shared.lock().reception;
    match reception {
        Reception::Serve => {}
        Reception::Silent => return shared.pause(LONGEST),
        Reception::Reset => return Ok(wire.reset()?),
    }
    match read_request(&mut wire) {
        Ok(request) => Exchange::begin(shared, peer, request).conduct(wire),
        Err(Unreadable::Gone) => Err(Ended),
        Err(Unreadable::Malformed(status, why)) => {
            let exchange = Exchange::begin(shared, peer, Incoming::default());
            exchange.note(vec![(ViolationKind::MalformedRequest, why.to_owned())]);
            exchange.send(&Answer::text(status, why), wire)
        }
    }
}

/// A request, its place in the ledger, and what is planned for it.
struct Exchange<'a> {
    shared: &'a Shared,
    request: Incoming,
    endpoint: Endpoint,
    sequence: usize,
    fault: Option<Fault>,
    delays: [Option<Duration>; 2],
}

impl<'a> Exchange<'a> {
    /// Enters the request into the ledger and takes its fault, in one step, so that
    /// the n-th request meets the n-th fault.
    fn begin(shared: &'a Shared, peer: SocketAddr, request: Incoming) -> Self {
        let endpoint = Endpoint::of(&request);
        let (sequence, fault, delays) = shared.change(|state| {
            let fault = state.faults.take(endpoint);
            let sequence = state.ledger.arrive(endpoint, peer, &request, fault.clone());
            let stages = [Stage::BeforeProcessing, Stage::AfterProcessing];
            (
                sequence,
                fault,
                stages.map(|stage| state.faults.delay(endpoint, stage)),
            )
        });
        Self {
            shared,
            request,
            endpoint,
            sequence,
            fault,
            delays,
        }
    }

    fn conduct(self, wire: Wire) -> Result<(), Ended> {
        let [delay_before, delay_after] = self.delays;
        self.shared.pause(delay_before.unwrap_or_default())?;
        match &self.fault {
            Some(Fault {
                stage: Stage::BeforeProcessing,
                failure: Failure::Gate,
            }) => {
                self.shared.hold(self.sequence, LONGEST)?;
            }
            Some(Fault {
                stage: Stage::BeforeProcessing,
                failure,
            }) => {
                return self.fail(failure, None, wire);
            }
            _ => {}
        }
        let answer = self.process();
        self.shared.pause(delay_after.unwrap_or_default())?;
        match &self.fault {
            Some(Fault {
                stage: Stage::AfterProcessing,
                failure,
            }) => self.fail(failure, Some(answer), wire),
            _ => self.send(&answer, wire),
        }
    }

    /// Processing and its entry are one step: no one sees a rotation that the ledger
    /// does not know.
    fn process(&self) -> Answer {
        let mut findings = Findings::new();
        let from_git = self.ask_git(&mut findings);
        let Self {
            request,
            endpoint,
            sequence,
            ..
        } = self;
        self.shared.change(|state| {
            let authority = &mut state.authority;
            let base_url = &self.shared.base_url;
            let answer = from_git.unwrap_or_else(|| {
                endpoints::answer(*endpoint, request, authority, base_url, &mut findings)
            });
            state.ledger.process(*sequence, &answer);
            record(state, *sequence, findings);
            answer
        })
    }

    /// git's answer comes from a child process, which runs outside the lock.
    fn ask_git(&self, findings: &mut Findings) -> Option<Answer> {
        let root = self
            .shared
            .git_root
            .as_ref()
            .filter(|_| self.endpoint == Endpoint::Git)?;
        let bearer = self
            .shared
            .change(|state| endpoints::git::admit(&self.request, &mut state.authority, findings));
        Some(match bearer {
            Ok(bearer) => {
                endpoints::git::serve(&self.request, bearer.as_ref(), root, &self.shared.base_url)
                    .unwrap_or_else(|error| Answer::text(500, &error.to_string()))
            }
            Err(refusal) => refusal,
        })
    }

    fn note(&self, findings: Findings) {
        self.shared
            .change(|state| record(state, self.sequence, findings));
    }

    fn send(&self, answer: &Answer, wire: Wire) -> Result<(), Ended> {
        let bytes = answer.to_bytes(self.shared.date().as_deref());
        self.play(
            Script {
                steps: vec![Step::Send(bytes)],
                status: Some(answer.status),
            },
            wire,
        )
    }

    fn fail(&self, failure: &Failure, answer: Option<Answer>, wire: Wire) -> Result<(), Ended> {
        let date = self.shared.date();
        let scene = Scene {
            answer,
            format: Format::asked_by(self.request.header("accept")),
            date: date.as_deref(),
            server_time: self.shared.server_time(),
        };
        self.play(script(failure, scene), wire)
    }

    fn play(&self, script: Script, mut wire: Wire) -> Result<(), Ended> {
        let mut begun = false;
        for step in script.steps {
            if !matches!(step, Step::Hang | Step::WaitAtGate) && !begun {
                // Entered before the first byte: who has read an answer finds it here.
                begun = true;
                self.shared
                    .change(|state| state.ledger.answer(self.sequence, script.status));
            }
            match step {
                Step::Send(bytes) => wire.write_all(&bytes)?,
                Step::Repeat(bytes, times) => self.repeat(&bytes, times, &mut wire)?,
                Step::Drip(bytes, pause) => {
                    for byte in bytes {
                        wire.write_all(&[byte])?;
                        wire.flush()?;
                        self.shared.pause(pause)?;
                    }
                }
                Step::WaitAtGate => self.shared.hold(self.sequence, LONGEST)?,
                Step::Hang => return self.shared.pause(LONGEST),
                Step::Reset => return Ok(wire.reset()?),
                Step::Break => {
                    wire.flush()?;
                    return Ok(wire.break_off()?);
                }
            }
        }
        wire.flush()?;
        Ok(wire.finish()?)
    }

    fn repeat(&self, bytes: &[u8], times: Option<u64>, wire: &mut Wire) -> Result<(), Ended> {
        for _ in 0..times.unwrap_or(u64::MAX) {
            wire.write_all(bytes)?;
            if self.shared.lock().stopping {
                return Err(Ended);
            }
        }
        Ok(())
    }
}

fn record(state: &mut State, sequence: usize, findings: Findings) {
    let violation = |(kind, detail)| Violation {
        sequence,
        kind,
        detail,
    };
    state.violations.extend(findings.into_iter().map(violation));
}
