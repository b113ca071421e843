//! Old files, on a real file tree.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use model::tasks::{DeadReason, FileCleanup, Swept, TaskStatus};
use model::users::Role;
use serde_json::{Value, json};
use server::tasks::kinds::cleanup::sweep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::support::{Person, TestApp};

/// A root with things beside it that nobody may touch; all files in it are a day old.
struct Tree {
    base: PathBuf,
}

impl Tree {
    fn new() -> Self {
        let base = std::env::temp_dir().join(format!("starter-cleanup-{}", Uuid::now_v7()));
        let tree = Self { base };
        for (path, bytes) in [
            ("root/a.log", 10),
            ("root/b.txt", 20),
            ("root/deep/c.log", 30),
            ("root/deep/er/d.log", 40),
            ("outside/secret.log", 50),
            ("outside/deep/e.log", 60),
            ("root-beside/f.log", 70),
        ] {
            tree.write(path, bytes);
        }
        symlink("../outside", tree.base.join("root/way-out")).unwrap();
        symlink("../../outside/secret.log", tree.base.join("root/deep/link.log")).unwrap();
        symlink(tree.base.join("outside"), tree.base.join("root/absolute")).unwrap();
        symlink("deep", tree.base.join("root/way-in")).unwrap();
        tree
    }

    fn root(&self) -> PathBuf {
        self.base.join("root")
    }

    fn write(&self, path: &str, bytes: usize) {
        let path = self.base.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x".repeat(bytes)).unwrap();
        let yesterday = SystemTime::now() - Duration::from_secs(25 * 3600);
        File::options().write(true).open(&path).unwrap().set_modified(yesterday).unwrap();
    }

    fn has(&self, path: &str) -> bool {
        self.base.join(path).exists()
    }

    /// What lies beside the root is as it was.
    fn assert_untouched(&self, why: &str) {
        for path in ["outside/secret.log", "outside/deep/e.log", "root-beside/f.log"] {
            assert!(self.has(path), "{path} is gone: {why}");
        }
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.base));
    }
}

fn what(path: &str) -> FileCleanup {
    FileCleanup { file_path: path.into(), max_age_hours: 24, pattern: None, dry_run: false }
}

fn swept(root: &Path, what: &FileCleanup) -> Option<Swept> {
    sweep(root, what, SystemTime::now(), &CancellationToken::new()).ok()
}

async fn start(tree: &Tree) -> (TestApp, Person) {
    let root = tree.root();
    let app = TestApp::with(move |config| config.files.cleanup_root = Some(root)).await;
    let grace = app.register_as("Grace", Role::Admin).await;
    (app, grace)
}

fn task(payload: Value) -> Value {
    json!({"task_type": "file_cleanup", "payload": payload})
}

#[tokio::test]
async fn old_files_of_the_pattern_go_and_all_else_stays() {
    let tree = Tree::new();
    let (app, grace) = start(&tree).await;
    fs::write(tree.root().join("young.log"), "x").unwrap();
    let payload = json!({"file_path": ".", "max_age_hours": 24, "pattern": "*.log", "dry_run": true});
    let counted = app.queue(&grace, task(payload.clone())).await;
    assert_eq!(app.work().await, 1);
    let counted = app.stored(counted).await.result.unwrap();
    assert_eq!((&counted["files"], &counted["bytes"], &counted["dry_run"]), (&json!(3), &json!(80), &json!(true)));
    assert!(tree.has("root/a.log"), "it was only counted");

    let mut payload = payload;
    payload["dry_run"] = json!(false);
    let id = app.queue(&grace, task(payload)).await;
    assert_eq!(app.work().await, 1);
    let done = app.stored(id).await.result.unwrap();
    assert_eq!((&done["files"], &done["bytes"], &done["failed"]), (&json!(3), &json!(80), &json!(0)));
    for (path, stays) in
        [("a.log", false), ("deep/c.log", false), ("deep/er/d.log", false), ("b.txt", true), ("young.log", true)]
    {
        assert_eq!(tree.has(&format!("root/{path}")), stays, "{path}");
    }
    tree.assert_untouched("symbolic links lead there");
}

#[tokio::test]
async fn one_file_can_be_named_and_what_is_not_there_is_told() {
    let tree = Tree::new();
    let (app, grace) = start(&tree).await;
    let id = app.queue(&grace, task(json!({"file_path": "deep/c.log", "max_age_hours": 1}))).await;
    let gone = app.queue(&grace, task(json!({"directory": "nowhere"}))).await;
    assert_eq!(app.work().await, 2);
    assert_eq!(app.stored(id).await.result.unwrap()["named"], json!(["deep/c.log"]));
    assert!(!tree.has("root/deep/c.log") && tree.has("root/deep/er/d.log"));
    assert_eq!(app.stored(gone).await.dead_reason, Some(DeadReason::Fatal));
}

