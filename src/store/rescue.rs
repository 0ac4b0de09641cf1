//! The rescue file: the new pair of a refresh, sealed with the key of its intent, while it is in no
//! store yet. Its space is reserved before the refresh token is sent; it is written in place.

use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use crate::app::RecordKey;
use crate::auth::ports::StoreError;
use crate::auth::record::{Record, RescueKey};
use crate::store::record;
use crate::store::state_file::{self, failed, refused};

/// Room for two tokens many times as long as today's.
const ROOM: usize = 16 * 1024;
const MAGIC: &[u8; 8] = b"ghtokR1\n";
/// Magic and the sealed text's length.
const HEAD: usize = MAGIC.len() + size_of::<u32>();

/// A rescue file with reserved space.
#[derive(Debug)]
pub(crate) struct RescueFile {
    file: fs::File,
    path: PathBuf,
}

impl RescueFile {
    /// Reserves the space: written zeros and a sync do it on every file system.
    pub(crate) fn prepare(path: PathBuf) -> Result<Self, StoreError> {
        let mut file = state_file::create(&path)?;
        file.write_all(&[0; ROOM])
            .and_then(|()| file.sync_all())
            .map_err(|error| failed("reserve space in", &path, &error))?;
        Ok(Self { file, path })
    }

    /// Seals a record into the reserved space and syncs it.
    pub(crate) fn seal(
        &mut self,
        owner: &RecordKey,
        record: &Record,
        key: &RescueKey,
    ) -> Result<(), StoreError> {
        let plain = record::encode(record);
        let mut sealed = Zeroizing::new(Vec::with_capacity(
            plain.len() + CHACHA20_POLY1305.tag_len(),
        ));
        sealed.extend_from_slice(&plain);
        cipher(key)
            .and_then(|cipher| {
                let bound = Aad::from(bound_to(owner, record.generation));
                cipher
                    .seal_in_place_append_tag(nonce(), bound, &mut *sealed)
                    .ok()
            })
            .ok_or_else(|| refused("seal", &self.path, "the cipher refused"))?;
        let length = u32::try_from(sealed.len()).unwrap_or(u32::MAX);
        if HEAD + sealed.len() > ROOM {
            return Err(refused(
                "seal",
                &self.path,
                "the tokens are too long for it",
            ));
        }
        let content = [MAGIC.as_slice(), &length.to_le_bytes(), &sealed].concat();
        self.file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.write_all(&content))
            .and_then(|()| self.file.sync_data())
            .map_err(|error| failed("write", &self.path, &error))
    }
}

/// Unseals what a refresh to `generation` left; `None` if there is nothing whole.
///
/// # Errors
/// If there is a file that cannot be read, or is not ours alone.
pub(crate) fn open(
    path: &Path,
    owner: &RecordKey,
    generation: u64,
    key: &RescueKey,
) -> Result<Option<Record>, StoreError> {
    let content = state_file::read(path)?;
    Ok(content.and_then(|content| unseal(&content, owner, generation, key)))
}

fn unseal(content: &[u8], owner: &RecordKey, generation: u64, key: &RescueKey) -> Option<Record> {
    let (head, rest) = content.split_at_checked(HEAD)?;
    let (magic, length) = head.split_at_checked(MAGIC.len())?;
    let length = usize::try_from(u32::from_le_bytes(length.try_into().ok()?)).ok()?;
    if magic != MAGIC {
        return None;
    }
    let mut sealed = Zeroizing::new(rest.get(..length)?.to_vec());
    let bound = Aad::from(bound_to(owner, generation));
    let plain = cipher(key)?
        .open_in_place(nonce(), bound, &mut sealed)
        .ok()?;
    let record = record::decode(plain).ok()?;
    (record.generation == generation).then_some(record)
}

/// Removes the file. Its key goes with the intent, so that what the disk keeps opens for nobody.
pub(crate) fn wipe(path: &Path) {
    let _ = fs::remove_file(path);
}

fn cipher(key: &RescueKey) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, key.expose())
        .ok()
        .map(LessSafeKey::new)
}

/// Each key seals once, so that its nonce may be constant (RFC 8439 section 2.8).
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// A rescue is of no use to another record or generation.
fn bound_to(owner: &RecordKey, generation: u64) -> Vec<u8> {
    format!("{} {generation}", owner.as_str()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{App, ClientId};
    use crate::host::Host;
    use crate::token::{AccessToken, Timestamp, TokenSet};

    fn owner(client_id: &str) -> RecordKey {
        App {
            name: None,
            client_id: ClientId::parse(client_id).expect("an ID"),
            host: Host::parse("ghes.example").expect("a host"),
            account: None,
            owners: vec![],
        }
        .key()
    }

    fn record(generation: u64) -> Record {
        Record {
            generation,
            tokens: TokenSet::Permanent(AccessToken::new("ghu_x")),
            obtained_at: Timestamp(1),
            account: None,
            intent: None,
            rejected: None,
            refresh_rejected: None,
        }
    }

    /// One key for all, so that only the binding can refuse.
    #[test]
    fn p3_a_rescue_opens_for_its_own_record_and_generation_only() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rescue");
        let key = RescueKey::from_bytes([7; 32]);
        let mut file = RescueFile::prepare(path.clone()).expect("room");
        file.seal(&owner("Iv1.one"), &record(2), &key)
            .expect("sealed");
        let opened = |client_id, generation| {
            open(&path, &owner(client_id), generation, &key).expect("readable")
        };
        assert_eq!(opened("Iv1.one", 2), Some(record(2)));
        assert_eq!(opened("Iv1.two", 2), None, "another record's");
        assert_eq!(opened("Iv1.one", 3), None, "another generation's");
        let other = RescueKey::from_bytes([8; 32]);
        let content = open(&path, &owner("Iv1.one"), 2, &other).expect("readable");
        assert_eq!(content, None, "another intent's");
        // The text is bound as well, not only the record in it.
        let sealed = fs::read(&path).expect("a file");
        let bound = |generation| bound_to(&owner("Iv1.one"), generation);
        assert_ne!(bound(2), bound(3));
        assert!(unseal(&sealed, &owner("Iv1.one"), 3, &key).is_none());
    }
}
