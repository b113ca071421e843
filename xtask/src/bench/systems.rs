//! What is measured: our engine and its peers, how each is asked whether all is done, and the settings each is measured at.

/// Who runs a system's commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// A system of `queue-bench`, our program in Rust.
    Rust(&'static str),
    /// A file for Node.js in `bench/queue/peers`.
    Node(&'static str),
    /// A file for Python in `bench/queue/peers`.
    Python(&'static str),
}

/// A task queue.
pub struct System {
    /// What `--only` takes.
    pub name: &'static str,
    /// Product and version.
    pub title: &'static str,
    pub program: Program,
    /// Whether what has completed can still be read.
    pub keeps_history: bool,
    /// Counts the tasks that have not ended.
    pub left: &'static str,
    /// Counts the tasks that have completed; for systems that keep none, those that went away.
    pub completed: &'static str,
    /// Counts failures.
    pub failed: &'static str,
    pub settings: &'static [Setting],
}

/// One way to run it.
pub struct Setting {
    pub name: &'static str,
    /// As the programs take it: `name=number,…`, or `default`.
    pub given: &'static str,
    /// Whether tasks are fetched and completed one by one, so that fewer are enough to measure it.
    pub is_slow: bool,
}

const DEFAULT: Setting = Setting { name: "default", given: "default", is_slow: true };
const JOBS_LEFT: &str = "select count(*) from graphile_worker._private_jobs";
const JOBS_FAILED: &str = "select count(*) from graphile_worker._private_jobs where last_error is not null";

const fn fast(given: &'static str) -> Setting {
    Setting { name: "fast", given, is_slow: false }
}

/// The first is ours.
pub const SYSTEMS: [System; 7] = [
    System {
        name: "ours",
        title: "starter",
        program: Program::Rust("ours"),
        keeps_history: true,
        // But for what the program does for itself in between.
        left: "select count(*) from tasks where task_type_id is distinct from (select id from task_types where name = 'maintenance')",
        completed: "select count(*) from task_history where status = 'completed' \
            and task_type_id is distinct from (select id from task_types where name = 'maintenance')",
        failed: "select count(*) from dead_tasks",
        settings: &[
            Setting { name: "default", given: "default", is_slow: false },
            fast("concurrency=200"),
            Setting { name: "faster", given: "concurrency=500", is_slow: false },
        ],
    },
    System {
        name: "graphile-worker-npm",
        title: "npm graphile-worker 0.17.3",
        program: Program::Node("graphile-worker.mjs"),
        keeps_history: false,
        left: JOBS_LEFT,
        completed: "",
        failed: JOBS_FAILED,
        // Its own performance test, and its guide to batching.
        settings: &[DEFAULT, fast("concurrency=24,connections=25,local_queue=500,complete_batch_delay_ms=0")],
    },
    System {
        name: "graphile-worker-crate",
        title: "crate graphile_worker 0.14.1",
        program: Program::Rust("graphile"),
        keeps_history: false,
        left: JOBS_LEFT,
        completed: "",
        failed: JOBS_FAILED,
        // Its own benchmark of 200,000 jobs.
        settings: &[
            DEFAULT,
            fast("concurrency=500,connections=100,poll_ms=5,local_queue=5000,complete_batch_delay_ms=5"),
        ],
    },
    System {
        name: "pg-boss",
        title: "npm pg-boss 10.4.2",
        program: Program::Node("pg-boss.mjs"),
        keeps_history: true,
        left: "select count(*) from pgboss.job where name = 'noop' and state <> 'completed'",
        completed: "select count(*) from pgboss.job where name = 'noop' and state = 'completed'",
        failed: "select count(*) from pgboss.job where name = 'noop' and (state = 'failed' or retry_count > 0)",
        settings: &[DEFAULT, fast("workers=4,batch_size=500,poll_ms=500,notify_worker=1")],
    },
    System {
        name: "procrastinate",
        title: "PyPI procrastinate 3.10.0",
        program: Program::Python("procrastinate_peer.py"),
        keeps_history: true,
        left: "select count(*) from procrastinate_jobs where status in ('todo', 'doing')",
        completed: "select count(*) from procrastinate_jobs where status = 'succeeded'",
        failed: "select count(*) from procrastinate_jobs where status not in ('todo', 'doing', 'succeeded')",
        // It fetches one by one at any setting.
        settings: &[DEFAULT, Setting { name: "fast", given: "concurrency=20,connections=20", is_slow: true }],
    },
    System {
        name: "pgqueuer",
        title: "PyPI pgqueuer 1.6.0",
        program: Program::Python("pgqueuer_peer.py"),
        keeps_history: true,
        left: "select count(*) from pgqueuer",
        completed: "select count(*) from pgqueuer_log where status = 'successful'",
        failed: "select count(*) from pgqueuer_log where status not in ('queued', 'picked', 'successful')",
        settings: &[DEFAULT, fast("batch_size=500,connections=10")],
    },
    System {
        name: "apalis",
        title: "crate apalis-postgres 1.0.0",
        program: Program::Rust("apalis"),
        keeps_history: true,
        left: "select count(*) from apalis.jobs where status <> 'Done'",
        completed: "select count(*) from apalis.jobs where status = 'Done'",
        failed: "select count(*) from apalis.jobs where status in ('Failed', 'Killed')",
        settings: &[DEFAULT, fast("batch_size=1000,lock_tasks=0,pubsub_poll_ms=100")],
    },
];