#[tokio::test]
async fn it_is_for_administrators_and_only_where_the_settings_name_a_folder() {
    let tree = Tree::new();
    let (app, grace) = start(&tree).await;
    for (name, role) in [("Ada", Role::User), ("Mary", Role::Moderator)] {
        let person = app.register_as(name, role).await;
        let answer = app.post(&person, "/api/v1/tasks", task(json!({"file_path": "."}))).await;
        assert_eq!(answer.refusal(), (403, "FORBIDDEN".into()), "{name}");
    }
    let odd = app.post(&grace, "/api/v1/tasks", task(json!({"file_path": ".", "pattern": "[a"}))).await;
    assert!(odd.status == 400 && odd.text.contains("payload.pattern"), "{}", odd.text);

    let bare = TestApp::start().await;
    let grace = bare.register_as("Grace", Role::Admin).await;
    let answer = bare.post(&grace, "/api/v1/tasks", task(json!({"file_path": "."}))).await;
    assert!(answer.status == 400 && answer.text.contains("files.cleanup_root names no folder"), "{}", answer.text);
}

const UP: &str = ".. ../ ./.. deep/.. deep/../.. way-in/.. way-in/../.. %2e%2e ..%2f ..\\ ....// ..;/";
const TARGETS: &str =
    "outside outside/secret.log outside/deep root-beside root-beside/f.log root/../outside ./outside/.";
const LINKS: &str = "way-out absolute deep/link.log way-out/deep absolute/deep way-out/secret.log absolute/secret.log way-in/../../outside";
const ODD: &str =
    "/ // /proc/self/cwd \0 ..\0 \u{2025}/outside \u{ff0e}\u{ff0e}/outside ~ ~/ $HOME file:///etc C:\\ \\\\x\\y";

/// Paths that try to lead out of the root.
fn escapes(base: &Path) -> Vec<String> {
    let words = |text: &'static str| text.split(' ').map(str::to_owned);
    let mut all: Vec<String> = words(UP).flat_map(|up| words(TARGETS).map(move |to| format!("{up}/{to}"))).collect();
    for ups in 1..=10 {
        let up = "../".repeat(ups);
        all.extend(words(TARGETS).map(|to| format!("{up}{to}")));
        all.extend([format!("deep/{up}outside"), format!("{up}etc/passwd"), up.trim_end_matches('/').to_owned()]);
    }
    for link in words(LINKS) {
        all.extend([
            format!("{link}/"),
            format!("./{link}/."),
            format!("deep/../{link}"),
            format!("{link}/../outside"),
        ]);
        all.push(link);
    }
    let absolute = base.join("outside").display().to_string();
    all.extend([absolute.clone(), format!("/{absolute}"), format!("{absolute}/secret.log"), String::new()]);
    all.extend(words(ODD));
    all
}

#[test]
fn no_path_leads_out_of_the_root() {
    let tree = Tree::new();
    let paths = escapes(&tree.base);
    assert!(paths.len() >= 200, "{}", paths.len());
    for path in &paths {
        for max_age_hours in [0, 24] {
            swept(&tree.root(), &FileCleanup { max_age_hours, ..what(path) });
            tree.assert_untouched(path);
        }
    }
    // The tree is one that can be deleted from: what is inside goes.
    assert_eq!(swept(&tree.root(), &FileCleanup { max_age_hours: 0, ..what(".") }).unwrap().failed, 0);
    assert!(!tree.has("root/b.txt"));
    tree.assert_untouched("a sweep of the whole root");
}

#[tokio::test]
async fn no_path_through_the_door_leads_out_either() {
    let tree = Tree::new();
    let (app, grace) = start(&tree).await;
    let mut queued = Vec::new();
    for path in escapes(&tree.base) {
        let answer = app.post(&grace, "/api/v1/tasks", task(json!({"file_path": path, "max_age_hours": 0}))).await;
        match answer.status {
            200 => queued.push((path, crate::support::id_of(&answer.data()))),
            status => assert_eq!(status, 400, "{path:?}: {}", answer.text),
        }
    }
    app.work().await;
    tree.assert_untouched("through the door");
    for (path, id) in queued {
        let task = app.stored(id).await;
        let did_nothing = task.result.as_ref().is_some_and(|result| result["files"] == 0);
        assert!(task.status == TaskStatus::Failed || did_nothing, "{path:?}: {task:?}");
    }
}

#[test]
fn a_folder_that_turns_into_a_link_meanwhile_leads_nowhere() {
    let tree = Tree::new();
    let stop = AtomicBool::new(false);
    let turning = tree.root().join("turning");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // A folder and a link to the outside take turns under one name, by renames, as fast as they can.
            let (folder, link) = (tree.root().join("as-folder"), tree.root().join("as-link"));
            fs::create_dir(&folder).unwrap();
            symlink("../outside", &link).unwrap();
            while !stop.load(Ordering::Relaxed) {
                drop(fs::rename(&folder, &turning));
                drop(fs::rename(&turning, &folder));
                drop(fs::rename(&link, &turning));
                drop(fs::rename(&turning, &link));
            }
        });
        for round in 0..3000 {
            let path = ["turning", "turning/deep", "turning/secret.log", "."][round % 4];
            swept(&tree.root(), &FileCleanup { max_age_hours: 0, ..what(path) });
            tree.assert_untouched(path);
        }
        stop.store(true, Ordering::Relaxed);
    });
}
