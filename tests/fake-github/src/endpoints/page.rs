//! `/login/device`: the page on which a person types the code that the client
//! shows, and approves or cancels.

use super::Findings;
use crate::authority::{Authority, Decision};
use crate::http::{Answer, Incoming};
use crate::violation::ViolationKind;

pub(super) fn answer(
    request: &Incoming,
    authority: &mut Authority,
    findings: &mut Findings,
) -> Answer {
    let login = authority.default_login();
    match request.method.as_str() {
        "GET" => Answer::html(200, &form(&login, "")),
        "POST" => act(request, authority, &login),
        other => {
            findings.push((ViolationKind::WrongMethod, other.to_owned()));
            Answer::html(405, "Method Not Allowed").with("Allow", "GET, POST")
        }
    }
}

fn act(request: &Incoming, authority: &mut Authority, login: &str) -> Answer {
    let params = request.params();
    let get = |wanted: &str| {
        let found = params.iter().find(|(name, _)| name == wanted);
        found.map_or("", |(_, value)| value.as_str())
    };
    let (decision, done) = match get("button") {
        "approve" => {
            let approved = Decision::Approved {
                login: login.to_owned(),
            };
            (
                approved,
                "Congratulations, you're all set! Your device is now connected.",
            )
        }
        "cancel" => (Decision::Denied, "The request was cancelled."),
        _ => return Answer::html(422, &form(login, "Press one of the buttons.")),
    };
    if authority.decide(get("user_code"), decision) {
        Answer::html(200, &page(&format!("<p>{done}</p>")))
    } else {
        Answer::html(422, &form(login, "Invalid code, or one that has expired."))
    }
}

fn form(login: &str, note: &str) -> String {
    page(&format!(
        "<p>Signed in as <b>{login}</b></p>\n<p role=\"alert\">{note}</p>\n\
         <form method=\"post\" action=\"/login/device\">\n\
         <label>Enter the code displayed on your device: \
         <input name=\"user_code\" autofocus autocomplete=\"off\"></label>\n\
         <button name=\"button\" value=\"approve\">Approve</button>\n\
         <button name=\"button\" value=\"cancel\">Cancel</button>\n</form>"
    ))
}

fn page(content: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>Device activation</title></head>\n<body>\n<h1>Device activation (fake GitHub)</h1>\n\
         {content}\n</body></html>\n"
    )
}
