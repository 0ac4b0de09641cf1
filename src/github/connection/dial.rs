//! Making a connection ready: name, proxy, TCP, TLS. Writes nothing of a request.

use std::fmt;
use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::time::Instant;
use ureq::unversioned::transport::{
    ConnectProxyConnector, ConnectionDetails, Connector, NextTimeout, RustlsConnector,
    ShutdownHandle, SocksConnector, Transport,
};
use ureq::{Agent, ProxyProtocol, Timeout};

use crate::github::{ConnectStage, HttpError, Network, Proxy};

use super::tcp::{self, Race, elapsed};
use super::{Link, USER_AGENT, race};

/// The configuration of the name service, a socket for each family, or one more for a long answer.
const FILES_OF_A_LOOKUP: usize = 3;

/// One attempt to connect.
#[derive(Clone)]
pub(super) struct Dial {
    /// The address of the request to come.
    pub(super) target: Uri,
    /// The proxy that leads there, if one does.
    pub(super) proxy: Option<Proxy>,
    /// Which certificates to trust.
    pub(super) network: Network,
    /// Where it says how far it got.
    pub(super) attempt: Arc<ConnectAttempt>,
    /// How long it has.
    pub(super) limit: Duration,
}

impl Dial {
    /// Connects, however long that takes: whoever waits must be able to stop waiting.
    pub(super) fn run(self) -> Result<Link, HttpError> {
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
            .map_err(|error| self.cause(error, &host))?;
        log::info!(
            "connected to {host} {}, {}",
            proxy.map_or("directly", |_| "through the proxy"),
            if transport.is_tls() { "TLS" } else { "no TLS" }
        );
        Ok(Link {
            transport,
            attempt: Arc::clone(&self.attempt),
            host,
            took: elapsed(started),
        })
    }

    fn cause(&self, error: ureq::Error, host: &str) -> HttpError {
        if let Some(address) = self.attempt.elsewhere() {
            return HttpError::NotLoopback {
                host: host.to_owned(),
                address,
            };
        }
        if let Some(limit) = Self::limit(&error) {
            return limit;
        }
        // Not every proxy is told the name: SOCKS 4 and SOCKS 5 get an address.
        if self.attempt.is_target_unknown() {
            return HttpError::HostNotFound {
                host: host.to_owned(),
            };
        }
        match &self.proxy {
            Some(proxy) => HttpError::of_proxied_connect(error, host, proxy, self.limit),
            None => HttpError::of_connect(error, host, self.attempt.stage(), self.limit),
        }
    }

    /// The name service says of a process that can open no files what it says of unknown names, and the
    /// system's certificates are then none.
    fn limit(error: &ureq::Error) -> Option<HttpError> {
        match error {
            ureq::Error::HostNotFound => HttpError::of_exhaustion("look up a host", &no_files()?),
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) => {
                HttpError::of_exhaustion("check a certificate", &no_files()?)
            }
            _ => None,
        }
    }

    /// Plain http trusts no certificates, and reads none.
    fn roots(&self) -> Result<RootCerts, HttpError> {
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
        let resolver = Lookup {
            target: self.target.clone(),
            attempt: Arc::clone(&self.attempt),
        };
        let here = config.proxy().is_none_or(ureq::Proxy::resolve_target);
        let addrs = if here {
            resolver.resolve(&self.target, config, NextTimeout::default())?
        } else {
            resolver.empty()
        };
        let connector = Arc::new(connectors());
        let again = Arc::clone(&connector);
        let attempt = Arc::clone(&self.attempt);
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
                let made = again.connect(details, None)?;
                Ok(Box::new(made.ok_or(ureq::Error::ConnectionFailed)?))
            }),
            register_shutdown: Arc::new(move |socket| {
                log::debug!("connection: TCP is connected; proxy and TLS are next");
                attempt.reached(socket)
            }),
        };
        let made = connector.connect(&details, None)?;
        Ok(Box::new(made.ok_or(ureq::Error::ConnectionFailed)?))
    }
}

/// Why this process can open fewer files than a name look-up does, if that is so.
fn no_files() -> Option<io::Error> {
    #[cfg(unix)]
    const ANY: &str = "/dev/null";
    #[cfg(not(unix))]
    const ANY: &str = "NUL";
    let files: io::Result<Vec<File>> = (0..FILES_OF_A_LOOKUP).map(|_| File::open(ANY)).collect();
    files.err()
}

