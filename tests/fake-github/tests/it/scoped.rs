//! Scoped tokens: who may create and revoke them, what they reach, how long they live.

use std::fs;
use std::time::Duration;

use fake_github::{
    App, Builder, CLIENT_ID, DateHeader, FakeGitHub, Installation, Installed, Level, ViolationKind,
};
use serde_json::{Value, json};

use crate::client::{Reply, TestClock, get, refresh, send, signed_in};
use crate::git::{Folder, base64, git_well, has_http_backend};

const SECRET: &str = "fake-secret";

fn builder() -> Builder {
    let installed = vec![
        Installed::on("octocat").selected(["hello", "world"]),
        Installed::on("acme"),
        Installed::on("gone").suspended(),
    ];
    let app = App::new(CLIENT_ID)
        .client_secret(SECRET)
        .permission("issues", Level::Read)
        .installation(Installation::On(installed));
    FakeGitHub::builder().app(app)
}

fn fake() -> FakeGitHub {
    builder().start().expect("a fake")
}

fn call(fake: &FakeGitHub, request: &str, authorization: &str, body: &str) -> Reply {
    send(
        fake,
        &format!(
            "{request} HTTP/1.1\r\nUser-Agent: t\r\n{authorization}Content-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        ),
    )
}

fn basic(user: &str, password: &str) -> String {
    format!(
        "Authorization: Basic {}\r\n",
        base64(&format!("{user}:{password}"))
    )
}

fn create(fake: &FakeGitHub, body: &Value) -> Reply {
    let request = format!("POST /api/v3/applications/{CLIENT_ID}/token/scoped");
    call(fake, &request, &basic(CLIENT_ID, SECRET), &body.to_string())
}

fn delete(fake: &FakeGitHub, authorization: &str, token: &str) -> u16 {
    let request = format!("DELETE /api/v3/applications/{CLIENT_ID}/token");
    let body = json!({"access_token": token}).to_string();
    call(fake, &request, authorization, &body).status
}

fn hello(access: &str) -> Value {
    json!({"access_token": access, "target": "octocat", "repositories": ["hello"]})
}

#[test]
fn a_scoped_token_reaches_what_it_was_made_for() {
    let fake = fake();
    let (access, _) = signed_in(&fake);
    let reply = create(&fake, &hello(&access));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let scoped = reply.get("token");
    let (created, expires) = (reply.get("created_at"), reply.get("expires_at"));
    assert!(created.ends_with('Z') && expires > created, "{created}");
    let status = |path: &str, token: &str| get(&fake, path, token).status;
    assert_eq!(status("/api/v3/user", &scoped), 200);
    assert_eq!(status("/api/v3/repos/octocat/hello", &scoped), 200);
    assert_eq!(status("/api/v3/repos/octocat/world", &scoped), 404);
    assert_eq!(status("/api/v3/repos/acme/any", &scoped), 404);
    assert_eq!(status("/api/v3/repos/octocat/world", &access), 200);
    let listed = get(&fake, "/api/v3/user/installations", &scoped).json();
    assert_eq!(listed["total_count"], 1);
    assert_eq!(listed["installations"][0]["account"]["login"], "octocat");
    assert!(fake.violations().is_empty());
    assert_eq!(fake.live_scoped_tokens(), [scoped]);
}

#[test]
fn a_request_is_judged_strictly() {
    let fake = fake();
    let (access, _) = signed_in(&fake);
    let scoped = create(&fake, &hello(&access)).get("token");
    let with = |name: &str, value: Value| {
        let mut body = hello(&access);
        body[name] = value;
        body
    };
    for (body, expected) in [
        (with("access_token", json!("ghu_invented")), 404),
        // A scoped token creates no other.
        (with("access_token", json!(scoped)), 404),
        (with("access_token", Value::Null), 422),
        (with("target", Value::Null), 422),
        (with("target", json!("nobody")), 422),
        (with("target", json!("gone")), 422),
        (with("repositories", json!(["octocat/hello"])), 422),
        (with("repositories", json!(["missing"])), 422),
        (with("repositories", json!([])), 422),
        (with("repositories", json!("hello")), 422),
        (with("repository_ids", json!([1])), 422),
        (with("permissions", json!({"contents": "admin"})), 422),
        (with("permissions", json!({"issues": "write"})), 422),
        (with("permissions", json!({"actions": "read"})), 422),
        (with("permissions", json!({"contents": "all"})), 422),
        (with("permissions", json!({})), 422),
        (with("permissions", json!({"issues": "read"})), 200),
        (json!([]), 400),
    ] {
        let reply = create(&fake, &body);
        assert_eq!(reply.status, expected, "{body} {}", reply.text());
    }
    assert!(fake.violations().is_empty());
    create(&fake, &with("scopes", json!([])));
    assert_eq!(fake.violations()[0].kind, ViolationKind::BadParameter);
}

#[test]
fn only_the_app_itself_is_answered() {
    let fake = fake();
    let (access, _) = signed_in(&fake);
    let request = format!("POST /api/v3/applications/{CLIENT_ID}/token/scoped");
    let body = hello(&access).to_string();
    for (authorization, expected) in [
        (String::new(), 401),
        (basic(CLIENT_ID, "wrong"), 401),
        (basic("Iv1.other", SECRET), 403),
        (format!("Authorization: Bearer {access}\r\n"), 401),
    ] {
        let status = call(&fake, &request, &authorization, &body).status;
        assert_eq!(status, expected, "{authorization}");
        assert_eq!(delete(&fake, &authorization, &access), expected);
    }
    assert!(fake.scoped_tokens().is_empty() && fake.is_alive(&access));
    let get = format!("GET /api/v3/applications/{CLIENT_ID}/token/scoped");
    assert_eq!(
        call(&fake, &get, &basic(CLIENT_ID, SECRET), &body).status,
        404
    );
    let without = FakeGitHub::start().expect("a fake");
    let (access, _) = signed_in(&without);
    assert_eq!(create(&without, &hello(&access)).status, 401);
}

#[test]
fn a_token_is_revoked_alone_and_once() {
    let fake = fake();
    let (access, _) = signed_in(&fake);
    let [first, second] = [(); 2].map(|()| create(&fake, &hello(&access)).get("token"));
    let own = basic(CLIENT_ID, SECRET);
    assert_eq!(delete(&fake, &own, &first), 204);
    assert_eq!(delete(&fake, &own, &first), 404);
    assert!(!fake.is_alive(&first) && fake.is_alive(&second) && fake.is_alive(&access));
    assert_eq!(get(&fake, "/api/v3/user", &first).status, 401);
    assert_eq!(fake.most_live_scoped_tokens(), 2);
}

#[test]
fn a_scoped_token_has_its_own_expiry() {
    let clock = TestClock::default();
    let fake = builder()
        .clock(clock.reader())
        .scoped_lifetime(Duration::from_secs(600))
        .date_header(DateHeader::Skewed(-86_400))
        .start()
        .expect("a fake");
    let (access, _) = signed_in(&fake);
    let reply = create(&fake, &hello(&access));
    let minutes = |name| reply.get(name)[14..16].parse::<u32>().expect("minutes");
    assert_eq!(
        (minutes("expires_at") + 60 - minutes("created_at")) % 60,
        10
    );
    clock.advance(600);
    assert!(!fake.is_alive(&reply.get("token")) && fake.is_alive(&access));
}

#[test]
fn a_refresh_ends_scoped_tokens_only_if_told() {
    for (builder, lives) in [
        (builder(), true),
        (builder().refresh_ends_scoped_tokens(), false),
    ] {
        let fake = builder.start().expect("a fake");
        let (access, refresh_token) = signed_in(&fake);
        let (other, _) = signed_in(&fake);
        let [scoped, of_other] =
            [&access, &other].map(|token| create(&fake, &hello(token)).get("token"));
        refresh(&fake, &refresh_token);
        assert_eq!(
            (fake.is_alive(&scoped), fake.is_alive(&of_other)),
            (lives, true)
        );
        // The old access token is dead either way.
        assert_eq!(create(&fake, &hello(&access)).status, 404);
    }
}

#[test]
fn scoped_tokens_crowd_out_the_sign_in_only_if_told() {
    for (builder, lives) in [(builder(), true), (builder().scoped_tokens_count(), false)] {
        let fake = builder.start().expect("a fake");
        let (access, refresh_token) = signed_in(&fake);
        let own = basic(CLIENT_ID, SECRET);
        // What is revoked takes no place.
        for _ in 0..20 {
            let token = create(&fake, &hello(&access)).get("token");
            assert_eq!(delete(&fake, &own, &token), 204);
        }
        for _ in 0..9 {
            assert_eq!(create(&fake, &hello(&access)).status, 200);
        }
        assert!(fake.is_alive(&access));
        assert_eq!(create(&fake, &hello(&access)).status, 200);
        assert_eq!(fake.is_alive(&access), lives);
        assert_eq!(fake.refresh_is_alive(&refresh_token), lives);
        assert_eq!(fake.most_live_scoped_tokens(), 10);
    }
}

#[test]
fn git_keeps_to_the_repositories_and_the_permissions() {
    if !has_http_backend() {
        return;
    }
    let folder = Folder::new("scoped");
    for name in ["octocat/hello", "octocat/world"] {
        let bare = format!("{name}.git");
        fs::create_dir_all(folder.0.join(&bare)).expect("a folder");
        git_well(&folder.0, &["init", "--quiet", "--bare", &bare]);
    }
    let fake = builder().git_root(&folder.0).start().expect("a fake");
    let (access, _) = signed_in(&fake);
    let token = |permissions: Value| {
        let mut body = hello(&access);
        body["permissions"] = permissions;
        create(&fake, &body).get("token")
    };
    let read = token(json!({"contents": "read"}));
    let write = token(json!({"contents": "write"}));
    let issues = token(json!({"issues": "read"}));
    for (token, name, service, expected) in [
        (&read, "hello", "git-upload-pack", 200),
        (&read, "hello", "git-receive-pack", 403),
        (&read, "world", "git-upload-pack", 404),
        (&write, "hello", "git-receive-pack", 200),
        (&write, "world", "git-upload-pack", 404),
        (&issues, "hello", "git-upload-pack", 403),
        (&access, "world", "git-receive-pack", 200),
    ] {
        let request = format!(
            "GET /octocat/{name}.git/info/refs?service={service} HTTP/1.1\r\n{}\r\n",
            basic("x-access-token", token)
        );
        assert_eq!(send(&fake, &request).status, expected, "{name} {service}");
    }
    for (token, push) in [(&read, false), (&write, true), (&issues, false)] {
        let repository = get(&fake, "/api/v3/repos/octocat/hello", token).json();
        assert_eq!(repository["permissions"]["push"], push);
    }
}
