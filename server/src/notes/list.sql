-- $1 reader, $2 which list, $3 whether hidden ones are seen, $4 words, $5 order, $6 place, $7 limit, $8 offset
with listed as (
    select n.id, n.user_id, u.username, n.title, n.content, n.is_public, n.hidden_reason, n.version, n.created_at,
        n.updated_at, s.permission, lower(n.title) as name,
        ts_rank(n.search, websearch_to_tsquery('english', $4)) as rank
    from notes n
    join users u on u.id = n.user_id and u.deleted_at is null
    left join note_shares s on s.note_id = n.id and s.user_id = $1
    where case $2::text
        when 'own' then n.user_id = $1
        when 'shared' then s.user_id is not null
        else n.is_public and n.user_id <> $1 and (n.hidden_at is null or $3)
      end
      and ($4::text is null or n.search @@ websearch_to_tsquery('english', $4))
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
    permission as "permission?: model::notes::Permission",
    ts_headline('english', title, websearch_to_tsquery('english', $4), E'HighlightAll=true, StartSel=\ue000, StopSel=\ue001')
        as found_title,
    ts_headline('english', content, websearch_to_tsquery('english', $4),
        E'MaxFragments=2, MaxWords=20, MinWords=8, FragmentDelimiter=" … ", StartSel=\ue000, StopSel=\ue001') as found_content
from part
order by number
