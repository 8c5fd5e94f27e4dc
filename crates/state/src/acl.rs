//! What an access control list lets one user do (acl(5)), as the kernel keeps it in an extended attribute of a file
//! (linux/posix_acl_xattr.h). It is changed by setfacl(1).

use std::path::Path;

use rustix::fs::getxattr;

/// Which list of a file or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Its own.
    Access,
    /// Of a folder: what is made in it gets this one.
    Default,
}

pub const ENTER: u16 = 1;
pub const READ_AND_WRITE: u16 = 6;

/// Whether an entry for this user allows all that is wanted. False where there is no list, or none can be.
pub fn allows(path: &Path, list: List, user: u32, wanted: u16) -> bool {
    content_allows(&content(path, list), user, wanted)
}

/// Whether there is an entry for this user, as far as the mask may have closed it.
pub fn names(path: &Path, list: List, user: u32) -> bool {
    entries(&content(path, list)).any(|(tag, _, id)| tag == USER && id == user)
}

fn content(path: &Path, list: List) -> Vec<u8> {
    let name = match list {
        List::Access => "system.posix_acl_access",
        List::Default => "system.posix_acl_default",
    };
    let mut content = vec![0; MOST_BYTES];
    let length = getxattr(path, name, &mut content[..]).unwrap_or(0);
    content.truncate(length);
    content
}

/// More entries than anybody reads.
const MOST_BYTES: usize = 4 + 8 * 128;
const VERSION: [u8; 4] = 2_u32.to_le_bytes();
const USER: u16 = 0x02;
const MASK: u16 = 0x10;

/// Of each entry its tag, what it allows, and whom.
fn entries(content: &[u8]) -> impl Iterator<Item = (u16, u16, u32)> {
    let (entries, _) = content.strip_prefix(&VERSION).unwrap_or_default().as_chunks::<8>();
    entries.iter().map(|[t, ag, p, erm, id @ ..]| {
        (u16::from_le_bytes([*t, *ag]), u16::from_le_bytes([*p, *erm]), u32::from_le_bytes(*id))
    })
}

fn content_allows(content: &[u8], user: u32, wanted: u16) -> bool {
    let (mut allowed, mut mask) = (0, u16::MAX);
    for (tag, permissions, id) in entries(content) {
        match tag {
            USER if id == user => allowed = permissions,
            MASK => mask = permissions,
            _ => {}
        }
    }
    allowed & mask & wanted == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
        let mut content = VERSION.to_vec();
        for (tag, permissions, id) in entries {
            content.extend(tag.to_le_bytes());
            content.extend(permissions.to_le_bytes());
            content.extend(id.to_le_bytes());
        }
        content
    }

    #[test]
    fn an_entry_counts_as_far_as_the_mask_lets_it() {
        let nobody = 65534;
        let with_mask =
            |mask| list(&[(1, 7, u32::MAX), (2, 6, nobody), (4, 0, u32::MAX), (16, mask, u32::MAX)]);
        assert!(content_allows(&with_mask(6), nobody, READ_AND_WRITE));
        assert!(content_allows(&with_mask(7), nobody, READ_AND_WRITE));
        assert!(!content_allows(&with_mask(4), nobody, READ_AND_WRITE));
        assert!(!content_allows(&with_mask(7), nobody, ENTER));
        assert!(!content_allows(&with_mask(7), 33, READ_AND_WRITE));
    }

    #[test]
    fn what_is_no_list_allows_nothing() {
        for content in [&[][..], &[1, 0, 0, 0], &[2, 0, 0, 0], &[2, 0, 0, 0, 2, 0, 6]] {
            assert!(!content_allows(content, 0, ENTER), "{content:?}");
        }
    }
}
