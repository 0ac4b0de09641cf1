//! A company's own certificate authority, by `ca_file` and by the system, on the real program: and what
//! is made of the files that companies hand out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use fake_github::{FakeGitHub, TlsIdentity};
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::support::deadline::run_command;
use crate::support::namespace::Namespace;
use crate::support::sandbox::{Program, Run, Sandbox};

/// The authorities of all fakes have the same name.
const ANOTHERS: &str = "its signature is not from its issuer";

/// A server with a certificate of an authority that no system knows, and a sign-in that is over.
struct Company {
    fake: FakeGitHub,
    sandbox: Sandbox,
    pem: String,
}

impl Company {
    fn new(identity: TlsIdentity) -> Self {
        let fake = FakeGitHub::builder().tls(identity).start().expect("a fake");
        let sandbox = Sandbox::new(&fake);
        sandbox.seed(&fake, Duration::ZERO);
        let pem = fake.ca_pem().expect("TLS is on").to_owned();
        Self { fake, sandbox, pem }
    }

    fn command(&self) -> Command {
        let mut command = self.sandbox.command(Program::Real, ["get"]);
        command.env("GHTOK_HOST", self.fake.base_url());
        command
    }

    /// `get`, with this as the `ca_file`.
    fn by_file(&self, content: &[u8]) -> Run {
        fs::write(self.sandbox.home().join("ca.pem"), content).expect("a file");
        self.sandbox.configure("ca_file = \"../ca.pem\"\n");
        run_command(&mut self.command())
    }

    #[track_caller]
    fn expect_token(&self, what: &str, run: &Run) {
        assert_eq!(run.code, Some(0), "{what}: {run:?}");
        assert!(self.fake.is_alive(run.token()), "{what}: {run:?}");
        assert_eq!(run.stderr, "", "{what}");
    }

    #[track_caller]
    fn expect_refusal(&self, what: &str, run: &Run, code: i32, says: &str) {
        assert_eq!(run.code, Some(code), "{what}: {run:?}");
        assert!(run.stderr.contains(says), "{what}: {run:?}");
        assert!(self.fake.ledger().is_empty(), "{what}: something was sent");
        let record = self.sandbox.record();
        let token = record.tokens.refresh_token().expect("a refresh token");
        assert!(self.fake.refresh_is_alive(token.expose()), "{what}");
    }
}

#[test]
fn a_companys_authority_is_trusted_by_ca_file_and_by_the_systems_variables() {
    let company = Company::new(TlsIdentity::Valid);
    let nobodys = run_command(&mut company.command());
    company.expect_refusal("nothing", &nobodys, 5, "its issuer is unknown");

    let company = Company::new(TlsIdentity::Valid);
    company.expect_token("ca_file", &company.by_file(company.pem.as_bytes()));

    // What the system's own trust is told by (rustls-native-certs, as OpenSSL).
    let company = Company::new(TlsIdentity::Valid);
    let bundle = company.sandbox.home().join("bundle.pem");
    fs::write(&bundle, &company.pem).expect("a bundle");
    let run = run_command(company.command().env("SSL_CERT_FILE", &bundle));
    company.expect_token("SSL_CERT_FILE", &run);

    // A file of the configuration replaces the system's.
    let company = Company::new(TlsIdentity::Valid);
    let other = Company::new(TlsIdentity::Valid);
    let system = company.sandbox.home().join("bundle.pem");
    fs::write(&system, &company.pem).expect("a bundle");
    fs::write(company.sandbox.home().join("ca.pem"), &other.pem).expect("a file");
    company.sandbox.configure("ca_file = \"../ca.pem\"\n");
    let run = run_command(company.command().env("SSL_CERT_FILE", &system));
    company.expect_refusal("both", &run, 5, ANOTHERS);
}

#[test]
fn a_system_without_ca_certificates_is_told_which_package_has_them() {
    let company = Company::new(TlsIdentity::Valid);
    let empty = company.sandbox.home().join("empty.pem");
    fs::write(&empty, "").expect("a file");
    let run = run_command(company.command().env("SSL_CERT_FILE", &empty));
    company.expect_refusal("none", &run, 1, "this system has no CA certificates");
    assert!(
        run.stderr.contains("\n  apk add ca-certificates\n"),
        "{run:?}"
    );
}

/// Where the administrator puts it, in a namespace that has the system's file with one authority more.
#[test]
fn a_companys_authority_is_trusted_where_the_system_keeps_its_own() {
    const SYSTEMS: &str = "/etc/ssl/certs/ca-certificates.crt";
    let Ok(known) = fs::read_to_string(SYSTEMS) else {
        skip!("this system keeps them elsewhere");
        return;
    };
    let company = Company::new(TlsIdentity::Valid);
    let more = company.sandbox.home().join("system.pem");
    fs::write(&more, format!("{known}\n{}", company.pem)).expect("a bundle");
    let setup = format!("mount --bind {} {SYSTEMS}", more.display());
    let Some(namespace) = Namespace::open(&setup) else {
        return;
    };
    let run = namespace.run(&company.command());
    company.expect_token("the system's", &run);
}

