//! Making a connection ready: name, proxy, TCP, TLS. Writes nothing of a request.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::Instant;
use ureq::unversioned::transport::{
    ConnectionDetails, Connector, DefaultConnector, NextTimeout, ShutdownHandle, Transport,
};
use ureq::{Agent, Timeout};

use crate::github::{Cause, Network, Proxy, Stage};
use crate::steps::Steps;

use super::{Link, USER_AGENT};

/// One attempt to connect.
pub(super) struct Dial {
    /// The address of the request to come.
    pub(super) target: Uri,
    /// The proxy that leads there, if one does.
    pub(super) proxy: Option<Proxy>,
    /// Which certificates to trust.
    pub(super) network: Network,
    /// Where it says how far it got.
    pub(super) attempt: Arc<Attempt>,
    /// How long it has.
    pub(super) limit: Duration,
    /// Where steps are told.
    pub(super) steps: Steps,
}

impl Dial {
    /// Connects, however long that takes: whoever waits must be able to stop waiting.
    pub(super) fn run(self) -> Result<Link, Cause> {
        let host = self.target.host().unwrap_or_default().to_owned();
        let started = Instant::now();
        let proxy = self.proxy.as_ref();
        let config = Agent::config_builder()
            .proxy(proxy.map(Proxy::to_ureq))
            .tls_config(TlsConfig::builder().root_certs(self.roots()?).build())
            .user_agent(USER_AGENT)
            .build();
        let transport = self
            .connect(&config, started)
            .map_err(|error| match proxy {
                Some(proxy) => Cause::of_proxied_connect(error, &host, proxy, self.limit),
                None => Cause::of_connect(error, &host, self.attempt.stage(), self.limit),
            })?;
        self.steps.info(|| {
            let security = if transport.is_tls() { "TLS" } else { "no TLS" };
            let way = proxy.map_or("directly", |_| "through the proxy");
            format!("connected to {host} {way}, {security}")
        });
        Ok(Link {
            steps: self.steps,
            transport,
            host,
            took: elapsed(started),
        })
    }

    /// Plain http trusts no certificates, and reads none.
    fn roots(&self) -> Result<RootCerts, Cause> {
        match self.target.scheme_str() {
            Some("https") => self.network.roots(),
            _ => Ok(RootCerts::PlatformVerifier),
        }
    }

    fn connect(
        &self,
        config: &Config,
        started: Instant,
    ) -> Result<Box<dyn Transport>, ureq::Error> {
        let resolver = Lookup(Arc::clone(&self.attempt), self.steps);
        let here = config.proxy().is_none_or(ureq::Proxy::resolve_target);
        let addrs = if here {
            resolver.resolve(&self.target, config, NextTimeout::default())?
        } else {
            resolver.empty()
        };
        let connector = Arc::new(DefaultConnector::new());
        let again = Arc::clone(&connector);
        let attempt = Arc::clone(&self.attempt);
        let steps = self.steps;
        let details = ConnectionDetails {
            uri: &self.target,
            addrs,
            config,
            request_level: false,
            resolver: &resolver,
            now: Instant::now(),
            timeout: NextTimeout {
                after: self.limit.saturating_sub(elapsed(started)).into(),
                reason: Timeout::Connect,
                ..NextTimeout::default()
            },
            current_time: Arc::new(Instant::now),
            run_connector: Arc::new(move |details: &ConnectionDetails| {
                again
                    .connect(details, None)?
                    .ok_or(ureq::Error::ConnectionFailed)
            }),
            register_shutdown: Arc::new(move |socket| {
                steps.debug(|| "connection: TCP is there; proxy and TLS come next".into());
                attempt.reached(socket)
            }),
        };
        connector
            .connect(&details, None)?
            .ok_or(ureq::Error::ConnectionFailed)
    }
}

fn elapsed(since: Instant) -> Duration {
    match since {
        Instant::Exact(since) => since.elapsed(),
        Instant::AlreadyHappened | Instant::NotHappening => Duration::ZERO,
    }
}

/// How far an attempt got, and its sockets: giving it up closes them, so that its thread ends.
#[derive(Default)]
pub(super) struct Attempt(Mutex<Progress>);

struct Progress {
    stage: Stage,
    sockets: Vec<Weak<dyn ShutdownHandle>>,
    given_up: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            stage: Stage::Lookup,
            sockets: vec![],
            given_up: false,
        }
    }
}

impl Attempt {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stage(&self) -> Stage {
        self.progress().stage
    }

    fn looked_up(&self) {
        self.progress().stage = Stage::Tcp;
    }

    fn reached(&self, socket: Weak<dyn ShutdownHandle>) -> Result<(), ureq::Error> {
        let mut progress = self.progress();
        if progress.given_up {
            return Err(ureq::Error::ConnectionFailed);
        }
        progress.stage = Stage::Tls;
        progress.sockets.push(socket);
        Ok(())
    }

    /// Ends the attempt, and says how far it got.
    pub(super) fn give_up(&self) -> Stage {
        let mut progress = self.progress();
        progress.given_up = true;
        for socket in progress
            .sockets
            .drain(..)
            .filter_map(|socket| socket.upgrade())
        {
            socket.shutdown();
        }
        progress.stage
    }
}

/// The system's name service, its addresses ordered so that a family that leads nowhere costs one
/// attempt and not all of them.
struct Lookup(Arc<Attempt>, Steps);

impl Resolver for Lookup {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        // No limit here: it would cost a second thread, and `Link::open` has one already.
        let found = DefaultResolver::default()
            .resolve(uri, config, NextTimeout::default())
            .map_err(|_| ureq::Error::HostNotFound)?;
        self.0.looked_up();
        self.1.debug(|| format!("name: {} addresses", found.len()));
        let mut addrs = self.empty();
        for addr in alternating(&found) {
            addrs.push(addr);
        }
        Ok(addrs)
    }
}

impl fmt::Debug for Lookup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lookup")
    }
}

/// The addresses in their order, but the families by turns (RFC 8305 section 4): ureq tries one
/// after the other and gives each half the time of the one before.
fn alternating(addrs: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = addrs.first().is_some_and(SocketAddr::is_ipv6);
    let (mut ours, mut others): (Vec<SocketAddr>, Vec<SocketAddr>) = addrs
        .iter()
        .rev()
        .partition(|addr| addr.is_ipv6() == first_is_v6);
    let mut ordered = Vec::with_capacity(addrs.len());
    while ordered.len() < addrs.len() {
        ordered.extend(ours.pop());
        ordered.extend(others.pop());
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns_and_nothing_is_lost() {
        let addr = |text: &str| text.parse::<SocketAddr>().expect(text);
        let all = [
            addr("[2001:db8::1]:443"),
            addr("[2001:db8::2]:443"),
            addr("[2001:db8::3]:443"),
            addr("192.0.2.1:443"),
            addr("192.0.2.2:443"),
        ];
        let order = [all[0], all[3], all[1], all[4], all[2]];
        assert_eq!(alternating(&all), order);
        assert_eq!(alternating(&all[..2]), all[..2]);
        assert!(alternating(&[]).is_empty());
    }
}
