//! For `cargo xtask mutate`: tries a row again without each guard that its cells come by. One that no cell misses has no cell.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::{env, fs};

use server::rbac::{reached_since, remove};

use super::run::Run;

/// What the rows of this test notice, in a file that `cargo xtask mutate` reads.
pub struct Noticed {
    file: Option<PathBuf>,
    places: BTreeSet<String>,
}

impl Noticed {
    /// What making the world has come by is no row's.
    pub fn begin() -> Self {
        reached_since();
        let folder = env::var_os("STARTER_GUARDS").map(PathBuf::from);
        // nextest gives each test a process, with the name behind `--exact`.
        let test = env::args().skip_while(|argument| argument != "--exact").nth(1);
        let file = folder.zip(test).map(|(folder, test)| folder.join(format!("{test}.noticed")));
        let places = file.as_ref().and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        Self { file, places: places.lines().map(str::to_owned).collect() }
    }
}

/// Tries the row, which has just been tried, without each guard; those that were noticed by an earlier row are not tried again.
pub async fn row(run: &mut Run<'_>, noticed: &mut Noticed) {
    let Some(file) = noticed.file.clone() else { return };
    for place in reached_since() {
        if noticed.places.contains(&place) {
            continue;
        }
        remove(Some(&place));
        (run.wrong, run.is_brief) = (Vec::new(), true);
        run.all().await;
        remove(None);
        if !run.wrong.is_empty() {
            noticed.places.insert(place);
            let text: Vec<&str> = noticed.places.iter().map(String::as_str).collect();
            fs::write(&file, text.join("\n")).expect("what was noticed is written");
        }
    }
    run.wrong.clear();
    reached_since();
}
