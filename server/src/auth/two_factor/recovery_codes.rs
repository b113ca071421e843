//! Recovery codes: for somebody whose app is lost. Stored as hashes, good once.

use model::two_factor::RECOVERY_CODES;
use sqlx::{PgConnection, PgExecutor};
use uuid::Uuid;

use crate::Result;
use crate::auth::sessions::hash;

/// Without `0`, `1`, `I` and `O`, which are easily taken for one another.
const LETTERS: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";
/// Letters of a code: with five bits each, 140 random bits. A plain hash guards what has 112 (OWASP ASVS 5.0, 6.5.2), and what nobody
/// may guess has 128 (11.5.1).
const LENGTH: usize = 28;
/// Letters that stand together where a code is shown.
const GROUP: usize = 7;

/// Replaces the codes of a user; the answer shows the new ones, this once.
pub async fn renew(conn: &mut PgConnection, user_id: Uuid) -> Result<Vec<String>> {
    sqlx::query!("delete from recovery_codes where user_id = $1", user_id).execute(&mut *conn).await?;
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| random()).collect();
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| hash(code)).collect();
    insert(conn, user_id, &hashes).await?;
    Ok(codes.iter().map(|code| shown(code)).collect())
}

async fn insert(conn: &mut PgConnection, user_id: Uuid, hashes: &[Vec<u8>]) -> Result<()> {
    sqlx::query!(
        "insert into recovery_codes (user_id, code_hash) select $1, code_hash from unnest($2::bytea[]) as code_hash",
        user_id,
        hashes,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Uses a code up; the answer is whether it was one that nobody has used. Of several at once one succeeds.
pub async fn use_up(conn: &mut PgConnection, user_id: Uuid, code: &str) -> Result<bool> {
    let done = sqlx::query!(
        "update recovery_codes set used_at = now() where user_id = $1 and code_hash = $2 and used_at is null",
        user_id,
        hash(code),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// How many codes of the user are good.
pub async fn count_left(db: impl PgExecutor<'_>, user_id: Uuid) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from recovery_codes where user_id = $1 and used_at is null"#,
        user_id,
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

fn random() -> String {
    let bytes: [u8; LENGTH] = rand::random();
    bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}

fn shown(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    letters.chunks(GROUP).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_shown_in_groups_and_no_two_are_alike() {
        assert_eq!(shown("ABCDEFGHJKLMNPQRSTUVWXYZ2345"), "ABCDEFG-HJKLMNP-QRSTUVW-XYZ2345");
        let codes: std::collections::HashSet<_> = (0..1000).map(|_| random()).collect();
        assert_eq!(codes.len(), 1000);
    }
}
