//! Doctor changes nothing: no file, no read-only folder, no locked keychain.

use super::patient::{Patient, Tree};
use crate::support::mount::SmallDisk;
use crate::support::records::{DUE, FRESH};

#[test]
fn neither_state_nor_configuration_nor_git_is_changed_and_github_is_not_asked() {
    for left in [FRESH, DUE] {
        let patient = Patient::new();
        patient.sandbox.seed(&patient.fake, left);
        patient.sandbox.configure("min_ttl = '10m'\n");
        patient.write(
            ".gitconfig",
            "[user]\n\tname = me\n[credential]\n\thelper = store\n",
        );
        patient.write(".git-credentials", "https://me:pw@github.com\n");
        let before = Tree::of(patient.sandbox.home());
        for flags in ["", "--json", "--full"] {
            assert_ne!(patient.report(flags).stdout, "");
        }
        assert_eq!(Tree::of(patient.sandbox.home()), before);
        assert_eq!(patient.fake.connections(), 0);
    }
}

#[test]
fn a_home_with_nothing_in_it_stays_empty() {
    let patient = Patient::new();
    let before = Tree::of(patient.sandbox.home());
    for code in ["config_missing", "folder_missing", "store_empty"] {
        patient.has(code, "ok");
    }
    patient.report("").expect_code(1);
    assert_eq!(Tree::of(patient.sandbox.home()), before);
}

#[test]
fn a_read_only_state_folder_is_named_and_left_alone() {
    let patient = Patient::new();
    let Some(disk) = SmallDisk::mount(&patient.sandbox.state_dir()) else {
        return;
    };
    patient.sandbox.seed(&patient.fake, FRESH);
    disk.set_read_only();
    patient.is_advised_about("folder_read_only", "warning");
}
