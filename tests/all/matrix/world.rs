//! Everybody and everything that the rows are about, saved so that each cell begins with the same.

use std::collections::HashMap;

use model::rbac::Scope;
use model::users::Role;
use reqwest::header::COOKIE;
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::On;
use crate::support::tasks::delay;
use crate::support::{Answer, PASSWORD, TestApp, id_of};

/// In everything that is the stranger's, so that no refusal may hold it.
pub const CANARY: &str = "canary";

type New = fn() -> Value;

/// What everybody makes one of by a single request: its name, the path, and the body, in which the canary is.
const MADE: &[(&str, &str, New)] = &[
    // One a line.
    ("key", "/api/v1/api-keys", || json!({"name": CANARY, "scopes": ["tasks:read"]})),
];

/// Somebody with a session at each door.
pub struct Somebody {
    pub id: Uuid,
    pub token: String,
    pub cookie: String,
    pub things: Things,
}

/// What somebody has, by its name: one of it, or one for each relation.
pub type Things = HashMap<&'static str, Vec<Uuid>>;

pub struct World {
    pub app: TestApp,
    /// Keeps no cookies and follows nothing.
    client: Client,
    pub roles: [Somebody; 3],
    /// A user to whom nobody else is related; of the other roles one each.
    pub others: [Somebody; 3],
    pub disabled: Somebody,
    pub logged_out: Somebody,
    pub before_change: Somebody,
    /// An administrator with sessions that did not confirm the password.
    pub unconfirmed: Somebody,
    /// Keys of the administrator: by scope, one that is good for just that.
    keys: Vec<(Scope, String)>,
    /// By scope, one of another administrator that is good for everything else.
    other_keys: Vec<(Scope, String)>,
    pub all_scopes: String,
    schedule: Uuid,
    /// Somebody with whom everybody's note is shared to read.
    pub sharee: Uuid,
    tables: Vec<Table>,
    saved: String,
}

impl World {
    pub async fn new() -> Self {
        let app = TestApp::start().await;
        let sharee = app.register("Zoe").await.id;
        let mut people = Vec::new();
        for name in ["Ursula", "Monica", "Adele", "Olga-canary", "Mia", "Alma", "Dora", "Lotte", "Ida", "Una"] {
            people.push(somebody(&app, name).await);
        }
        let [ursula, monica, adele, olga, mia, alma, disabled, logged_out, before_change, unconfirmed] =
            people.try_into().unwrap_or_else(|_| panic!("ten people"));
        for (who, role) in [(&monica, Role::Moderator), (&mia, Role::Moderator), (&adele, Role::Admin)] {
            set_role(&app, who.id, role).await;
        }
        for who in [&alma, &unconfirmed] {
            set_role(&app, who.id, Role::Admin).await;
        }
        let (mut keys, mut other_keys) = (Vec::new(), Vec::new());
        for &scope in Scope::ALL {
            keys.push((scope, key(&app, &adele, &[scope]).await));
            let others: Vec<Scope> = Scope::ALL.iter().copied().filter(|other| !other.covers(scope)).collect();
            other_keys.push((scope, key(&app, &alma, &others).await));
        }
        let all_scopes = key(&app, &adele, Scope::ALL).await;
        let new = json!({"name": "nightly", "cron": "0 3 * * *", "time_zone": "UTC", "task_type": "delay_task",
            "payload": {"delay_seconds": 0}});
        let schedule = id_of(&adele.post(&app, "/api/v1/tasks/schedules", new).await["data"]);
        super::notes::share(&app, &olga, &["Ursula", "Monica", "Adele"]).await;
        for statement in [
            "update users set is_active = false where id = $1",
            "update sessions set sudo_until = now() + interval '1 day' where user_id <> $1",
            "update sessions set last_seen_at = now() + interval '1 hour' where user_id is distinct from $1",
            "update api_keys set last_used_at = now() + interval '1 hour', revoked_at = null where user_id <> $1",
        ] {
            sqlx::query(statement).bind(disabled.id).execute(&app.app.db).await.expect("the rows are moved");
        }
        for (who, statement) in [
            (&logged_out, "delete from sessions where user_id = $1"),
            (&before_change, "update users set must_change_password = true where id = $1"),
            (&unconfirmed, "update sessions set sudo_until = null where user_id = $1"),
        ] {
            sqlx::query(statement).bind(who.id).execute(&app.app.db).await.expect("the rows are moved");
        }
        let tables = save(&app).await;
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().expect("a client");
        let mut world = Self {
            app,
            client,
            roles: [ursula, monica, adele],
            others: [olga, mia, alma],
            disabled,
            logged_out,
            before_change,
            unconfirmed,
            keys,
            other_keys,
            all_scopes,
            schedule,
            sharee,
            tables,
            saved: String::new(),
        };
        world.saved = world.state().await;
        world
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.app.address))
    }

    pub fn key(&self, scope: Scope) -> &str {
        of(&self.keys, scope)
    }

    pub fn key_without(&self, scope: Scope) -> &str {
        of(&self.other_keys, scope)
    }

    /// The id of what a row is about, when it is this person's and stands so to whoever asks.
    pub fn id(&self, on: On, owner: &Somebody, relation: usize) -> Uuid {
        match on {
            On::Nothing => Uuid::nil(),
            On::Schedule => self.schedule,
            On::Person => owner.id,
            On::Thing(name) => {
                let ids = &owner.things[name];
                ids[relation.min(ids.len() - 1)]
            }
        }
    }

    /// A hash over all rows of all tables but the audit log.
    async fn state(&self) -> String {
        let each = self.tables.iter().map(|Table { name: table, .. }| {
            format!("select '{table}' as name, md5(coalesce(string_agg(one::text, '|' order by one::text), '')) as hash from \"{table}\" one")
        });
        let all = each.collect::<Vec<_>>().join(" union all ");
        let statement = format!("select string_agg(name || ' ' || hash, ' ' order by name) from ({all}) every");
        sqlx::query_scalar(AssertSqlSafe(statement)).fetch_one(&self.app.app.db).await.expect("the rows are hashed")
    }

    /// Whether anything has changed; then everything is put back.
    pub async fn has_changed(&self) -> bool {
        let changed = self.state().await != self.saved;
        if changed {
            // The triggers and foreign keys are for changes that people make.
            let mut statements = String::from("begin; set local session_replication_role = replica;");
            for Table { name, columns } in &self.tables {
                statements += &format!(
                    "delete from \"{name}\"; insert into \"{name}\" ({columns}) overriding system value select {columns} from saved.\"{name}\";"
                );
            }
            statements += "commit";
            sqlx::raw_sql(AssertSqlSafe(statements)).execute(&self.app.app.db).await.expect("all is put back");
        }
        changed
    }

    pub async fn end(self) {
        sqlx::query("delete from tasks").execute(&self.app.app.db).await.expect("the tasks are deleted");
    }
}

