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
    let name = match list {
        List::Access => "system.posix_acl_access",
        List::Default => "system.posix_acl_default",
    };
    let mut content = [0; MOST_BYTES];
    let length = getxattr(path, name, &mut content).unwrap_or(0);
    content_allows(&content[..length], user, wanted)
}

/// More entries than anybody reads.
const MOST_BYTES: usize = 4 + 8 * 128;
const VERSION: [u8; 4] = 2_u32.to_le_bytes();
const USER: u16 = 0x02;
const MASK: u16 = 0x10;

fn content_allows(content: &[u8], user: u32, wanted: u16) -> bool {
    let Some(entries) = content.strip_prefix(&VERSION) else { return false };
    let (entries, _) = entries.as_chunks::<8>();
    let entries = entries.iter().map(|[t, ag, p, erm, id @ ..]| {
        (u16::from_le_bytes([*t, *ag]), u16::from_le_bytes([*p, *erm]), u32::from_le_bytes(*id))
    });
    let (mut allowed, mut mask) = (0, u16::MAX);
    for (tag, permissions, id) in entries {
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