/// As ureq's own, but for TCP: the first address that answers.
fn connectors() -> impl Connector<(), Out = impl Transport> {
    ().chain(SocksConnector::default())
        .chain(ConnectProxyConnector::default())
        .chain(Race)
        .chain(RustlsConnector::default())
}

/// How far an attempt got, and its sockets: giving it up closes them, so that its thread ends.
#[derive(Default)]
pub(super) struct ConnectAttempt(Mutex<Progress>);

struct Progress {
    stage: ConnectStage,
    sockets: Vec<Weak<dyn ShutdownHandle>>,
    given_up: bool,
    /// Where the name of this machine leads, if that is another one.
    elsewhere: Option<IpAddr>,
    /// Whether it is the host, not its proxy, that the name service does not know.
    is_target_unknown: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            stage: ConnectStage::Lookup,
            sockets: vec![],
            given_up: false,
            elsewhere: None,
            is_target_unknown: false,
        }
    }
}

impl ConnectAttempt {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stage(&self) -> ConnectStage {
        self.progress().stage
    }

    fn elsewhere(&self) -> Option<IpAddr> {
        self.progress().elsewhere
    }

    fn leads_to(&self, address: IpAddr) {
        self.progress().elsewhere = Some(address);
    }

    fn is_target_unknown(&self) -> bool {
        self.progress().is_target_unknown
    }

    fn target_is_unknown(&self) {
        self.progress().is_target_unknown = true;
    }

    fn looked_up(&self) {
        self.progress().stage = ConnectStage::Tcp;
    }

    fn reached(&self, socket: Weak<dyn ShutdownHandle>) -> Result<(), ureq::Error> {
        let mut progress = self.progress();
        if progress.given_up {
            return Err(ureq::Error::ConnectionFailed);
        }
        progress.stage = ConnectStage::Tls;
        progress.sockets.push(socket);
        Ok(())
    }

    /// Ends the attempt, and says how far it got.
    pub(super) fn give_up(&self) -> ConnectStage {
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

/// The system's name service, with what is made of its addresses.
struct Lookup {
    target: Uri,
    attempt: Arc<ConnectAttempt>,
}

impl Lookup {
    /// Plain http is for this machine alone, wherever its name leads.
    fn leads_elsewhere(&self, uri: &Uri, found: &[SocketAddr]) -> Option<IpAddr> {
        if *uri != self.target || uri.scheme_str() != Some("http") {
            return None;
        }
        let mut addresses = found.iter().map(|addr| addr.ip().to_canonical());
        addresses.find(|address| !address.is_loopback())
    }

    /// ureq goes to a SOCKS proxy by itself, and waits long for an address that swallows packets: it
    /// gets the one that answers.
    fn is_socks(config: &Config, uri: &Uri) -> bool {
        config.proxy().is_some_and(|proxy| {
            let protocol = proxy.protocol();
            let is_connect = matches!(protocol, ProxyProtocol::Http | ProxyProtocol::Https);
            !is_connect && proxy.uri() == uri
        })
    }
}

impl Resolver for Lookup {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        // No limit here: it would cost a second thread, and `Link::open` has one already.
        let found = DefaultResolver::default()
            .resolve(uri, config, NextTimeout::default())
            .map_err(|_| {
                if *uri == self.target {
                    self.attempt.target_is_unknown();
                }
                ureq::Error::HostNotFound
            })?;
        self.attempt.looked_up();
        log::debug!("DNS: {} addresses", found.len());
        if let Some(address) = self.leads_elsewhere(uri, &found) {
            self.attempt.leads_to(address);
            return Err(ureq::Error::HostNotFound);
        }
        let mut addrs = self.empty();
        let mut ordered = race::alternating(&found);
        if ordered.len() > 1 && Self::is_socks(config, uri) {
            let limit = timeout.not_zero().map_or(Duration::MAX, |time| *time);
            let first = tcp::fastest(&ordered, limit)?;
            ordered = vec![first.peer_addr()?];
        }
        for addr in ordered {
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
