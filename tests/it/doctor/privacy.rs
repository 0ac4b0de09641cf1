//! The report is fit for the public: no token ever, and no name of a person, host or folder.

use super::patient::Patient;
use crate::support::records::FRESH;

#[test]
fn a_report_shows_no_names_unless_asked_for() {
    let patient = Patient::new().without(&["GHTOK_CLIENT_ID", "GHTOK_HOST"]);
    patient.sandbox.configure(
        "store = 'file'\ndefault_app = 'work'\n[[app]]\nname = 'work'\nclient_id = 'Iv1.a'\nhost = 'ghes.example'\naccount = 'mona'\nowners = ['acme']\n",
    );
    let home = patient.sandbox.home().to_string_lossy().into_owned();
    for flags in ["", "--json"] {
        let report = patient.report(flags).stdout;
        for private in ["ghes", "mona", "acme", home.as_str()] {
            assert!(!report.contains(private), "{private}: {report}");
        }
        assert!(report.contains("client ID Iv1.a at g…"), "{report}");
        let full = patient.report(&format!("{flags} --full")).stdout;
        assert!(
            full.contains("client ID Iv1.a at ghes.example") && full.contains(&home),
            "{full}"
        );
    }
}

#[test]
fn a_command_that_names_something_private_is_shown_only_in_full() {
    let patient = Patient::new().with("GHTOK_HOST", "ghes.example");
    let report = patient.report("").stdout;
    assert!(
        report.contains("\n           ghtok doctor --full\n"),
        "{report}"
    );
    let full = patient.report("--full").stdout;
    assert!(full.contains("--host ghes.example"), "{full}");
}

#[test]
fn no_token_is_ever_shown() {
    let patient = Patient::new()
        .with("GH_TOKEN", "ghp_0123456789abcdef0123456789abcdef0123")
        .with("HTTPS_PROXY", "http://me:hunter2@127.0.0.1:9");
    let pair = patient.sandbox.seed(&patient.fake, FRESH);
    let refresh = pair.refresh_token.expect("one");
    for flags in ["", "--json", "--full", "--json --full", "--full -vv"] {
        let report = patient.report(flags);
        for secret in [
            "ghp_0",
            "hunter2",
            pair.access_token.as_str(),
            refresh.as_str(),
        ] {
            let shown = format!("{}{}", report.stdout, report.stderr);
            assert!(!shown.contains(secret), "{flags}: {shown}");
        }
    }
}
