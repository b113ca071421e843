//! The CSV side of `data_processing`: read row by row, by group.

use std::collections::BTreeMap;

use model::tasks::DataProcessing;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::data::compute;
use super::{Context, Stop};

/// Groups of one result.
const GROUPS_AT_MOST: usize = 1000;
/// Rows between two looks at what else is wanted.
const LOOK_EVERY: u64 = 1000;
/// The group of everything, where no column divides it.
const ALL: &str = "";

/// The figures of the CSV, with progress.
pub(super) async fn run(what: DataProcessing, context: &Context) -> Result<Value, Stop> {
    let (tell, mut heard) = watch::channel(0.0_f32);
    let cancel = context.cancel.clone();
    let mut reading = tokio::task::spawn_blocking(move || {
        figures(&what, &cancel, |percent| {
            tell.send_replace(percent);
        })
    });
    let cut_off = |error| context.again("The computation was cut off", error);
    loop {
        let percent = tokio::select! {
            done = &mut reading => return done.map_err(cut_off)?,
            changed = heard.changed() => changed.map(|()| *heard.borrow_and_update()),
        };
        match percent {
            Ok(percent) => context.progress(percent, Some("Reading rows")).await,
            // It has read everything, and computes.
            Err(_) => return reading.await.map_err(cut_off)?,
        }
    }
}

fn figures(what: &DataProcessing, cancel: &CancellationToken, tell: impl Fn(f32)) -> Result<Value, Stop> {
    let text = what.csv.as_deref().unwrap_or_default();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let odd = |error: csv::Error| Stop::Fatal(format!("The CSV cannot be read: {error}"));
    let heads = reader.headers().map_err(odd)?.clone();
    let place_of = |name: &Option<String>| match name {
        None => Ok(None),
        Some(name) => match heads.iter().position(|head| head.trim() == name.trim()) {
            Some(place) => Ok(Some(place)),
            None => Err(Stop::Fatal(format!("There is no column {name:?}"))),
        },
    };
    let (column, group) = (place_of(&what.column)?, place_of(&what.group_by)?);

    let mut groups = BTreeMap::<String, Vec<f64>>::new();
    let (mut rows, mut empty) = (0_u64, 0_u64);
    for row in reader.into_records() {
        let row = row.map_err(odd)?;
        rows += 1;
        if rows % LOOK_EVERY == 0 {
            if cancel.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            let read = row.position().map_or(0, csv::Position::byte);
            tell(read as f32 / text.len() as f32 * 100.0);
        }
        let number = match column.and_then(|place| row.get(place)).map(str::trim) {
            // Rows are counted, whatever is in them.
            None => 1.0,
            Some("") => {
                empty += 1;
                continue;
            }
            Some(cell) => cell.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or_else(|| {
                let shown: String = cell.chars().take(50).collect();
                Stop::Fatal(format!("Row {rows}: {shown:?} is no number"))
            })?,
        };
        let name = group.and_then(|place| row.get(place)).map_or(ALL, str::trim);
        let is_full = groups.len() == GROUPS_AT_MOST;
        match groups.get_mut(name) {
            Some(numbers) => numbers.push(number),
            None if is_full => {
                return Err(Stop::Fatal(format!("There are more than {GROUPS_AT_MOST} groups")));
            }
            None => drop(groups.insert(name.to_owned(), vec![number])),
        }
    }

    let mut result = Map::new();
    if group.is_some() {
        let figures: Result<Map<_, _>, Stop> =
            groups.into_iter().map(|(name, numbers)| Ok((name, compute(what.operation, numbers)?))).collect();
        result.insert("groups".into(), Value::Object(figures?));
    } else {
        let numbers = groups.remove(ALL).unwrap_or_default();
        if let Value::Object(figures) = compute(what.operation, numbers)? {
            result.extend(figures);
        }
    }
    result.insert("rows".into(), json!(rows));
    result.insert("empty".into(), json!(empty));
    Ok(Value::Object(result))
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn of(payload: Value) -> Result<Value, Stop> {
        figures(&serde_json::from_value(payload).unwrap(), &CancellationToken::new(), |_| ())
    }

    const SALES: &str = "city,amount\nRome,1\nOslo,2.5\nRome,3\n\"Oslo\",\n";

    #[test]
    fn a_column_is_added_up_by_the_values_of_another() {
        let result = of(json!({"operation": "sum", "csv": SALES, "column": "amount", "group_by": "city"})).unwrap();
        let groups = json!({"Oslo": {"sum": 2.5}, "Rome": {"sum": 4.0}});
        assert_eq!(result, json!({"groups": groups, "rows": 4, "empty": 1}));
        let whole = of(json!({"operation": "mean", "csv": SALES, "column": "amount"})).unwrap();
        assert!((whole["mean"].as_f64().unwrap() - 6.5 / 3.0).abs() < 1e-12, "{whole}");
        let counted = of(json!({"operation": "count", "csv": SALES, "group_by": "city"})).unwrap();
        assert_eq!(counted["groups"], json!({"Oslo": {"count": 2}, "Rome": {"count": 2}}));
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        let refused = |payload| match of(payload).unwrap_err() {
            Stop::Fatal(words) => words,
            other => panic!("{other:?}"),
        };
        let no_number = json!({"operation": "sum", "csv": "a\n1\nx\n", "column": "a"});
        assert_eq!(refused(no_number), "Row 2: \"x\" is no number");
        assert_eq!(refused(json!({"operation": "sum", "csv": "a\n1", "column": "b"})), "There is no column \"b\"");
        assert!(refused(json!({"operation": "sum", "csv": "a,b\n1\n", "column": "a"})).contains("cannot be read"));
        let many: String = (0..1001).map(|one| format!("g{one},1\n")).collect();
        let many = json!({"operation": "sum", "csv": format!("g,n\n{many}"), "column": "n", "group_by": "g"});
        assert_eq!(refused(many), "There are more than 1000 groups");
    }

    #[test]
    fn it_tells_how_far_it_is_and_stops_when_it_is_told_to() {
        let csv = format!("n\n{}", "1\n".repeat(10_000));
        let what: DataProcessing =
            serde_json::from_value(json!({"operation": "sum", "csv": csv, "column": "n"})).unwrap();
        let told = RefCell::new(Vec::new());
        let result = figures(&what, &CancellationToken::new(), |percent| told.borrow_mut().push(percent)).unwrap();
        assert_eq!(result["sum"], 10_000.0);
        let told = told.into_inner();
        assert_eq!(told.len(), 10);
        assert!(told.is_sorted() && told[9] > 90.0 && told[9] <= 100.0, "{told:?}");
        let cancelled = CancellationToken::new();
        cancelled.cancel();
        assert_eq!(figures(&what, &cancelled, |_| ()), Err(Stop::Cancelled));
    }
}
