//! Tries the cells of the rows.

use reqwest::Method;
use reqwest::header::{ACCEPT, CONTENT_TYPE};

use uuid::Uuid;

use super::world::{CANARY, Credential, Somebody, World};
use super::{Gate, On, Row};
use crate::support::Answer;

/// Which kind of door, and by that how people show who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rest,
    Function,
    Page,
}

pub struct Run<'w> {
    world: &'w World,
    kind: Kind,
    row: &'w Row,
    cells: usize,
    pub wrong: Vec<String>,
    /// Whether one wrong cell says enough.
    pub is_brief: bool,
}

/// Tries every cell of the rows and fails with all that are wrong.
pub async fn run(world: &World, kind: Kind, rows: &[Row]) {
    let (mut cells, mut wrong) = (0, Vec::new());
    #[cfg(feature = "mutate")]
    let mut noticed = super::mutate::Noticed::begin();
    for row in rows {
        let mut run = Run { world, kind, row, cells: 0, wrong: Vec::new(), is_brief: false };
        run.all().await;
        cells += run.cells;
        wrong.append(&mut run.wrong);
        #[cfg(feature = "mutate")]
        super::mutate::row(&mut run, &mut noticed).await;
    }
    println!("{kind:?}: {cells} cells of {} doors", rows.len());
    assert!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

impl<'w> Run<'w> {
    pub async fn all(&mut self) {
        let world = self.world;
        let is_open = self.row.gate == Gate::Open;
        // Whoever is at the login already is led on; at a page everybody else is led to the login.
        let first = self.row.cells[0][0];
        let nobody = match self.kind {
            _ if is_open => first,
            Kind::Page => 302,
            _ => 401,
        };
        self.cell("nobody", &Credential::None, self.thing(&world.others[0], 1), nobody).await;
        for (name, who) in [("disabled", &world.disabled), ("logged out", &world.logged_out)] {
            let expected = if self.row.door.ends_with("/health/detailed") { 401 } else { nobody };
            self.cell(name, &self.of(who), self.thing(who, 0), expected).await;
        }
        for (role, (who, name)) in world.roles.iter().zip(["user", "moderator", "admin"]).enumerate() {
            for (relation, expected) in self.row.cells.iter().enumerate() {
                let thing = self.thing(self.owner(relation, who), relation);
                let name = format!("{name}, {}", self.relation(relation));
                self.cell(&name, &self.of(who), thing, expected[role]).await;
            }
        }
        let who = &world.before_change;
        self.cell("with a password to change", &self.of(who), self.thing(who, 0), self.row.before_change).await;
        let who = &world.unconfirmed;
        let open = self.open();
        let expected = if self.row.gate == Gate::Sudo { 403 } else { self.row.cells[open][2] };
        self.cell("not confirmed", &self.of(who), self.thing(self.owner(open, who), open), expected).await;
        self.keys(nobody).await;
    }

    async fn keys(&mut self, nobody: u16) {
        let (world, admin) = (self.world, &self.world.roles[2]);
        let open = self.open();
        let own = self.thing(self.owner(open, admin), open);
        let all = Credential::Key(&world.all_scopes);
        if self.kind != Kind::Rest {
            return self.cell("any key", &all, own, nobody).await;
        }
        match self.row.gate {
            Gate::Open => self.cell("any key", &all, own, self.row.cells[0][0]).await,
            Gate::Session | Gate::Sudo => self.cell("any key", &all, own, 403).await,
            Gate::Key(scope) => {
                for (relation, expected) in self.row.cells.iter().enumerate() {
                    let thing = self.thing(self.owner(relation, admin), relation);
                    self.cell("the right key", &Credential::Key(world.key(scope)), thing, expected[2]).await;
                    self.cell("another key", &Credential::Key(world.key_without(scope)), thing, 403).await;
                }
            }
        }
    }

    /// What the row is about, when it is this person's and stands so to whoever asks.
    fn thing(&self, owner: &Somebody, relation: usize) -> Uuid {
        self.world.id(self.row.on, owner, relation)
    }

    /// The first relation to a person in which an administrator is let through, so that a 403 has no other reason than the credential.
    fn open(&self) -> usize {
        let is_open = |cell: &[u16; 3]| self.row.on != On::Person || cell[2] != 403;
        self.row.cells.iter().position(is_open).unwrap_or_default()
    }

    fn relation(&self, place: usize) -> &'static str {
        match self.row.cells.len() {
            5 => ["own", "shared to write", "shared to read", "public", "a user's"][place],
            _ => ["own", "a user's", "a moderator's", "an admin's"][place],
        }
    }

    /// Whose thing it is, or who it is, in the relation of this place in the row.
    fn owner<'a>(&self, relation: usize, who: &'a Somebody) -> &'a Somebody
    where
        'w: 'a,
    {
        match (relation, self.row.on) {
            (0, _) => who,
            (other, On::Person) => &self.world.others[other - 1],
            _ => &self.world.others[0],
        }
    }

    fn of<'a>(&self, who: &'a Somebody) -> Credential<'a> {
        if self.kind == Kind::Rest { Credential::Token(&who.token) } else { Credential::Cookie(&who.cookie) }
    }

    async fn cell(&mut self, name: &str, credential: &Credential<'_>, thing: Uuid, expected: u16) {
        if self.is_brief && !self.wrong.is_empty() {
            return;
        }
        self.cells += 1;
        let (id, sharee) = (thing.to_string(), self.world.sharee.to_string());
        let (method, path) = self.row.door.split_once(' ').expect("method and path");
        let (query, body) = if self.row.body.starts_with('?') { (self.row.body, "") } else { ("", self.row.body) };
        let path = format!("{path}{query}").replace("{id}", &id).replace("{name}", "delay_task");
        let path = path.replace("{user_id}", &sharee);
        let method: Method = method.parse().expect("a method");
        let request = credential.on(self.world.request(method.clone(), &path));
        let accepted = if self.kind == Kind::Page { "text/html" } else { "application/json" };
        let mut request = request.header(ACCEPT, accepted).header("sec-fetch-site", "same-origin");
        if !body.is_empty() {
            let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
            request = request.header(CONTENT_TYPE, kind).body(body.replace("{id}", &id).replace("{user_id}", &sharee));
        } else if method == Method::POST && self.kind == Kind::Function {
            request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let response = request.send().await.expect("the server answers");
        let streams = response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
        let answer = if streams {
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Answer { status, headers, text: String::new() }
        } else {
            Answer::of(response).await
        };
        let changed = self.world.has_changed().await;
        self.judge(name, &answer, expected, changed);
    }

    fn judge(&mut self, name: &str, answer: &Answer, expected: u16, changed: bool) {
        let is_refused = answer.status >= 400 || (self.kind == Kind::Page && answer.status >= 300);
        let mut say = |what: &str| {
            let text: String = answer.text.chars().take(160).collect();
            self.wrong.push(format!("{}, {name}: {what}; {text}", self.row.door));
        };
        // Whether the database answered the probe in time says nothing about who may ask.
        let is_busy = self.row.door.contains("/health") && answer.status == 503 && expected == 200;
        if answer.status != expected && !is_busy {
            say(&format!("{} instead of {expected}", answer.status));
        }
        if is_refused && changed {
            say("a refusal that changed something");
        }
        if changed && self.kind == Kind::Page {
            say("a page that changed something");
        }
        if is_refused && answer.text.contains(CANARY) {
            say("a refusal that holds what is the stranger's");
        }
        let stranger = &self.world.others[0];
        let holds = |id: &uuid::Uuid| answer.text.contains(&id.to_string());
        // What a refused page was asked for stands in its address.
        let is_given = name.contains("shared") || name.ends_with("public");
        if name.starts_with("user,")
            && !is_given
            && !is_refused
            && (holds(&stranger.id) || stranger.things.values().flatten().any(holds))
        {
            say("a user is shown what is the stranger's");
        }
        if self.kind == Kind::Rest && is_refused && answer.json()["error"]["request_id"].is_null() {
            say("a refusal without the envelope");
        }
    }
}
