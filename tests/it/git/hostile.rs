//! Hostile hosts, URLs and attributes: not one token is printed (P6).

use std::time::Duration;

use fake_github::FakeGitHub;
use ghtok::testing::formats::git_credential::{Attributes, CredentialRequest};
use ghtok::testing::host::Host;

use crate::support::chance::Chance;
use crate::support::git::feed;
use crate::support::sandbox::{Program, Sandbox};

const HOUR: Duration = Duration::from_secs(3600);

/// Hosts that look like ours, or that other helpers have taken for theirs.
fn hostile_hosts(own: &str) -> Vec<String> {
    let mut hosts: Vec<String> = [
        "",
        " ",
        ".",
        "*",
        "github.com.evil.tld",
        "evil.tld",
        "localhost",
        "127.0.0.1",
        "127.1:1",
        "0x7f.1",
        "[::1]",
        "0.0.0.0",
        "xn--gthub-n4a.com",
        "gíthub.com",
    ]
    .map(str::to_owned)
    .into();
    for (before, after) in [
        ("", "."),
        ("", ".evil.tld"),
        ("", "@evil.tld"),
        ("evil.tld@", ""),
        ("a:b@", ""),
        ("evil.tld/", ""),
        ("", "/"),
        ("", "/x"),
        ("", "?x"),
        ("", "#x"),
        ("", "\\x"),
        ("evil.tld\\", ""),
        ("", "%0a"),
        ("%0a", ""),
        ("", "%00"),
        ("", "%2f.evil.tld"),
        ("", "\u{200b}"),
        ("\u{202e}", ""),
        (" ", ""),
        ("", " "),
        ("\t", ""),
        ("", "\t"),
        ("", ":80"),
        ("", ":443"),
        ("", "0"),
        ("", "\u{7f}"),
        ("gist.gist.", ""),
        ("gist.", ".evil.tld"),
        ("gist", ""),
        ("http://", ""),
        ("https://", ""),
        ("//", ""),
        ("ghp.", ""),
        ("www.", ""),
        ("api.", ""),
        ("-", ""),
        ("", ","),
        ("evil.tld,", ""),
        ("", ";x"),
        ("", "\u{85}"),
        ("", "\u{2028}"),
        ("[", "]"),
        ("x.", ""),
        ("", ":"),
        ("", "\u{ff0e}evil"),
        ("\u{feff}", ""),
    ] {
        hosts.push(format!("{before}{own}{after}"));
    }
    hosts
}

/// Descriptions that a caller may not get a token for.
fn hostile_descriptions(own: &str) -> Vec<Vec<u8>> {
    let mut texts: Vec<String> = Vec::new();
    for host in hostile_hosts(own) {
        for protocol in ["http", "https", "HTTPS"] {
            texts.push(format!("protocol={protocol}\nhost={host}\n\n"));
            // In a URL these begin the path of a host that is ours.
            if !host.contains(['/', '?', '#']) {
                texts.push(format!("url={protocol}://{host}/\n"));
            }
            texts.push(format!(
                "protocol={protocol}\nhost={host}\ncapability[]=authtype\n"
            ));
        }
    }
    for protocol in [
        "",
        "https",
        "ssh",
        "git",
        "ftp",
        "file",
        "HTTPS",
        "http ",
        " http",
        "httpx",
        "http:",
        "http://",
        "javascript",
        "\u{7f}http",
    ] {
        texts.push(format!("protocol={protocol}\nhost={own}\n"));
        texts.push(format!(
            "protocol={protocol}\nhost={own}\nusername=x-access-token\n"
        ));
    }
    let asked = format!("protocol=http\nhost={own}");
    for rest in [
        "\rhost=evil.tld\n",
        "\r\r\n",
        "\0\n",
        "\nhost=evil.tld\n",
        "\nprotocol=https\n",
        "\nhost\n",
        "\n=x\n",
        "\nusername=mallory\n",
        "\nusername=octocat.\n",
        "\nusername= octocat\n",
        "\nusername=a\rb\n",
        "\nurl=http://evil.tld\n",
        "\nurl=https://evil.tld/%0ahost=x\n",
        "\nurl=://\n",
        "\nurl=\n",
        "\nurl=http://a%0d@x\n",
        "\npath=a\0b\n",
        "\npath=a\rb\n",
        "\npath=\u{0}\n",
        "\nwwwauth[]=a\rhost=evil\n",
        "\npassword=a\npassword=b\n",
        "\nusername=octocat\nusername=mallory\n",
        "\npath=a\npath=b\n",
    ] {
        texts.push(format!("{asked}{rest}"));
    }
    texts.push(format!("{asked}\nx={}\n", "y".repeat(65_536)));
    texts.push(format!("{asked}\n{}", "x=y\n".repeat(100)));
    texts.push(format!("host={own}\n"));
    texts.push("protocol=http\n".into());
    let mut bytes: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    bytes.push([asked.as_bytes(), b"\nusername=\xff\n"].concat());
    bytes.push([b"protocol=http\nhost=\xff", own.as_bytes(), b"\n"].concat());
    bytes.push([asked.as_bytes(), b"\xc0\xaf\n"].concat());
    bytes
}