/// Makes a bundle of our authority, another's, what is no certificate, and a revocation list.
type Bundle = fn(&str, [&str; 3]) -> Vec<u8>;

#[test]
fn a_bundle_may_have_other_things_in_it() {
    let other = Company::new(TlsIdentity::Valid).pem;
    let odd = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let list = "-----BEGIN X509 CRL-----\naGVsbG8=\n-----END X509 CRL-----\n";
    let bundles: [(&str, Bundle); 7] = [
        ("words between", |ours, [other, ..]| {
            format!("# Example Corp.\nBag Attributes: x\n{other}\n\nnext:\n{ours}the end").into()
        }),
        ("one that is none", |ours, [_, odd, _]| {
            format!("{odd}{ours}").into()
        }),
        ("a list of revoked ones", |ours, [_, _, list]| {
            format!("{list}{ours}").into()
        }),
        ("twice the same", |ours, _| format!("{ours}{ours}").into()),
        ("Windows' lines", |ours, _| {
            ours.replace('\n', "\r\n").into()
        }),
        ("Windows' mark", |ours, _| format!("\u{feff}{ours}").into()),
        ("bytes that are no text", |ours, _| {
            [b"\xff\xfe\0\n", ours.as_bytes()].concat()
        }),
    ];
    for (what, bundle) in bundles {
        let company = Company::new(TlsIdentity::Valid);
        let content = bundle(&company.pem, [&other, odd, list]);
        company.expect_token(what, &company.by_file(&content));
    }
}

/// The system's own bundle belongs to root, and everybody may read it; a link to it will do.
#[test]
fn a_ca_file_of_the_system_is_trusted() {
    let Some(bundle) = ["/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"]
        .into_iter()
        .find(|path| Path::new(path).exists())
    else {
        skip!("there is no bundle of the system");
        return;
    };
    let company = Company::new(TlsIdentity::Valid);
    std::os::unix::fs::symlink(bundle, company.sandbox.home().join("ca.pem")).expect("a link");
    company.sandbox.configure("ca_file = \"../ca.pem\"\n");
    let run = run_command(&mut company.command());
    company.expect_refusal("the system's", &run, 5, "its issuer is unknown");
}

#[test]
fn a_ca_file_that_will_not_do_is_named() {
    let other = Company::new(TlsIdentity::Valid).pem;
    let broken = other.replace("-----END", "!!!!\n-----END");
    let half = &other[..other.len() / 2];
    for (what, content, code, says) in [
        ("empty", "", 2, "contains no certificate"),
        ("words", "hello\n", 2, "contains no certificate"),
        ("broken", broken.as_str(), 2, "is not a PEM file"),
        ("half", half, 2, "is not a PEM file"),
        ("another's", other.as_str(), 5, ANOTHERS),
    ] {
        let company = Company::new(TlsIdentity::Valid);
        company.expect_refusal(what, &company.by_file(content.as_bytes()), code, says);
    }
    for (put, says) in [
        (a_pipe as fn(&Path), "it is not a regular file"),
        (a_folder, "it is a folder"),
        (|_| {}, "no such file"),
    ] {
        let company = Company::new(TlsIdentity::Valid);
        put(&company.sandbox.home().join("ca.pem"));
        company.sandbox.configure("ca_file = \"../ca.pem\"\n");
        let run = run_command(&mut company.command());
        company.expect_refusal(says, &run, 2, says);
        assert!(run.stderr.contains("ca.pem"), "{run:?}");
    }
    let company = Company::new(TlsIdentity::Valid);
    let _ = company.by_file(company.pem.as_bytes());
    let file = company.sandbox.home().join("ca.pem");
    company.sandbox.seed(&company.fake, Duration::ZERO);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o646)).expect("a mode");
    let asked = company.fake.ledger().len();
    let run = run_command(&mut company.command());
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(
        run.stderr.contains("other users may write it (mode 0646)"),
        "{run:?}"
    );
    assert_eq!(company.fake.ledger().len(), asked, "something was sent");
    // The command that the hint names, as a shell reads it.
    let (_, fix) = run
        .stderr
        .trim_end()
        .rsplit_once("\n  chmod ")
        .expect("a fix");
    let fixed = Command::new("sh")
        .args(["-c", &format!("chmod {fix}")])
        .status();
    assert!(fixed.expect("sh").success());
    company.expect_token("fixed", &run_command(&mut company.command()));
}

fn a_pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
}

fn a_folder(path: &Path) {
    fs::create_dir(path).expect("a folder");
}

/// Whoever names an authority trusts it: its own dates count for nothing (RFC 5280 section 6.1).
#[test]
fn an_authority_that_has_expired_is_trusted_where_it_is_named() {
    let company = Company::new(TlsIdentity::ExpiredAuthority);
    company.expect_token(
        "an expired authority",
        &company.by_file(company.pem.as_bytes()),
    );
}
