//! A small file system of one test, which can be full or read-only.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A mounted tmpfs, unmounted at the end of the test.
#[derive(Debug)]
pub struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    /// Mounts one there. Only root may do that: elsewhere the test says so and is skipped.
    pub fn mount(at: &Path) -> Option<Self> {
        fs::create_dir_all(at).expect("a folder");
        if !mount(&["-t", "tmpfs", "-o", "size=256k,mode=0700", "none"], at) {
            skip!("no file system can be mounted here (it takes root)");
            return None;
        }
        Some(Self { at: at.to_owned() })
    }

    /// Leaves no byte of it free.
    pub fn fill(&self) {
        let mut file = fs::File::create(self.ballast()).expect("a file");
        for size in [4096, 1] {
            let block = vec![b'x'; size];
            let error = std::iter::repeat_with(|| file.write_all(&block)).find_map(Result::err);
            let kind = error.expect("an end").kind();
            assert_eq!(kind, ErrorKind::StorageFull);
        }
    }

    /// Takes away what filled it.
    pub fn free(&self) {
        fs::remove_file(self.ballast()).expect("the ballast");
    }

    pub fn set_read_only(&self) {
        assert!(mount(&["-o", "remount,ro"], &self.at), "remounted");
    }

    pub fn set_writable(&self) {
        assert!(mount(&["-o", "remount,rw"], &self.at), "remounted");
    }

    fn ballast(&self) -> PathBuf {
        self.at.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.at).status();
    }
}

fn mount(options: &[&str], at: &Path) -> bool {
    let done = Command::new("mount").args(options).arg(at).output();
    done.is_ok_and(|output| output.status.success())
}