#[test]
fn p6_hostile_descriptions_get_nothing_at_all() {
    let fake = FakeGitHub::start().expect("a fake");
    let sandbox = Sandbox::new(&fake);
    sandbox.seed(&fake, HOUR);
    let texts = hostile_descriptions(&fake.host());
    let good = format!("protocol=http\nhost={}\n", fake.host());
    let ask = |text: &[u8]| {
        let mut command = sandbox.command(Program::Real, ["git-credential", "get"]);
        feed(&mut command, text)
    };
    assert!(
        ask(good.as_bytes()).stdout.contains("ghu_"),
        "the measure works"
    );
    for text in &texts {
        let run = ask(text);
        let shown = String::from_utf8_lossy(text);
        assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{shown:?}");
        assert!(
            !run.stderr.contains("ghu_") && !run.stderr.contains("evil"),
            "{shown:?}"
        );
        assert!(run.stderr.lines().count() <= 1, "{run:?}");
    }
    assert!(texts.len() >= 500, "{}", texts.len());
    assert_eq!(fake.connections(), 0);
}

/// What a request must say to be for github.com, read a second time and more simply.
fn plainly_ours(text: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(text) else {
        return false;
    };
    let lower = text.to_lowercase();
    let hosts = [
        "github.com",
        "gist.github.com",
        "github.com:443",
        "gist.github.com:443",
    ];
    let says = |key: &str, values: &[&str]| {
        lower.lines().any(|line| {
            line.strip_prefix(key)
                .is_some_and(|value| values.contains(&value))
        })
    };
    let by_url = hosts
        .iter()
        .any(|host| lower.contains(&format!("://{host}")) || lower.contains(&format!("@{host}")));
    (says("host=", &hosts) && says("protocol=", &["https"]))
        || (lower.contains("url=https") && (by_url || lower.contains('%')))
}

#[test]
fn p6_random_descriptions_are_ours_only_if_they_plainly_say_so() {
    const PARTS: [&str; 30] = [
        "protocol=https",
        "protocol=http",
        "protocol=",
        "host=github.com",
        "host=GitHub.com",
        "host=gist.github.com",
        "host=github.com:443",
        "host=evil.tld",
        "host=",
        "url=https://github.com/",
        "url=https://evil.tld@github.com",
        "url=https://github.com@evil.tld",
        "url=",
        "github.com",
        "evil.tld",
        ".",
        "@",
        ":",
        "/",
        "%0a",
        "%2f",
        "\n",
        "\n",
        "\n",
        "\r",
        "\0",
        "=",
        "username=x",
        "capability[]=authtype",
        "path=a/b",
    ];
    let host = Host::parse("github.com").expect("a host");
    let mut chance = Chance::new(0x6774_6f6b);
    let mut ours = 0;
    for _ in 0..100_000 {
        let count = 1 + chance.below(9);
        let text: String = (0..count)
            .map(|_| PARTS[chance.below(PARTS.len())])
            .collect();
        if CredentialRequest::read_from(text.as_bytes()).is_ok_and(|request| request.is_for(&host))
        {
            assert!(plainly_ours(text.as_bytes()), "{text:?}");
            ours += 1;
        }
    }
    assert!(ours > 100, "{ours}: the test asks for nothing");
}

#[test]
fn what_is_written_is_what_was_read() {
    let mut chance = Chance::new(5);
    for _ in 0..20_000 {
        let mut attributes = Attributes::default();
        for _ in 0..chance.below(12) {
            let key = chance.bytes(12);
            let value = chance.bytes(40);
            // Refused ones are not in it.
            let _ = attributes.push(&key, &value);
        }
        let mut written = Vec::new();
        attributes
            .write_to(&mut written)
            .expect("a vector takes it");
        let again = Attributes::read_from(written.as_slice());
        assert!(again == Ok(attributes), "{written:?}");
    }
}

#[test]
fn what_is_read_is_written_in_one_form_only() {
    let mut chance = Chance::new(6);
    for _ in 0..50_000 {
        let text = chance.bytes(60);
        let Ok(read) = Attributes::read_from(text.as_slice()) else {
            continue;
        };
        let mut written = Vec::new();
        read.write_to(&mut written).expect("a vector takes it");
        assert!(
            Attributes::read_from(written.as_slice()) == Ok(read),
            "{text:?}"
        );
    }
}
