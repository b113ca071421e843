//! Words that have a meaning of their own where a name would stand.

/// Keywords of Rust, also those that are kept for later, and crates that are always there.
const RUST: &str = "abstract as async await become box break const continue crate do dyn else enum extern false final fn for gen if impl in \
    let loop macro match mod move mut override priv pub ref return self static struct super trait true try type typeof unsafe unsized use \
    virtual where while yield core std alloc proc_macro test";

/// Reserved words of PostgreSQL (its appendix C), and those of the SQL standard that people would trip over.
const SQL: &str = "all analyse analyze and any array as asc asymmetric authorization both case cast check collate collation column \
    concurrently constraint create cross current_catalog current_date current_role current_schema current_time current_timestamp \
    current_user default deferrable desc distinct do else end except false fetch for foreign freeze from full grant group having ilike in \
    initially inner intersect into is isnull join lateral leading left like limit localtime localtimestamp natural not notnull null offset \
    on only or order outer overlaps placing primary references returning right select session_user similar some symmetric system_user table \
    tablesample then to trailing true union unique user using variadic verbose when where window with values insert update delete index view \
    trigger schema database sequence role function procedure domain interval timestamp time date integer boolean text uuid row rows";

/// What generated code calls otherwise: variables, functions, modules, and types that it uses.
const TAKEN: &str = "action actor address after all answer answers api app attribute audit body browser budget canary cell check \
    child children client column columns component conn content copies count create current db delete detail details door doors edit effect \
    effects error errors facts fact field fields filled filter filters form forms get gone head id input inputs item items kept key kind lent \
    limit limits list lists list_key loading lock log made meanwhile model moment needed new next note number ok one on_one option options \
    outlet owner page pages param path pager part permit person place priority problem query queries read reader refusal refused relation \
    resource result role roles route router row rows rule saved scope server session shown signal sort string submit subject suspense theirs \
    thing title token total transition tx typed unit update user uuid value vec version view window word words world written wrong";

fn is_in(list: &str, name: &str) -> bool {
    list.split_whitespace().any(|word| word == name)
}

/// Whether the name means something to Rust.
pub fn is_rust_word(name: &str) -> bool {
    is_in(RUST, name)
}

/// Whether generated code calls something else so.
pub fn is_taken_word(name: &str) -> bool {
    is_in(TAKEN, name)
}

/// Whether the name means something to SQL.
pub fn is_sql_word(name: &str) -> bool {
    is_in(SQL, name)
}

/// Columns that every table of ours has.
pub const COLUMNS: [&str; 5] = ["id", "user_id", "created_at", "updated_at", "version"];
/// First parts of addresses that are no page of a feature.
pub const ADDRESSES: [&str; 9] = ["api", "api-docs", "live", "health", "dev", "pkg", "admin", "assets", "static"];
