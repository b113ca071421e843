//! Where accounts stand, and how they are put back.

use model::users::Role;
use sqlx::AssertSqlSafe;

use super::{Person, TestApp};

impl TestApp {
    /// Somebody in each role and each state.
    pub async fn somebody_of_each_kind(&self) -> Vec<Person> {
        let mut people = Vec::new();
        for role in Role::ALL {
            for (state, change) in [
                ("active", "update users set is_active = true where id = $1"),
                ("inactive", "update users set is_active = false where id = $1"),
                ("deleted", "update users set is_active = false, deleted_at = now() where id = $1"),
            ] {
                let person = self.register_as(&format!("{}-{state}", role.name()), role).await;
                self.change(person.id, change).await;
                people.push(person);
            }
        }
        people
    }

    /// Where every account stands, and how many sessions it has.
    pub async fn accounts(&self) -> Vec<String> {
        let all = "select concat_ws(' ', username, role, is_active, deleted_at is not null, must_change_password,
                (select count(*) from sessions where user_id = users.id))
            from users order by id";
        sqlx::query_scalar(all).fetch_all(&self.app.db).await.expect("the accounts")
    }

    pub async fn save_accounts(&self) {
        for table in ["users", "sessions"] {
            let copy = format!("create table saved_{table} as select * from {table}");
            sqlx::query(AssertSqlSafe(copy)).execute(&self.app.db).await.expect("all is saved");
        }
    }

    /// All that were saved are as they were, and nobody else is there.
    pub async fn put_accounts_back(&self) {
        for back in [
            "update users set is_active = saved.is_active, deleted_at = saved.deleted_at, role = saved.role,
                must_change_password = saved.must_change_password from saved_users saved where saved.id = users.id",
            "insert into sessions select * from saved_sessions on conflict do nothing",
            "delete from users where id not in (select id from saved_users)",
        ] {
            sqlx::query(back).execute(&self.app.db).await.expect("all is put back");
        }
    }
}
