//! `file_cleanup`: deletes old files below one folder, and never anything beside it.
//!
//! Paths are not compared as text: the root is opened once, and everything else is opened below it (cap-std, by `openat2` with
//! `RESOLVE_BENEATH` on Linux), so that neither `..` nor a symbolic link leads out, also when somebody changes the tree meanwhile. A file is
//! deleted by its name in the folder that is open, which does not follow a link either.

use std::path::Path;
use std::time::{Duration, SystemTime};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, Metadata};
use glob::Pattern;
use model::Problem;
use model::tasks::{FileCleanup, Swept, TaskKind};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{Context, Stop, Work};
use crate::{Actor, App};

/// How deep folders are looked into; each level is an open folder.
const DEEPEST: usize = 64;
/// Paths that the result names.
const NAMED: usize = 20;

impl Work for FileCleanup {
    const NAME: &'static str = TaskKind::FileCleanup.name();
    const DESCRIPTION: &'static str = TaskKind::FileCleanup.description();

    async fn admit(&self, app: &App, _: &Actor) -> crate::Result<()> {
        if app.config.files.cleanup_root.is_none() {
            return Err(Problem::field("task_type", NO_ROOT).into());
        }
        let pattern = self.pattern.as_deref().map(Pattern::new).transpose();
        Ok(pattern
            .map(drop)
            .map_err(|error| Problem::field("payload.pattern", format!("is no pattern: {}", error.msg)))?)
    }

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        let root = context.app.config.files.cleanup_root.clone().ok_or_else(|| Stop::Fatal(NO_ROOT.into()))?;
        let cancel = context.cancel.clone();
        let swept = tokio::task::spawn_blocking(move || sweep(&root, &self, SystemTime::now(), &cancel));
        let swept = swept.await.map_err(|error| context.again("The cleanup was cut off", error))??;
        Ok(json!(swept))
    }
}

const NO_ROOT: &str = "cannot run: the setting files.cleanup_root names no folder";

/// Deletes, or counts, what the payload asks for.
///
/// # Errors
/// [`Stop::Fatal`] when the path leads out of the root or to nothing; [`Stop::Cancelled`] when it is told to stop.
pub fn sweep(root: &Path, what: &FileCleanup, now: SystemTime, cancel: &CancellationToken) -> Result<Swept, Stop> {
    let pattern = what.pattern.as_deref().map(Pattern::new).transpose();
    let mut sweep = Sweep {
        pattern: pattern.map_err(|error| Stop::Fatal(format!("The pattern is none: {}", error.msg)))?,
        before: now
            .checked_sub(Duration::from_secs(u64::from(what.max_age_hours) * 3600))
            .unwrap_or(SystemTime::UNIX_EPOCH),
        cancel,
        done: Swept { dry_run: what.dry_run, ..Swept::default() },
    };
    let root = Dir::open_ambient_dir(root, ambient_authority()).map_err(|error| {
        tracing::warn!(error = %error, "files.cleanup_root cannot be opened");
        Stop::Retry("The folder of the settings cannot be opened".into())
    })?;
    let outside = |_| Stop::Fatal("There is no such folder or file below the root".into());
    let found = root.symlink_metadata(&what.file_path).map_err(outside)?;
    if found.is_dir() {
        sweep.folder(&root.open_dir(&what.file_path).map_err(outside)?, &what.file_path, 0)?;
    } else {
        let path = Path::new(&what.file_path);
        let name =
            path.file_name().and_then(|name| name.to_str()).ok_or_else(|| Stop::Fatal("The path is none".into()))?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sweep.file(&root.open_dir(parent).map_err(outside)?, name, &what.file_path);
    }
    Ok(sweep.done)
}

struct Sweep<'a> {
    pattern: Option<Pattern>,
    /// Only what was last changed before.
    before: SystemTime,
    cancel: &'a CancellationToken,
    done: Swept,
}

impl Sweep<'_> {
    fn folder(&mut self, folder: &Dir, path: &str, depth: usize) -> Result<(), Stop> {
        let Ok(entries) = folder.entries() else {
            self.done.failed += 1;
            return Ok(());
        };
        for entry in entries {
            if self.cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            let Some(entry) = entry.ok() else { continue };
            let name = entry.file_name();
            // A name that is no text matches no pattern.
            let Some(name) = name.to_str() else {
                self.done.kept += 1;
                continue;
            };
            let path = if path == "." { name.to_owned() } else { format!("{path}/{name}") };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth < DEEPEST => match folder.open_dir(name) {
                    Ok(below) => self.folder(&below, &path, depth + 1)?,
                    Err(_) => self.done.failed += 1,
                },
                Ok(_) => self.file(folder, name, &path),
                Err(_) => self.done.failed += 1,
            }
        }
        Ok(())
    }

    /// `name` is one of `folder`; the path is for the report.
    fn file(&mut self, folder: &Dir, name: &str, path: &str) {
        let Ok(found) = folder.symlink_metadata(name) else {
            self.done.failed += 1;
            return;
        };
        if !self.is_meant(name, &found) {
            self.done.kept += 1;
            return;
        }
        if !self.done.dry_run && folder.remove_file(name).is_err() {
            self.done.failed += 1;
            return;
        }
        self.done.files += 1;
        self.done.bytes += found.len();
        if self.done.named.len() < NAMED {
            self.done.named.push(path.to_owned());
        }
    }

    /// Plain files only: a symbolic link stays, and so does what it leads to.
    fn is_meant(&self, name: &str, found: &Metadata) -> bool {
        let is_old = found.modified().is_ok_and(|at| at.into_std() <= self.before);
        found.is_file() && is_old && self.pattern.as_ref().is_none_or(|pattern| pattern.matches(name))
    }
}
