//! Named places where a test or a harness can make the store fail, stall or die.

use std::fmt;
use std::io;
use std::sync::Arc;

/// A step of a commit, of an open, or of a blob's way to the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum FailPoint {
    /// A batch of commits is validated; nothing of it is written.
    BeforeWrite,
    /// The batch is written and synced; nobody can read it yet. An error here stands for a sync that failed.
    AfterSync,
    /// The batch can be read; nobody has been told.
    BeforeAcknowledge,
    /// At open: the journals are walked over, the engine has not touched them.
    JournalsChecked,
    /// At open: the engine has replayed its journals; the records are not checked.
    EngineOpened,
    /// A blob is complete in its temporary file and synced.
    BlobSynced,
    /// A blob has its name; its folder is not synced.
    BlobRenamed,
}

impl FailPoint {
    /// Every point, for harnesses that go through them.
    pub const ALL: [Self; 7] = [
        Self::BeforeWrite,
        Self::AfterSync,
        Self::BeforeAcknowledge,
        Self::JournalsChecked,
        Self::EngineOpened,
        Self::BlobSynced,
        Self::BlobRenamed,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::BeforeWrite => "before-write",
            Self::AfterSync => "after-sync",
            Self::BeforeAcknowledge => "before-acknowledge",
            Self::JournalsChecked => "journals-checked",
            Self::EngineOpened => "engine-opened",
            Self::BlobSynced => "blob-synced",
            Self::BlobRenamed => "blob-renamed",
        }
    }
}

impl fmt::Display for FailPoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Called at each point; an error is handled as an error of the disk.
pub type FailHook = Arc<dyn Fn(FailPoint) -> io::Result<()> + Send + Sync>;

/// The hook of production: nothing.
pub(crate) fn no_failures() -> FailHook {
    Arc::new(|_| Ok(()))
}
