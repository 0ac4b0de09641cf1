//! The protocol against what git sends and what attackers have sent.

use super::*;

fn request(text: &str) -> CredentialRequest {
    CredentialRequest::read_from(text.as_bytes())
        .unwrap_or_else(|why| unreachable!("{text:?} {why:?}"))
}

fn is_for(text: &str, host: &str) -> bool {
    let host = Host::parse(host).expect(host);
    CredentialRequest::read_from(text.as_bytes()).is_ok_and(|request| request.is_for(&host))
}

const COM: &str = "github.com";

#[test]
fn p6_the_host_must_be_exactly_ours() {
    for ours in [
        "protocol=https\nhost=github.com\n",
        "protocol=https\nhost=GitHub.COM:443\n\n",
        "protocol=https\r\nhost=gist.github.com\r\n\r\n",
        "host=Gist.GitHub.com\nprotocol=HTTPS",
        "url=https://github.com/o/r.git",
        "protocol=https\nhost=github.com\nurl=https://GitHub.com\n",
    ] {
        assert!(is_for(ours, COM), "{ours:?}");
    }
    for foreign in [
        "",
        "protocol=https\n",
        "host=github.com\n",
        "protocol=\nhost=github.com\n",
        "protocol=https\nhost=\n",
        "protocol=http\nhost=github.com\n",
        "protocol=ssh\nhost=github.com\n",
        "protocol=https\nhost=github.com:8443\n",
        "protocol=https\nhost=github.com.\n",
        "protocol=https\nhost=github.com.evil.tld\n",
        "protocol=https\nhost=evilgithub.com\n",
        "protocol=https\nhost=gist.gist.github.com\n",
        "protocol=https\nhost=gist.\n",
        "protocol=https\nhost=github.com/\n",
        "protocol=https\nhost=github.com/x\n",
        "protocol=https\nhost=evil@github.com\n",
        "protocol=https\nhost=https://github.com\n",
        "protocol=https://\nhost=github.com\n",
        "protocol=https://x@y\nhost=github.com\n",
        "protocol=https\nhost=github.com\nhost=evil.tld\n",
        "protocol=https\nhost=github.com\nurl=https://evil.tld/\n",
        "url=https://evil.tld\nurl=https://github.com\n",
        "url=https://github.com%0ahost=evil.tld/\n",
        "url=https://github.com%2f.evil.tld/\n",
        "url=https://evil.tld?@github.com/\n",
        "url=https:///o\n",
        "url=github.com\n",
    ] {
        assert!(!is_for(foreign, COM), "{foreign:?}");
    }
}

#[test]
fn p6_a_loopback_host_is_met_by_its_own_scheme_and_port() {
    let here = "127.0.0.1:3000";
    assert!(is_for("protocol=http\nhost=127.0.0.1:3000\n", here));
    assert!(!is_for("protocol=https\nhost=127.0.0.1:3000\n", here));
    assert!(!is_for("protocol=http\nhost=127.0.0.1:3001\n", here));
    assert!(!is_for("protocol=http\nhost=127.0.0.1\n", here));
    assert!(!is_for(
        "protocol=http\nhost=127.0.0.1:3000\n",
        "https://127.0.0.1:3000"
    ));
}

#[test]
fn parts_of_a_request() {
    let asked = request("username=octocat\npath=Octo-Org/app.git\nwwwauth[]=Basic\nnew=x\n");
    let repository = |owner, name| Some(RequestedRepository { owner, name });
    assert_eq!(asked.repository(), repository("Octo-Org", Some("app")));
    assert_eq!(
        (asked.account(), asked.answer_name()),
        (Some("octocat"), "octocat")
    );
    for anybody in ["", "username=\n", "username=x-access-token\n", "path=\n"] {
        let asked = request(anybody);
        assert_eq!((asked.account(), asked.repository()), (None, None));
        assert_eq!(asked.answer_name(), TOKEN_USER);
    }
    let by_url = request("url=https://h/a/b/\n");
    assert_eq!(by_url.repository(), repository("a", Some("b")));
}

#[test]
fn names_that_are_no_login_are_anybodys_and_come_back_as_they_were() {
    for name in [
        "git",
        "oauth2",
        "token",
        "x-oauth-basic",
        "me@example.com",
        "me%40example.com",
    ] {
        let asked = request(&format!("username={name}\n"));
        assert_eq!((asked.account(), asked.answer_name()), (None, name));
    }
    for login in [
        "Git",
        "tokens",
        "oauth",
        "octocat",
        "x-access-token2",
        "me%41",
    ] {
        assert_eq!(
            request(&format!("username={login}\n")).account(),
            Some(login)
        );
    }
}

