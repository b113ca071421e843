use model::tasks::{DataProcessing, Operation, TaskKind};
use serde_json::{Map, Value, json};

use super::{Context, Stop, Work, table};

/// The percentiles that are computed.
const PERCENTILES: [u32; 4] = [50, 90, 95, 99];

impl Work for DataProcessing {
    const NAME: &'static str = TaskKind::DataProcessing.name();
    const DESCRIPTION: &'static str = TaskKind::DataProcessing.description();

    async fn run(self, context: &Context) -> Result<Value, Stop> {
        let Some(data) = self.data else { return table::run(self, context).await };
        // Sorting many numbers takes a while; the runtime's threads are for those who wait.
        let computed = tokio::task::spawn_blocking(move || compute(self.operation, data.values().collect()));
        computed.await.map_err(|error| context.again("The computation was cut off", error))?
    }
}

pub(super) fn compute(operation: Operation, mut numbers: Vec<f64>) -> Result<Value, Stop> {
    numbers.sort_by(f64::total_cmp);
    let has_numbers = !numbers.is_empty();
    let every = operation == Operation::Process;
    let wants = |one: Operation| every || operation == one;
    let mut result = Map::new();
    if wants(Operation::Count) {
        result.insert("count".into(), json!(numbers.len()));
    }
    if wants(Operation::Sum) {
        result.insert("sum".into(), figure(sum(&numbers))?);
    }
    if let (Some(least), Some(most)) = (numbers.first(), numbers.last()) {
        if wants(Operation::Mean) {
            result.insert("mean".into(), figure(sum(&numbers) / numbers.len() as f64)?);
        }
        if wants(Operation::Min) {
            result.insert("min".into(), json!(least));
        }
        if wants(Operation::Max) {
            result.insert("max".into(), json!(most));
        }
    }
    if has_numbers && wants(Operation::Percentiles) {
        for percent in PERCENTILES {
            result.insert(format!("p{percent}"), figure(percentile(&numbers, percent))?);
        }
    }
    Ok(Value::Object(result))
}

/// JSON has no infinity, so a sum that overflows is told, not stored as null.
fn figure(number: f64) -> Result<Value, Stop> {
    if number.is_finite() { Ok(json!(number)) } else { Err(Stop::Fatal("The numbers are too large to add up".into())) }
}

/// Neumaier's compensated sum: small numbers beside large ones are not lost.
fn sum(numbers: &[f64]) -> f64 {
    let (mut total, mut lost) = (0.0_f64, 0.0_f64);
    for &number in numbers {
        let next = total + number;
        lost += if total.abs() >= number.abs() { (total - next) + number } else { (number - next) + total };
        total = next;
    }
    if lost.is_finite() { total + lost } else { total }
}

/// Linear interpolation between the closest ranks; `sorted` is not empty.
fn percentile(sorted: &[f64], percent: u32) -> f64 {
    let place = f64::from(percent) / 100.0 * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_figures_of_one_to_one_hundred() {
        let result = compute(Operation::Process, (1..=100).rev().map(f64::from).collect()).unwrap();
        let expected = json!({"count": 100, "sum": 5050.0, "mean": 50.5, "min": 1.0, "max": 100.0,
            "p50": 50.5, "p90": 90.1, "p95": 95.05, "p99": 99.01});
        for (name, value) in expected.as_object().unwrap() {
            assert!((result[name].as_f64().unwrap() - value.as_f64().unwrap()).abs() < 1e-9, "{name}: {result}");
        }
    }

    #[test]
    fn one_operation_gives_its_own_figure_only() {
        assert_eq!(compute(Operation::Sum, vec![1.0, 2.0, 0.5]), Ok(json!({"sum": 3.5})));
        assert_eq!(compute(Operation::Count, vec![]), Ok(json!({"count": 0})));
        assert_eq!(
            compute(Operation::Percentiles, vec![7.0]),
            Ok(json!({"p50": 7.0, "p90": 7.0, "p95": 7.0, "p99": 7.0}))
        );
    }

    #[test]
    fn small_numbers_beside_large_ones_are_kept_and_an_overflow_is_told() {
        assert_eq!(compute(Operation::Sum, vec![1e16, 1.0, -1e16]), Ok(json!({"sum": 1.0})));
        assert!(matches!(compute(Operation::Sum, vec![f64::MAX, f64::MAX]), Err(Stop::Fatal(_))));
    }
}
