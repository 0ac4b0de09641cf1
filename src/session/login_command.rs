use crate::app::App;
use crate::formats::shell::word;
use crate::host::HostKind;
use crate::store_choice::StoreChoice;

/// The command that signs in to an App, ready to type; with `--store` if it must name one.
pub fn login_command(app: &App, store: Option<StoreChoice>) -> String {
    let mut command = match &app.name {
        Some(name) => format!("ghtok login {name}"),
        None => format!("ghtok login --client-id {}", app.client_id),
    };
    if app.name.is_none() && app.host.kind() != HostKind::GitHubCom {
        command.push_str(&format!(" --host {}", word(&app.host.spelling())));
    }
    if let Some(store) = store {
        command.push_str(&format!(" --store {store}"));
    }
    command
}