fn of(keys: &[(Scope, String)], scope: Scope) -> &str {
    &keys.iter().find(|(one, _)| *one == scope).expect("a key for each scope").1
}

/// A table, and its columns but those that PostgreSQL generates from others.
#[derive(sqlx::FromRow)]
struct Table {
    name: String,
    columns: String,
}

/// Copies every table but the audit log; the answer tells which.
async fn save(app: &TestApp) -> Vec<Table> {
    let tables = "select c.relname::text as name, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        where n.nspname = 'public' and c.relkind = 'r' and c.relname not in ('_sqlx_migrations', 'audit_log')
        group by c.relname order by c.relname";
    let tables: Vec<Table> = sqlx::query_as(tables).fetch_all(&app.app.db).await.expect("the tables");
    let mut statements = String::from("create schema saved;");
    for Table { name, columns } in &tables {
        statements += &format!("create table saved.\"{name}\" as select {columns} from \"{name}\";");
    }
    sqlx::raw_sql(AssertSqlSafe(statements)).execute(&app.app.db).await.expect("all is copied");
    tables
}

async fn set_role(app: &TestApp, id: Uuid, role: Role) {
    let change = sqlx::query("update users set role = $2 where id = $1").bind(id).bind(role);
    change.execute(&app.app.db).await.expect("the role is set");
}

/// Registers somebody who has one of everything.
async fn somebody(app: &TestApp, name: &str) -> Somebody {
    let person = app.register(name).await;
    let fields = [("new[username]", name), ("new[password]", PASSWORD)];
    let signed_in = app.browser().submit("/login", "/api/auth/log_in", &fields).await;
    let cookie = signed_in.set_cookie("session").split(';').next().expect("a cookie").to_owned();
    let mut somebody = Somebody { id: person.id, token: person.token.clone(), cookie, things: HashMap::new() };

    let task = app.queue(&person, delay(0)).await;
    let dead = app
        .queue(
            &person,
            json!({"task_type": "delay_task", "payload": {"delay_seconds": 9, "deadline": "2020-01-01T00:00:00Z"}}),
        )
        .await;
    app.change(task, "update tasks set run_at = now() + interval '1 day' where id = $1").await;
    app.work().await;
    let another = app.log_in(name).await;
    let request = app.request(Method::GET, "/api/v1/auth/sessions").bearer_auth(another);
    let session = id_of(&Answer::to(request).await.data()[0]);
    somebody.things = [("task", vec![task]), ("dead", vec![dead]), ("session", vec![session])].into();
    for (thing, path, new) in MADE {
        let made = somebody.post(app, path, new()).await;
        somebody.things.insert(thing, vec![id_of(&made["data"])]);
    }
    super::notes::make(app, &person, &mut somebody.things).await;
    super::notifications::make(app, &person, &mut somebody.things).await;
    // What features do about it in the background.
    app.work().await;
    somebody
}

async fn key(app: &TestApp, owner: &Somebody, scopes: &[Scope]) -> String {
    let new = json!({"name": "matrix", "scopes": scopes});
    let created = owner.post(app, "/api/v1/api-keys", new).await;
    // Nobody has more than twenty in force, and there are more scopes: this one comes back when all are made.
    app.change(id_of(&created["data"]), "update api_keys set revoked_at = now() where id = $1").await;
    created["data"]["key"].as_str().unwrap_or_else(|| panic!("{created}")).to_owned()
}

impl Somebody {
    /// By REST.
    pub async fn post(&self, app: &TestApp, path: &str, body: Value) -> Value {
        Answer::to(app.request(Method::POST, path).bearer_auth(&self.token).json(&body)).await.json()
    }
}

/// How somebody shows who they are.
pub enum Credential<'a> {
    None,
    Token(&'a str),
    Cookie(&'a str),
    Key(&'a str),
}

impl Credential<'_> {
    pub fn on(&self, request: RequestBuilder) -> RequestBuilder {
        match self {
            Self::None => request,
            Self::Token(token) => request.bearer_auth(token),
            Self::Cookie(cookie) => request.header(COOKIE, *cookie),
            Self::Key(key) => request.header("x-api-key", *key),
        }
    }
}
