//! Users, from /etc/passwd and /etc/group alone: a static binary has no name service switch.

use std::fs;
use std::path::PathBuf;

/// A line of passwd(5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: PathBuf,
    pub shell: PathBuf,
}

impl User {
    /// None if there is no such user, or one that only a directory service knows.
    pub fn with(uid: u32) -> Option<Self> {
        let passwd = fs::read_to_string("/etc/passwd").ok()?;
        passwd.lines().filter_map(parse).find(|user| user.uid == uid)
    }

    /// Whom this command runs as.
    pub fn this() -> Option<Self> {
        Self::with(rustix::process::geteuid().as_raw())
    }

    /// The user's own group, and those of group(5) that name the user.
    pub fn groups(&self) -> Vec<u32> {
        let text = fs::read_to_string("/etc/group").unwrap_or_default();
        let others = text.lines().filter_map(|line| {
            let fields: Vec<_> = line.split(':').collect();
            let [_, _, gid, members] = fields[..] else { return None };
            members.split(',').any(|member| member == self.name).then(|| gid.parse().ok())?
        });
        std::iter::once(self.gid).chain(others.filter(|gid| *gid != self.gid)).collect()
    }
}

fn parse(line: &str) -> Option<User> {
    let fields: Vec<_> = line.split(':').collect();
    let [name, _, uid, gid, _, home, shell] = fields[..] else { return None };
    Some(User {
        name: name.to_owned(),
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        home: home.into(),
        shell: shell.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_user_if_it_is_whole() {
        let user = parse("potados:x:1001:1002:Potados,,,:/home/potados:/bin/bash").unwrap();
        assert_eq!((user.name.as_str(), user.uid, user.gid), ("potados", 1001, 1002));
        assert_eq!((user.home, user.shell), ("/home/potados".into(), "/bin/bash".into()));
        for line in ["", "+", "+::::::", "potados:x:1001", "potados:x:many:1:::"] {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn root_is_in_its_own_group() {
        assert_eq!(User::with(0).unwrap().groups()[0], 0);
    }
}
