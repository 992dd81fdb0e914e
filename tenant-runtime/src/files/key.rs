//! Where a file lies, in any storage: `<collection id>/<record id>/<name>`, its thumbs in a folder beside it.

use std::fmt;
use std::str::FromStr;

/// What most file systems take for one name.
const MOST_BYTES: usize = 255;

/// The place of one file. Its parts are plain names, so it never leads out of a storage.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileKey {
    folder: Folder,
    name: String,
}

/// The place of several files. Never empty, so that removing one cannot remove everything.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Folder(String);

/// A part that is empty or leads elsewhere.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no name of a file or folder")]
pub struct NotAPlainName(String);

impl FileKey {
    /// The place of a record's file.
    pub fn new(collection_id: &str, record_id: &str, name: &str) -> Result<FileKey, NotAPlainName> {
        Ok(FileKey { folder: Folder::record(collection_id, record_id)?, name: plain(name)?.to_owned() })
    }

    /// The place of the file's thumb in that size.
    pub fn thumb(&self, size: &str) -> Result<FileKey, NotAPlainName> {
        let name = format!("{size}_{}", self.name);
        Ok(FileKey { folder: self.thumbs(), name: plain(&name)?.to_owned() })
    }

    /// Where the file's thumbs are.
    pub fn thumbs(&self) -> Folder {
        Folder(format!("{}/thumbs_{}", self.folder.0, self.name))
    }

    /// Where the file is.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The last part.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The ids of the collection and the record whose file it is.
    pub fn owner(&self) -> (&str, &str) {
        let mut parts = self.folder.0.split('/');
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
    }
}

impl Folder {
    /// Where a record's files are.
    pub fn record(collection_id: &str, record_id: &str) -> Result<Folder, NotAPlainName> {
        Ok(Folder(format!("{}/{}", plain(collection_id)?, plain(record_id)?)))
    }

    /// Where the files of a collection's records are.
    pub fn collection(id: &str) -> Result<Folder, NotAPlainName> {
        Ok(Folder(plain(id)?.to_owned()))
    }

    /// As a path with `/` between its parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.folder.0, self.name)
    }
}

impl FromStr for FileKey {
    type Err = NotAPlainName;

    /// Reads the place of a record's file as it is displayed.
    fn from_str(text: &str) -> Result<FileKey, NotAPlainName> {
        match text.split('/').collect::<Vec<_>>()[..] {
            [collection_id, record_id, name] => FileKey::new(collection_id, record_id, name),
            _ => Err(NotAPlainName(text.to_owned())),
        }
    }
}

fn plain(part: &str) -> Result<&str, NotAPlainName> {
    let leads_elsewhere = part.contains(['/', '\\']) || part.chars().any(char::is_control);
    if part.is_empty() || part == "." || part == ".." || leads_elsewhere || part.len() > MOST_BYTES {
        return Err(NotAPlainName(part.to_owned()));
    }
    Ok(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_as_they_are_written() {
        let key = FileKey::new("c", "r", "a.png").expect("plain");
        assert_eq!(key.to_string(), "c/r/a.png");
        assert_eq!("c/r/a.png".parse::<FileKey>().expect("a key"), key);
        assert_eq!(key.thumb("10x0").expect("plain").to_string(), "c/r/thumbs_a.png/10x0_a.png");
        assert_eq!(key.owner(), ("c", "r"));
    }

    #[test]
    fn nothing_leads_out_of_a_storage() {
        for (collection, record, name) in
            [("", "r", "n"), ("c", "..", "n"), ("c", "a/b", "n"), ("c", "r", ""), ("c", "r", "a\0"), ("c", "r", "a\\b")]
        {
            assert!(FileKey::new(collection, record, name).is_err(), "{collection}/{record}/{name}");
        }
        for text in ["", "c/r", "c//n", "c/r/../n", "/c/r"] {
            assert!(text.parse::<FileKey>().is_err(), "{text}");
        }
        assert!(Folder::collection("").is_err());
    }
}
