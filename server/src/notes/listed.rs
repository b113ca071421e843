//! The lists of notes: which notes are in one, how many, and in which order.

use model::notes::{Note, NoteFilter, Permission};
use model::page::COUNTED_AT_MOST;
use sqlx::PgPool;
use uuid::Uuid;

use super::rows::Row;
use crate::Result;

/// A statement on the notes of a list, which are called `n`, their owners `u`, and their shares with the reader `s`: what it begins with, and
/// how it ends. Which notes those are stands here, once, so that what is counted is what is listed.
///
/// Its first arguments: $1 reader, $2 which list, $3 whether hidden ones are seen, $4 words.
macro_rules! of_list {
    ($query:ident!($begin:tt, $end:tt $(, $row:ident)?), $reader:expr, $sees_hidden:expr, $filter:expr, $($more:expr),* $(,)?) => {
        sqlx::$query!(
            $($row,)?
            $begin
                + r#"
            from notes n
            join users u on u.id = n.user_id and u.deleted_at is null
            left join note_shares s on s.note_id = n.id and s.user_id = $1
            where case $2::text
                when 'own' then n.user_id = $1
                when 'shared' then s.user_id is not null
                else n.is_public and n.user_id <> $1 and (n.hidden_at is null or $3)
              end
              and ($4::text is null or n.search @@ websearch_to_tsquery('english', $4))
            "# + $end,
            $reader,
            $filter.list().name(),
            $sees_hidden,
            $filter.words(),
            $($more),*
        )
    };
}

/// Where a list begins, and how long it is.
pub struct Window {
    pub after: Option<Uuid>,
    pub offset: i64,
    pub limit: i64,
}

/// The notes of a list. What follows a place begins with the note that is there: when it comes not first, it has left the list.
pub async fn list(
    db: &PgPool,
    reader: Uuid,
    sees_hidden: bool,
    filter: &NoteFilter,
    window: &Window,
) -> Result<Vec<Note>> {
    // $5 order, $6 place, $7 limit, $8 offset
    let rows = of_list!(
        query_as!(
            r#"
            with listed as (
                select n.id, n.user_id, u.username, n.title, n.content, n.is_public, n.hidden_reason, n.version, n.created_at,
                    n.updated_at, s.permission, lower(n.title) as name,
                    ts_rank(n.search, websearch_to_tsquery('english', $4)) as rank
            "#,
            r#"
            ),
            -- Of the list itself: the place of a note that the reader does not see would tell where its title stands among others.
            place as (
                select id, updated_at, name, rank from listed where id = $6::uuid
            ),
            part as (
                select l.*, row_number() over (
                    order by
                        case when $5::text = 'updated' then l.updated_at end desc,
                        case when $5 = 'title' then l.name end,
                        case when $5 = 'best' then l.rank end desc,
                        l.id desc
                ) as number
                from listed l
                left join place p on true
                where $6 is null or case $5
                    when 'updated' then (l.updated_at, l.id) <= (p.updated_at, p.id)
                    when 'title' then l.name > p.name or l.name = p.name and l.id <= p.id
                    when 'best' then (l.rank, l.id) <= (p.rank, p.id)
                    else l.id <= p.id
                end
                order by number
                limit $7 offset $8
            )
            select id, user_id, username, title, content, is_public, hidden_reason, version, created_at, updated_at,
                permission as "permission?: Permission",
                ts_headline('english', title, websearch_to_tsquery('english', $4),
                    E'HighlightAll=true, StartSel=\ue000, StopSel=\ue001') as found_title,
                ts_headline('english', content, websearch_to_tsquery('english', $4),
                    E'MaxFragments=2, MaxWords=20, MinWords=8, FragmentDelimiter=" … ", StartSel=\ue000, StopSel=\ue001')
                    as found_content
            from part
            order by number
            "#,
            Row
        ),
        reader,
        sees_hidden,
        filter,
        filter.sort().name(),
        window.after,
        window.limit,
        window.offset,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.seen_by(reader)).collect())
}

/// How many notes a list has, up to [`COUNTED_AT_MOST`].
pub async fn count(db: &PgPool, reader: Uuid, sees_hidden: bool, filter: &NoteFilter) -> Result<i64> {
    let count = of_list!(
        query_scalar!(r#"select count(*) as "count!" from (select 1"#, r#"limit $5) matching"#),
        reader,
        sees_hidden,
        filter,
        COUNTED_AT_MOST,
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}
