use std::collections::BTreeSet;

use super::*;

fn known(id: i32) -> Known {
    Known { id, name: format!("type {id}"), is_governed: id == 9, max_per_worker: (id == 2).then_some(3) }
}

fn lanes_of(ids: &[i32]) -> Lanes {
    Lanes::new(ids.iter().map(|id| known(*id)).collect(), SWEEP_EVERY)
}

fn claimed(task_type_id: i32, seq: i64) -> Arc<Claimed> {
    Arc::new(Claimed { task_type_id, seq, priority: 1, ..Claimed::default() })
}

fn places(places: usize) -> Room {
    Room { places, ..Room::default() }
}

fn watched(broken: &[i32], held_back: &[i32]) -> Watched {
    Watched { broken: broken.into(), held_back: held_back.into(), ..Watched::default() }
}

fn order(round: &Round) -> Vec<(i32, i16)> {
    round.plain.iter().map(|lane| (lane.task_type_id, lane.priority)).collect()
}

#[test]
fn urgent_lanes_come_first_and_types_take_turns() {
    let mut lanes = lanes_of(&[1, 3]);
    let (first, second) = (
        order(&lanes.round(&places(5), |_| 0, &Watched::default())),
        order(&lanes.round(&places(5), |_| 0, &Watched::default())),
    );
    assert_eq!(first[..3], [(3, 3), (1, 3), (3, 2)]);
    assert_eq!(second[..3], [(1, 3), (3, 3), (1, 2)]);
}

#[test]
fn a_type_has_its_own_limit_in_this_worker() {
    let mut lanes = lanes_of(&[2]);
    let round = lanes.round(&places(5), |_| 1, &Watched::default());
    assert!(round.plain.iter().all(|lane| lane.quota == 2));
    assert!(lanes.round(&places(5), |_| 3, &Watched::default()).plain.is_empty());
}

#[test]
fn counted_types_and_types_with_a_broken_breaker_are_claimed_apart() {
    let mut lanes = lanes_of(&[1, 3, 9]);
    let round = lanes.round(&places(5), |_| 0, &watched(&[3], &[]));
    assert!(round.plain.iter().all(|lane| lane.task_type_id == 1));
    let mut apart: Vec<_> = round.governed.iter().map(|lanes| lanes[0].task_type_id).collect();
    apart.sort_unstable();
    assert_eq!(apart, [3, 9]);
}

#[test]
fn a_claim_goes_on_behind_the_last_one_and_an_empty_lane_is_swept_before_waiting() {
    let mut lanes = lanes_of(&[1]);
    let first = lanes.round(&places(1), |_| 0, &Watched::default());
    assert_eq!(first.plain[0].after_seq, 0, "the start is a sweep");
    assert!(lanes.brought(&first, &[claimed(1, 7)]).is_some(), "full, so there may be more");
    let second = lanes.round(&places(1), |_| 0, &Watched::default());
    let after: Vec<_> = second.plain.iter().map(|lane| lane.after_seq).collect();
    assert_eq!(after, [0, 0, 7, 0], "the cursor of its lane");
    assert_eq!(lanes.brought(&second, &[]), Some(lanes.sweep_from), "nothing behind the cursor: a sweep comes first");
    lanes.sweep_from = second.began;
    let third = lanes.round(&places(1), |_| 0, &Watched::default());
    assert_eq!(third.plain[2].after_seq, 0);
    assert_eq!(lanes.brought(&third, &[]), None, "nothing at all: wait");
}

#[test]
fn only_types_that_are_called_for_are_asked_and_all_of_them_from_time_to_time() {
    let mut lanes = lanes_of(&[1, 3, 9]);
    let asked = |round: &Round| -> BTreeSet<_> {
        round.plain.iter().chain(round.governed.iter().flatten()).map(|lane| lane.task_type_id).collect()
    };
    let start = lanes.round(&places(5), |_| 0, &Watched::default());
    assert_eq!(asked(&start), [1, 3, 9].into());
    assert_eq!(lanes.brought(&start, &[]), None);
    lanes.called(&Call::types(["type 3", "type 9", "type 77"]));
    let called = lanes.round(&places(5), |_| 0, &Watched::default());
    assert_eq!(asked(&called), [3, 9].into());
    assert_eq!(lanes.brought(&called, &[claimed(3, 1)]), Some(lanes.sweep_from));
    lanes.sweep_from = called.began;
    let again = lanes.round(&places(5), |_| 0, &Watched::default());
    assert_eq!(asked(&again), [3].into(), "what looked empty, once more from its start");
    assert_eq!(lanes.brought(&again, &[]), None);
    assert!(asked(&lanes.round(&places(5), |_| 0, &Watched::default())).is_empty());

    lanes.sweep_from = again.began + SWEEP_EVERY;
    lanes.poll();
    let polled = lanes.round(&places(5), |_| 0, &Watched::default());
    assert_eq!(asked(&polled), [1, 3, 9].into());
    assert!(polled.swept.is_empty(), "sweeps have had their part of the time");
    assert!(lanes.brought(&polled, &[]).is_some_and(|at| at == lanes.sweep_from));
    lanes.sweep();
    assert_eq!(lanes.round(&places(5), |_| 0, &Watched::default()).swept, [1, 3, 9].into());
}

