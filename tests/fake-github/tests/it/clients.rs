//! Clients that may not sign in: unknown ones, and Apps without device flow.

use fake_github::{App, CLIENT_ID, DeviceFlow, FakeGitHub, ViolationKind};

use crate::client::{DEVICE_GRANT, ask_code, poll, post};

#[test]
fn unknown_clients_get_404_for_codes_and_an_error_for_tokens() {
    let fake = FakeGitHub::start().expect("a fake");
    for params in [&[("client_id", "nobody")][..], &[]] {
        let reply = post(&fake, "/login/device/code", params);
        assert_eq!(
            (reply.status, reply.text().as_str()),
            (404, r#"{"error":"Not Found"}"#)
        );
    }
    for grant in [DEVICE_GRANT, "refresh_token"] {
        let params = [("client_id", "nobody"), ("grant_type", grant)];
        let reply = post(&fake, "/login/oauth/access_token", &params);
        assert_eq!(reply.status, 200);
        assert_eq!(reply.get("error"), "incorrect_client_credentials");
    }
    let unknown = |kind: &ViolationKind| *kind == ViolationKind::UnknownClient;
    assert_eq!(
        fake.violations()
            .iter()
            .filter(|found| unknown(&found.kind))
            .count(),
        4
    );
}

#[test]
fn a_disabled_device_flow_is_a_400_for_codes_and_a_200_for_polls() {
    let app = App::new(CLIENT_ID).device_flow(DeviceFlow::Disabled);
    let fake = FakeGitHub::builder().app(app).start().expect("a fake");
    let code = ask_code(&fake);
    assert_eq!(
        (code.status, code.get("error")),
        (400, "device_flow_disabled".into())
    );
    let text = "Device Flow must be explicitly enabled for this App";
    assert_eq!(code.get("error_description"), text);
    let reply = poll(&fake, "0000");
    assert_eq!(
        (reply.status, reply.get("error")),
        (200, "device_flow_disabled".into())
    );
}
