//! A git remote over smart HTTP: git's own CGI program `git http-backend` (and the LFS API), behind
//! Basic authentication with a live access token as the password.
//! <https://git-scm.com/docs/git-http-backend>

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use super::{Findings, basic_credentials, lfs};
use crate::authority::{Access, Authority, Bearer, Repository};
use crate::http::{Answer, Incoming};
use crate::violation::ViolationKind;

/// Who asks, if that must be said, or the answer that sends them away. Any user name will
/// do; GitHub's documentation says `x-access-token`. A repository out of reach does not
/// exist: 404, which git takes for no reason to ask for another password.
pub(crate) fn admit(
    request: &Incoming,
    authority: &mut Authority,
    findings: &mut Findings,
) -> Result<Option<Bearer>, Answer> {
    let refused = || {
        Answer::text(401, "Invalid username or token.\n")
            .with("WWW-Authenticate", "Basic realm=\"GitHub\"")
    };
    let bearer = match basic_credentials(request) {
        Some((_, password)) => {
            if password.starts_with("ghr_") {
                findings.push((ViolationKind::RefreshTokenMisdirected, request.path.clone()));
            }
            Some(authority.bearer(&password).ok_or_else(refused)?)
        }
        None => None,
    };
    let access = match Repository::of_git_path(&request.path) {
        Some(repository) => authority.access(bearer.as_ref(), repository),
        None if bearer.is_some() => Access::Write,
        None => Access::None,
    };
    let denied = |login: &str| format!("Permission to {} denied to {login}.\n", request.path);
    match (access, &bearer) {
        (Access::Write, _) => Ok(bearer),
        (Access::Read, _) if !is_push(request) => Ok(bearer),
        (Access::Read | Access::Metadata | Access::None, None) => Err(refused()),
        (Access::Read | Access::Metadata, Some(bearer)) => {
            Err(Answer::text(403, &denied(&bearer.login)))
        }
        (Access::None, Some(_)) => Err(Answer::text(404, "Repository not found.\n")),
    }
}

fn is_push(request: &Incoming) -> bool {
    request.path.ends_with("/git-receive-pack")
        || request.query.contains("git-receive-pack")
        || lfs::is_upload(request)
}

/// Runs the CGI program and translates its answer.
pub(crate) fn serve(
    request: &Incoming,
    bearer: Option<&Bearer>,
    root: &Path,
    base_url: &str,
) -> io::Result<Answer> {
    const SERVICES: [&str; 3] = ["/info/refs", "/git-upload-pack", "/git-receive-pack"];
    if let Some(answer) = lfs::answer(request, root, base_url) {
        return Ok(answer);
    }
    let known = SERVICES
        .iter()
        .any(|service| request.path.ends_with(service));
    if !known || request.path.split('/').any(|part| part == "..") {
        return Ok(Answer::text(404, "Not Found\n"));
    }
    let mut child = backend(request, bearer, root).spawn()?;
    let mut input = child.stdin.take().expect("stdin is piped");
    let mut output = child.stdout.take().expect("stdout is piped");
    let mut printed = Vec::new();
    thread::scope(|scope| {
        // A child that answers before it has read everything closes the pipe.
        scope.spawn(move || input.write_all(&request.body).ok());
        output.read_to_end(&mut printed)
    })?;
    child.wait()?;
    cgi_answer(&printed).ok_or_else(|| io::Error::other("git http-backend gave no CGI answer"))
}

fn backend(request: &Incoming, bearer: Option<&Bearer>, root: &Path) -> Command {
    let header = |name| request.header(name).unwrap_or("");
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        // The tester's own configuration must not decide what is served.
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", root.join("no-such-gitconfig"))
        .env_remove("GIT_DIR")
        .env("PATH_INFO", &request.path)
        .env("QUERY_STRING", &request.query)
        .env("REQUEST_METHOD", &request.method)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", request.body.len().to_string())
        // The program inflates `gzip` bodies by itself.
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(bearer) = bearer {
        // A named user may push.
        command.env("REMOTE_USER", &bearer.login);
    }
    command
}

/// RFC 3875 section 6: headers, `Status` among them, an empty line, the body.
fn cgi_answer(printed: &[u8]) -> Option<Answer> {
    let end = printed
        .windows(4)
        .position(|window| window == b"\r\n\r\n")?;
    let head = str::from_utf8(&printed[..end]).ok()?;
    let mut answer = Answer {
        status: 200,
        body: printed[end + 4..].to_vec(),
        ..Answer::default()
    };
    for line in head.lines() {
        let (name, value) = line.split_once(':')?;
        match name {
            "Status" => answer.status = value.split_whitespace().next()?.parse().ok()?,
            _ => answer = answer.with(name, value.trim()),
        }
    }
    Some(answer)
}