#[test]
fn beside_quick_tasks_the_others_take_turns_in_being_first() {
    let mut lanes = lanes_of(&[1, 3, 9]);
    let room = Room { places: 1, ahead: [(1, 500)].into(), ..Room::default() };
    let mut first = BTreeSet::new();
    for number in 0..8 {
        let round = lanes.round(&room, |_| 0, &Watched::default());
        if round.purpose == Purpose::Places {
            first.insert((round.governed_first, round.plain[0].task_type_id));
        }
        lanes.brought(&round, &vec![claimed(1, number); round.limit]);
    }
    let (governed_first, plain): (BTreeSet<_>, BTreeSet<_>) = first.into_iter().unzip();
    assert_eq!((governed_first, plain), ([false, true].into(), [1, 3].into()));
}

#[test]
fn types_that_block_here_are_left_out_until_they_do_not() {
    let mut lanes = lanes_of(&[1, 9]);
    let start = lanes.round(&places(5), |_| 0, &Watched::default());
    lanes.brought(&start, &[]);
    lanes.sweep();
    let without = Room { places: 5, without: [1, 9].into(), ..Room::default() };
    let round = lanes.round(&without, |_| 0, &Watched::default());
    assert!(round.plain.is_empty() && round.governed.is_empty());
    assert_eq!((round.purpose, round.limit), (Purpose::Places, 5));
    assert!(lanes.brought(&round, &[]).is_none_or(|at| at > round.began), "and looked for in vain without end");
    lanes.poll();
    let round = lanes.round(&places(5), |_| 0, &Watched::default());
    assert!(!round.plain.is_empty() && !round.governed.is_empty());
}

#[test]
fn a_type_with_a_rate_is_asked_again_when_the_next_may_start() {
    let mut lanes = lanes_of(&[9]);
    let start = lanes.round(&places(5), |_| 0, &Watched::default());
    let at = start.began;
    lanes.look_again(9, at);
    assert_eq!(lanes.brought(&start, &[claimed(9, 1)]), Some(at));
    assert_eq!(lanes.round(&places(5), |_| 0, &Watched::default()).governed.len(), 1);
    assert!(lanes.due.is_empty());
}

#[test]
fn a_claim_goes_on_where_a_sweep_found_something() {
    let mut lanes = lanes_of(&[1]);
    let first = lanes.round(&places(1), |_| 0, &Watched::default());
    lanes.brought(&first, &[claimed(1, 700)]);
    lanes.sweep();
    let sweep = lanes.round(&places(1), |_| 0, &Watched::default());
    assert_eq!(sweep.plain[2].after_seq, 0);
    lanes.brought(&sweep, &[claimed(1, 7)]);
    assert_eq!(
        lanes.round(&places(1), |_| 0, &Watched::default()).plain[2].after_seq,
        7,
        "not 700: there may be more like it"
    );
}

#[test]
fn when_the_places_got_full_quick_types_are_claimed_ahead_and_only_they() {
    let mut lanes = lanes_of(&[1, 3, 9]);
    let room = Room { places: 1, ahead: [(1, 500), (9, 500)].into(), ..Room::default() };
    let first = lanes.round(&room, |_| 0, &Watched::default());
    assert_eq!((first.limit, first.purpose), (1, Purpose::Places));
    lanes.brought(&first, &[claimed(3, 7)]);
    let second = lanes.round(&room, |_| 0, &Watched::default());
    assert_eq!((second.limit, second.purpose), (500, Purpose::Ahead));
    assert!(second.governed.is_empty() && second.plain.iter().all(|lane| lane.task_type_id == 1));
    assert!(lanes.brought(&second, &[]).is_some(), "nothing of them: the places are looked after again");
    assert_eq!(lanes.round(&room, |_| 0, &Watched::default()).purpose, Purpose::Places);
}

#[test]
fn a_sweep_begins_behind_what_one_before_it_has_seen_all_of() {
    let mut lanes = lanes_of(&[1, 3]);
    for turn in 1..=3 {
        lanes.saw_horizon(Horizon { last_seq: turn * 50, oldest: turn, newest: turn });
    }
    let begins = |lanes: &mut Lanes, id, held_back: &[i32]| {
        (lanes.sweep_from, lanes.sweep_all_at) = (Instant::now(), Instant::now());
        let round = lanes.round(&places(5), |_| 0, &watched(&[], held_back));
        let after = round.plain.iter().find(|lane| lane.task_type_id == id && lane.priority == 1);
        (after.map(|lane| lane.after_seq), round)
    };
    let (after, start) = begins(&mut lanes, 1, &[3]);
    assert_eq!(after, Some(0));
    lanes.brought(&start, &vec![claimed(1, 7); 5]);
    let (after, again) = begins(&mut lanes, 1, &[3]);
    assert_eq!(after, Some(0), "the places were full, so there may be more");
    lanes.brought(&again, &[claimed(1, 9)]);
    assert_eq!(begins(&mut lanes, 1, &[]).0, Some(50));
    assert_eq!(begins(&mut lanes, 3, &[]).0, Some(0), "a type that gave nothing then");
    lanes.called(&Call::All);
    assert_eq!(begins(&mut lanes, 1, &[]).0, Some(50));
    lanes.called(&Call::Again);
    assert_eq!(begins(&mut lanes, 1, &[]).0, Some(0), "something was put back");
}
