//! Hosts with several addresses, some of which do not answer, and names of this machine that lead
//! elsewhere: the real program, with an `/etc/hosts` of the test's.

use std::fs;
use std::net::{Ipv6Addr, SocketAddr};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fake_github::{CLIENT_ID, FakeGitHub, TlsIdentity};
use ghtok::testing::app::App;
use ghtok::testing::host::Host;
use ghtok::testing::store::Slot;
use ghtok::testing::store::file::FileSlot;
use ghtok::testing::store::record::encode;
use rustix::fd::OwnedFd;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, listen, socket_with};

use crate::support::deadline::run_command;
use crate::support::namespace::Namespace;
use crate::support::sandbox::{Program, Run, Sandbox, path_of, record_of};

/// The name in the certificate of [`TlsIdentity::WrongName`].
const NAME: &str = "wrong.example";

/// An address that swallows packets: a listener whose queue is full.
struct Hole(Vec<OwnedFd>);

impl Hole {
    fn at(address: SocketAddr) -> Self {
        let new = || {
            let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
            socket_with(AddressFamily::INET6, SocketType::STREAM, flags, None).expect("a socket")
        };
        let listener = new();
        bind(&listener, &address).expect("the address");
        listen(&listener, 0).expect("a queue");
        let mut hole = Self(vec![listener]);
        for _ in 0..3 {
            let client = new();
            let _ = connect(&client, &address);
            hole.0.push(client);
        }
        hole
    }
}

/// A sign-in that is over, at a host of this name, and a call in a world with these hosts.
struct Trial {
    fake: FakeGitHub,
    sandbox: Sandbox,
    host: String,
}

impl Trial {
    fn new(fake: FakeGitHub, url: &str) -> Self {
        let sandbox = Sandbox::new(&fake);
        let trial = Self {
            host: url.into(),
            fake,
            sandbox,
        };
        trial.put();
        trial
    }

    fn at_own_host() -> Self {
        let fake = FakeGitHub::start().expect("a fake");
        let host = fake.host();
        Self::new(fake, &host)
    }

    fn put(&self) {
        let app = App {
            host: Host::parse(&self.host).expect("a host"),
            ..self.sandbox.app()
        };
        let folder = self.sandbox.state_folder();
        folder.create().expect("a folder");
        let record = record_of(&self.fake.mint(CLIENT_ID), Duration::ZERO);
        let slot = FileSlot::new(&folder, &app.key());
        slot.write(&encode(&record)).expect("a record");
    }

    fn get(&self, hosts: &str) -> Option<Run> {
        let file = self.sandbox.home().join("hosts");
        fs::write(&file, hosts).expect("a file");
        let world = Namespace::open(&format!("mount --bind {} /etc/hosts", file.display()))?;
        let mut command: Command = self.sandbox.command(Program::Real, ["-vv", "get"]);
        command
            .env("GHTOK_HOST", &self.host)
            .env("PATH", "/usr/bin:/bin");
        Some(world.run(&command))
    }
}

fn port(fake: &FakeGitHub) -> u16 {
    let host = fake.host();
    let (_, port) = host.rsplit_once(':').expect("a port");
    port.parse().expect("a port")
}

/// One after the other, as the system would, they take seconds: RFC 8305.
#[test]
fn an_address_that_swallows_packets_costs_a_quarter_of_a_second() {
    let fake = FakeGitHub::builder()
        .tls(TlsIdentity::WrongName)
        .start()
        .expect("a fake");
    let port = port(&fake);
    let _hole = Hole::at(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
    let trial = Trial::new(fake, &format!("https://{NAME}:{port}"));
    let pem = trial.fake.ca_pem().expect("TLS is on").to_owned();
    fs::write(trial.sandbox.home().join("ca.pem"), pem).expect("a file");
    trial.sandbox.configure("ca_file = \"../ca.pem\"\n");
    // The system sorts IPv6 first (RFC 6724).
    let hosts = format!("::1 {NAME}\n127.0.0.1 {NAME}\n");
    // One try of three may meet a machine that is busy.
    let mut took = Vec::new();
    while took.len() < 3 {
        trial.put();
        let began = Instant::now();
        let Some(run) = trial.get(&hosts) else {
            return;
        };
        took.push(began.elapsed());
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(trial.fake.is_alive(run.token()), "{run:?}");
        if took.last() < Some(&Duration::from_secs(4)) {
            // The hole was met: nothing is faster than the delay of RFC 8305.
            assert!(took[0] >= Duration::from_millis(250), "{took:?}");
            return;
        }
    }
    panic!("{took:?}");
}

#[test]
fn p6_plain_http_stays_on_this_machine_wherever_localhost_leads() {
    let (lookups, elsewhere) = (
        [
            "127.0.0.1 localhost\n",
            "::1 localhost\n127.0.0.1 localhost\n",
            "127.0.0.1 localhost\n127.0.0.2 localhost\n",
        ],
        [
            "192.0.2.1 localhost\n",
            "127.0.0.1 localhost\n192.0.2.1 localhost\n",
            "192.0.2.1 localhost\n127.0.0.1 localhost\n",
            "::1 localhost\n2001:db8::1 localhost\n",
        ],
    );
    let fake = FakeGitHub::start().expect("a fake");
    let host = format!("localhost:{}", port(&fake));
    let trial = Trial::new(fake, &host);
    for hosts in elsewhere {
        let Some(run) = trial.get(hosts) else {
            return;
        };
        assert_eq!(run.code, Some(2), "{hosts}: {run:?}");
        assert!(
            run.stderr.contains("localhost resolves to "),
            "{hosts}: {run:?}"
        );
        assert_eq!(trial.fake.connections(), 0, "{hosts}");
        let _ = fs::remove_file(trial.sandbox.state_folder().outcome(&app_key(&trial)));
    }
    for hosts in lookups {
        trial.put();
        let run = trial.get(hosts).expect("a namespace");
        assert_eq!(run.code, Some(0), "{hosts}: {run:?}");
        assert!(trial.fake.is_alive(run.token()), "{hosts}: {run:?}");
    }
}

fn app_key(trial: &Trial) -> ghtok::testing::app::RecordKey {
    let app = App {
        host: Host::parse(&trial.host).expect("a host"),
        ..trial.sandbox.app()
    };
    app.key()
}

/// Containers limit the number of processes, and a thread counts as one.
#[test]
fn a_process_that_can_start_no_thread_connects_without_one() {
    if !rustix::process::geteuid().is_root() {
        skip!("only root can become a user whose limit counts");
        return;
    }
    let trial = Trial::at_own_host();
    let home = trial.sandbox.home();
    let script = format!(
        "cp {} {home}/ghtok && chmod 755 {home} && chown -R 51473:51473 {home} && \
         exec setpriv --reuid 51473 --regid 51473 --clear-groups \
         bash -c 'ulimit -u 1; exec {home}/ghtok -v get'",
        path_of(Program::Real).display(),
        home = home.display()
    );
    let usual = trial.sandbox.command(Program::Real, ["get"]);
    let mut command = Command::new("bash");
    command.args(["-c", &script]).env_clear();
    for (name, value) in usual.get_envs() {
        command.env(name, value.expect("set"));
    }
    command
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let run = run_command(&mut command);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("no thread can be started"), "{run:?}");
    assert!(trial.fake.is_alive(run.token()), "{run:?}");
}
