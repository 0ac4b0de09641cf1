//! The form in which an App is registered, read as HTML and sent as a browser sends it.

use std::io::{Read, Write};
use std::net::TcpStream;

/// The form's page, as it was served.
pub struct Form {
    pub path: String,
    host: String,
    inputs: Vec<Input>,
}

#[derive(Clone, Debug)]
struct Input {
    name: String,
    value: String,
    kind: String,
    is_checked: bool,
}

impl Form {
    /// Opens the form's address.
    #[track_caller]
    pub fn open(address: &str) -> Self {
        let (host, rest) = address
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once('/'))
            .expect("an address of the fake");
        let page = ask(host, &format!("GET /{rest} HTTP/1.1"), "");
        let inputs = page.split("<input ").skip(1).map(input).collect();
        let action = attribute(page.split_once("<form ").expect("a form").1, "action");
        Self {
            path: action.expect("where it goes"),
            host: host.to_owned(),
            inputs,
        }
    }

    /// What stands in a box; empty where there is no such box.
    pub fn value(&self, name: &str) -> &str {
        let found = self.inputs.iter().find(|input| input.name == name);
        found.map_or("", |input| &input.value)
    }

    pub fn is_checked(&self, name: &str) -> bool {
        self.inputs
            .iter()
            .any(|input| input.name == name && input.is_checked)
    }

    pub fn is_public(&self) -> bool {
        self.inputs
            .iter()
            .any(|input| input.name == "public" && input.value == "true" && input.is_checked)
    }

    /// Presses the button as the form stands; the client ID of the new App.
    #[track_caller]
    pub fn submit(&self) -> String {
        let sent = self
            .inputs
            .iter()
            .filter(|input| match input.kind.as_str() {
                "checkbox" | "radio" => input.is_checked,
                _ => true,
            });
        let fields: Vec<String> = sent
            .map(|input| format!("{}={}", input.name, encoded(&input.value)))
            .collect();
        let page = ask(
            &self.host,
            &format!("POST {} HTTP/1.1", self.path),
            &fields.join("&"),
        );
        let (_, after) = page.split_once("Client ID: <code>").expect(&page);
        after.split('<').next().expect("an ID").to_owned()
    }
}

fn input(tag: &str) -> Input {
    let tag = tag.split('>').next().unwrap_or_default();
    Input {
        name: attribute(tag, "name").expect("a name"),
        value: attribute(tag, "value").unwrap_or_default(),
        kind: attribute(tag, "type").unwrap_or_default(),
        is_checked: tag.ends_with(" checked"),
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    Some(
        value
            .replace("&quot;", "\"")
            .replace("&lt;", "<")
            .replace("&amp;", "&"),
    )
}

fn encoded(text: &str) -> String {
    let byte = |b: u8| match b {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    text.bytes().map(byte).collect()
}

fn ask(host: &str, line: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(host).expect("the fake");
    let length = body.len();
    write!(
        stream,
        "{line}\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .expect("sent");
    let mut page = String::new();
    stream.read_to_string(&mut page).expect("a page");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");
    page
}