#[test]
fn empty_segments_of_a_path_are_nothing() {
    let repository = |path: &str| {
        let asked = request(&format!("protocol=https\nhost=h\npath={path}\n"));
        asked
            .repository()
            .map(|found| format!("{} {:?}", found.owner, found.name))
    };
    for path in [
        "acme/x.git",
        "/acme/x.git",
        "//acme///x.git/",
        "acme/x",
        "acme/x.git/info/lfs",
    ] {
        assert_eq!(
            repository(path).as_deref(),
            Some("acme Some(\"x\")"),
            "{path}"
        );
    }
    assert_eq!(repository("/acme//").as_deref(), Some("acme None"));
    assert_eq!(
        repository("acme/x.wiki.git").as_deref(),
        Some("acme Some(\"x.wiki\")")
    );
    for none in ["", "/", "///", "x.git", "/x.git"] {
        assert_eq!(repository(none), None, "{none}");
    }
}

#[test]
fn p6_gists_have_a_host_of_their_own_on_github_com_only() {
    assert!(is_for("protocol=https\nhost=gist.github.com\n", COM));
    for (asked, host) in [
        ("gist.ghes.example", "ghes.example"),
        ("gist.octo.ghe.com", "octo.ghe.com"),
        ("gist.localhost", "localhost"),
        ("gist.github.com", "ghes.example"),
    ] {
        for protocol in ["https", "http"] {
            let text = format!("protocol={protocol}\nhost={asked}\n");
            assert!(!is_for(&text, host), "{asked}");
        }
    }
    assert!(is_for(
        "protocol=https\nhost=gist.ghes.example\n",
        "gist.ghes.example"
    ));
}

#[test]
fn a_byte_order_mark_is_named() {
    let marked =
        CredentialRequest::read_from("\u{feff}protocol=https\nhost=github.com\n".as_bytes());
    assert_eq!(
        marked.err(),
        Some(Malformed("begins with a byte order mark"))
    );
}

#[test]
fn the_header_form_is_for_who_offers_it() {
    assert_eq!(request("capability[]=authtype\n").form(), Form::Header);
    assert_eq!(request("capability[]=state\n").form(), Form::Password);
    let reset = "capability[]=authtype\ncapability[]=\n";
    assert_eq!(request(reset).form(), Form::Password);
}

fn printed(form: Form, expires_at: Option<Timestamp>) -> String {
    let mut out = Vec::new();
    CredentialAnswer::Token {
        form,
        username: TOKEN_USER,
        token: &AccessToken::new("ghu_a"),
        expires_at,
    }
    .write_to(&mut out)
    .expect("printable");
    String::from_utf8(out).expect("text")
}

#[test]
fn the_two_forms() {
    let end = Some(Timestamp(1_795_381_200));
    assert_eq!(
        printed(Form::Password, end),
        "username=x-access-token\npassword=ghu_a\npassword_expiry_utc=1795381200\n"
    );
    assert_eq!(
        printed(Form::Password, None),
        "username=x-access-token\npassword=ghu_a\n"
    );
    assert_eq!(
        printed(Form::Header, end),
        "capability[]=authtype\nauthtype=Basic\ncredential=eC1hY2Nlc3MtdG9rZW46Z2h1X2E=\nephemeral=1\n"
    );
}

fn carries(request: &CredentialRequest, token: &str) -> bool {
    let secrets = request.secrets();
    secrets.iter().any(|secret| secret.as_str() == token)
}

#[test]
fn what_is_printed_is_recognized_when_it_comes_back() {
    for form in [Form::Password, Form::Header] {
        let back = request(&printed(form, None));
        assert!(carries(&back, "ghu_a"), "{form:?}");
        for other in ["ghu_b", "", "hu_a", "x-access-token:ghu_a"] {
            assert!(!carries(&back, other), "{form:?} {other}");
        }
    }
    let bearer = "authtype=Bearer\ncredential=eC1hY2Nlc3MtdG9rZW46Z2h1X2E=\n";
    assert!(!carries(&request(bearer), "ghu_a"));
    assert!(!carries(
        &request("authtype=Basic\ncredential=%%%\n"),
        "ghu_a"
    ));
}

#[test]
fn a_token_that_would_forge_lines_is_not_printed_at_all() {
    for (username, token) in [
        ("u", "a\nhost=evil"),
        ("u", "a\r"),
        ("u\nquit=1", "a"),
        ("u", "a\0"),
    ] {
        let mut out = Vec::new();
        let answer = CredentialAnswer::Token {
            form: Form::Password,
            username,
            token: &AccessToken::new(token),
            expires_at: None,
        };
        assert!(answer.write_to(&mut out).is_err(), "{token:?}");
        assert!(out.is_empty());
    }
}
