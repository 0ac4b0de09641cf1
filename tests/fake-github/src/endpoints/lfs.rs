//! The Git LFS API: the batch request, and the objects at this same server, kept beside the repository. What
//! is sent to an object's address is the batch request's own authorization, as GitHub's short-lived one is.
//! <https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md>

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::http::{Answer, Incoming};

const MEDIA_TYPE: &str = "application/vnd.git-lfs+json";
const API: &str = "/info/lfs/";

/// True if the request writes an object.
pub(crate) fn is_upload(request: &Incoming) -> bool {
    request.path.contains(API)
        && (request.method == "PUT" || operation(request).is_some_and(|what| what == "upload"))
}

/// `None` if the path is none of LFS.
pub(crate) fn answer(request: &Incoming, root: &Path, base_url: &str) -> Option<Answer> {
    let (repository, below) = request.path.split_once(API)?;
    let folder = root.join(repository.trim_start_matches('/')).join("lfs");
    Some(match (request.method.as_str(), below) {
        ("POST", "objects/batch") => {
            batch(request, &format!("{base_url}{repository}{API}"), &folder)
        }
        (method, below) => match below
            .strip_prefix("objects/")
            .and_then(|oid| object(oid, &folder))
        {
            Some(file) => transfer(method, &file, &request.body),
            // No locks.
            None => Answer::text(404, "Not Found\n"),
        },
    })
}

fn operation(request: &Incoming) -> Option<String> {
    let asked: Value = serde_json::from_slice(&request.body).ok()?;
    asked["operation"].as_str().map(str::to_owned)
}

fn batch(request: &Incoming, api: &str, folder: &Path) -> Answer {
    let asked: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let is_upload = asked["operation"] == "upload";
    let authorization = request.header("authorization").unwrap_or_default();
    let objects = asked["objects"].as_array().cloned().unwrap_or_default();
    let described = objects.into_iter().map(|one| {
        let oid = one["oid"].as_str().unwrap_or_default().to_owned();
        let is_here = object(&oid, folder).is_some_and(|file| file.exists());
        let action = json!({"href": format!("{api}objects/{oid}"), "header": {"Authorization": authorization}});
        let mut answer = json!({"oid": oid, "size": one["size"], "authenticated": true});
        match (is_upload, is_here) {
            (true, false) => answer["actions"] = json!({"upload": action}),
            (false, true) => answer["actions"] = json!({"download": action}),
            (false, false) => answer["error"] = json!({"code": 404, "message": "no such object"}),
            (true, true) => {}
        }
        answer
    });
    let text = json!({"transfer": "basic", "objects": described.collect::<Vec<_>>()}).to_string();
    Answer::new(200, MEDIA_TYPE, text)
}

/// The file of an object; `None` for what is no SHA-256.
fn object(oid: &str, folder: &Path) -> Option<PathBuf> {
    let is_one = oid.len() == 64 && oid.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_one.then(|| folder.join(oid))
}

fn transfer(method: &str, file: &Path, body: &[u8]) -> Answer {
    let stored = match method {
        "PUT" => fs::create_dir_all(file.parent().unwrap_or(file))
            .and_then(|()| fs::write(file, body))
            .map(|()| Vec::new()),
        _ => fs::read(file),
    };
    match stored {
        Ok(bytes) => Answer::new(200, "application/octet-stream", bytes),
        Err(error) => Answer::text(404, &error.to_string()),
    }
}
