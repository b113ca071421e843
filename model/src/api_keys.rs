//! Keys by which programs act for somebody, within scopes.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::rbac::Scope;
use crate::users::Role;
use crate::{FieldProblem, Problem};

/// Most characters of a key's name.
pub const NAME_MAX: usize = 100;
/// Days that a key lasts when nothing is said.
pub const DEFAULT_DAYS: u32 = 90;
/// Days that a key lasts at the longest.
pub const MAX_DAYS: u32 = 365;
/// Keys of one user that are in force at once.
pub const MAX_LIVE: i64 = 20;

/// A key, as its owner asks for it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NewApiKey {
    /// For its owner to know it by; 1 to 100 characters.
    #[cfg_attr(feature = "openapi", schema(required, pattern = r"\S", max_length = 100))]
    pub name: String,
    /// What it is good for; each must be one that the owner's role allows.
    #[cfg_attr(feature = "openapi", schema(required, min_items = 1))]
    pub scopes: Vec<Scope>,
    /// 1 to 365 days, 90 when absent.
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 365))]
    pub expires_in_days: Option<u32>,
}

impl NewApiKey {
    /// Checks every field and reports all of them at once, in the order of the form.
    pub fn check(&self, role: Role) -> Result<(), Problem> {
        let name_length = self.name.trim().chars().count();
        let days = self.expires_in_days.unwrap_or(DEFAULT_DAYS);
        let refused = [
            ((1..=NAME_MAX).contains(&name_length), "name", format!("must have 1 to {NAME_MAX} characters")),
            (!self.scopes.is_empty(), "scopes", "choose at least one".to_owned()),
            (
                self.scopes.iter().all(|scope| scope.is_open_to(role)),
                "scopes",
                "your role does not allow all of these".to_owned(),
            ),
            ((1..=MAX_DAYS).contains(&days), "expires_in_days", format!("must be 1 to {MAX_DAYS}")),
        ];
        let fields: Vec<_> = refused
            .into_iter()
            .filter(|(is_good, ..)| !is_good)
            .map(|(_, field, message)| FieldProblem::new(field, message))
            .collect();
        if fields.is_empty() { Ok(()) } else { Err(Problem::Invalid { fields }) }
    }
}

/// A key, as its owner sees it afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ApiKey {
    pub id: Uuid,
    pub name: String,
    /// The first characters of the key, to tell one from another.
    pub prefix: String,
    pub scopes: Vec<Scope>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// Written once a minute at most.
    pub last_used_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// Whether it is neither revoked nor expired.
    pub is_live: bool,
}

/// A key that was just made. It is shown this once; the database holds only its hash.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedApiKey {
    /// Goes into `X-API-Key` or `Authorization: Bearer`.
    pub key: String,
    #[serde(flatten)]
    pub api_key: ApiKey,
}

impl fmt::Debug for CreatedApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreatedApiKey").field("api_key", &self.api_key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_a_name_scopes_of_the_role_and_an_end() {
        let good = NewApiKey { name: "ci".into(), scopes: vec![Scope::TasksRead], expires_in_days: None };
        assert_eq!(good.check(Role::User), Ok(()));
        let refused = |new: NewApiKey| -> Vec<String> {
            let problem = new.check(Role::User).unwrap_err();
            problem.fields().into_iter().map(|field| field.field).collect()
        };
        assert_eq!(refused(NewApiKey { name: " ".into(), ..good.clone() }), ["name"]);
        assert_eq!(refused(NewApiKey { scopes: Vec::new(), ..good.clone() }), ["scopes"]);
        assert_eq!(refused(NewApiKey { scopes: vec![Scope::QueueOperate], ..good.clone() }), ["scopes"]);
        assert_eq!(refused(NewApiKey { expires_in_days: Some(366), ..good.clone() }), ["expires_in_days"]);
        assert_eq!(
            refused(NewApiKey { expires_in_days: Some(0), ..NewApiKey::default() }),
            ["name", "scopes", "expires_in_days"]
        );
    }
}
