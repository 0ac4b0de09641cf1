//! Finds secrets where none may be, in every form in which they could have got there.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use fake_github::FakeGitHub;
use ghtok::testing::auth::record::Record;
use ghtok::testing::store::record::decode;

/// Shorter needles are not looked for.
const HEAD: usize = 8;

/// The secrets of one run.
#[derive(Default)]
pub struct Secrets(HashSet<Vec<u8>>);

/// Looks for secrets: what begins with these bytes may be one of these.
pub struct Finder(HashMap<[u8; HEAD], Vec<Needle>>);

struct Needle {
    form: &'static str,
    bytes: Vec<u8>,
}

impl Secrets {
    pub fn add(&mut self, secret: impl Into<Vec<u8>>) {
        let secret = secret.into();
        if secret.len() >= HEAD {
            self.0.insert(secret);
        }
    }

    /// Everything secret that the fake was sent, or gave away in a refresh.
    pub fn add_all_of(&mut self, fake: &FakeGitHub) {
        for request in fake.ledger() {
            for name in ["device_code", "refresh_token"] {
                self.add(request.param(name).unwrap_or_default());
            }
            let header = request.header("authorization").unwrap_or_default();
            self.add(header.strip_prefix("Bearer ").unwrap_or_default());
        }
        for rotation in fake.refreshes() {
            for token in [
                rotation.old_access,
                rotation.new_access,
                rotation.old_refresh,
                rotation.new_refresh,
            ] {
                self.add(token);
            }
        }
    }

    /// Everything secret in the records that are stored now.
    pub fn add_records(&mut self, state_dir: &Path) {
        for (_, bytes) in files(&state_dir.join("records"), &[]) {
            if let Ok(record) = decode(&bytes) {
                self.add_record(&record);
            }
        }
    }

    fn add_record(&mut self, record: &Record) {
        self.add(record.tokens.access_token().expose());
        if let Some(token) = record.tokens.refresh_token() {
            self.add(token.expose());
        }
        if let Some(intent) = &record.intent {
            self.add(intent.key.expose().as_slice());
        }
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn finder(&self) -> Finder {
        let mut needles = HashMap::<_, Vec<Needle>>::new();
        for (form, bytes) in self.0.iter().flat_map(|secret| forms(secret)) {
            if let Some(head) = bytes.first_chunk::<HEAD>() {
                needles
                    .entry(*head)
                    .or_default()
                    .push(Needle { form, bytes });
            }
        }
        Finder(needles)
    }
}

impl Finder {
    /// Says which form of a secret stands at which byte of this place; never the secret.
    pub fn find(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        let mut hits = Vec::new();
        for (at, head) in bytes.windows(HEAD).enumerate() {
            let head: &[u8; HEAD] = head.try_into().expect("this long");
            for needle in self.0.get(head).into_iter().flatten() {
                if bytes[at..].starts_with(&needle.bytes) {
                    hits.push(format!("{place}: a secret ({}) at byte {at}", needle.form));
                }
            }
        }
        hits
    }

    /// Looks through a folder but for these of its entries, names and contents.
    pub fn find_in_folder(&self, folder: &Path, except: &[&str]) -> Vec<String> {
        let found = files(folder, except).into_iter();
        found
            .flat_map(|(path, bytes)| {
                let mut hits = self.find(&format!("the name of {path}"), path.as_bytes());
                hits.extend(self.find(&path, &bytes));
                hits
            })
            .collect()
    }

    /// Looks through the request lines that the fake got.
    pub fn find_in_request_lines(&self, fake: &FakeGitHub) -> Vec<String> {
        let requests = fake.ledger().into_iter();
        requests
            .flat_map(|request| {
                let line = format!("{}?{}", request.path, request.query);
                self.find("a request line", line.as_bytes())
            })
            .collect()
    }

    /// Looks through arguments and environment of a process and of all that are about this host.
    /// Returns how many processes it looked at.
    pub fn find_in_processes(&self, pid: u32, host: &str) -> (usize, Vec<String>) {
        let mut seen = 0;
        let mut hits = Vec::new();
        for entry in fs::read_dir("/proc").expect("Linux has it").flatten() {
            let name = entry.file_name();
            let number = name.to_str().and_then(|name| name.parse::<u32>().ok());
            let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let is_about = String::from_utf8_lossy(&arguments).contains(host);
            if number.is_some_and(|number| number == pid || is_about) {
                seen += 1;
                hits.extend(self.find("arguments of a process", &arguments));
                // What we may not read, nobody else of our rights can.
                let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
                hits.extend(self.find("environment of a process", &environment));
            }
        }
        (seen, hits)
    }
}

/// All files below a folder, but for these entries of the folder itself.
fn files(folder: &Path, except: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if except.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, &[]));
        } else {
            let bytes = fs::read(&path).unwrap_or_default();
            found.push((path.display().to_string(), bytes));
        }
    }
    found
}

/// The forms in which a secret could have been written down.
fn forms(secret: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let each = |write: fn(&u8) -> String| -> Vec<u8> {
        secret.iter().map(write).collect::<String>().into_bytes()
    };
    // Half a token is a leak too; its first letters are the same in all tokens.
    let middle = secret.len() / 2;
    let mut forms = vec![
        ("as it is", secret.to_vec()),
        ("its second half", secret[middle..].to_vec()),
        ("hexadecimal", each(|byte| format!("{byte:02x}"))),
        ("HEXADECIMAL", each(|byte| format!("{byte:02X}"))),
        ("percent-encoded", each(|byte| format!("%{byte:02x}"))),
        ("PERCENT-ENCODED", each(|byte| format!("%{byte:02X}"))),
        (
            "UTF-16",
            secret.iter().flat_map(|byte| [*byte, 0]).collect(),
        ),
    ];
    for shift in 0..3 {
        let (standard, url) = base64(secret, shift);
        forms.push(("base64", standard));
        forms.push(("base64url", url));
    }
    forms
}

/// The letters that these bytes determine in base64 (RFC 4648), standing after `shift` others.
fn base64(bytes: &[u8], shift: usize) -> (Vec<u8>, Vec<u8>) {
    const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let bits = 8 * (shift + bytes.len());
    let bit = |at: usize| {
        let byte = bytes[at / 8 - shift];
        usize::from(byte >> (7 - at % 8) & 1)
    };
    let first = (8 * shift).div_ceil(6);
    let sextets = (first..bits / 6)
        .map(|letter| (6 * letter..6 * letter + 6).fold(0, |sextet, at| 2 * sextet + bit(at)));
    let written = |last: [u8; 2]| -> Vec<u8> {
        let letter = |sextet: usize| LETTERS.get(sextet).copied().unwrap_or(last[sextet % 2]);
        sextets.clone().map(letter).collect()
    };
    (written(*b"+/"), written(*b"-_"))
}
