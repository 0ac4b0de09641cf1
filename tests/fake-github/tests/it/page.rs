//! The page on which a person types the code.

use fake_github::FakeGitHub;

use crate::client::{ask_code, get, poll, post};

#[test]
fn the_page_is_a_form_with_two_buttons() {
    let fake = FakeGitHub::start().expect("a fake");
    let page = get(&fake, "/login/device", "x").text();
    for part in ["name=\"user_code\"", ">Approve<", ">Cancel<", "octocat"] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn buttons_decide() {
    for (button, error) in [("approve", ""), ("cancel", "access_denied")] {
        let fake = FakeGitHub::start().expect("a fake");
        let code = ask_code(&fake);
        // People type in lower case.
        let typed = code.get("user_code").to_lowercase();
        let press = |typed: &str, button| {
            post(
                &fake,
                "/login/device",
                &[("user_code", typed), ("button", button)],
            )
            .status
        };
        assert_eq!(press("WRONG", button), 422);
        assert_eq!(press(&typed, "other"), 422);
        assert_eq!(press(&typed, button), 200);
        assert_eq!(press(&typed, button), 422, "a code is decided once");
        assert_eq!(poll(&fake, &code.get("device_code")).get("error"), error);
    }
}
