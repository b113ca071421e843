use leptos::prelude::*;
use serde_json::Value;

/// Characters of a value that are shown at first.
const SHOWN: usize = 400;
/// Decimal places: what a sum of tenths loses to binary is not shown.
const PLACES: i32 = 9;

/// A JSON object as a list of names and values. Of a long one there is the start, and the whole where somebody asks for it.
#[component]
pub fn Values(title: &'static str, value: Value) -> impl IntoView {
    let entries: Vec<(String, Value)> = match value {
        Value::Object(entries) => entries.into_iter().collect(),
        other => vec![("value".into(), other)],
    };
    let rows = entries.into_iter().map(|(name, value)| view! { <dt>{name}</dt><dd>{shown(&value)}</dd> });
    let rows = rows.collect_view();
    view! {
        <section class="panel">
            <h2>{title}</h2>
            <dl class="kv" data-of=title>{rows}</dl>
        </section>
    }
}

/// Bytes in words, in the largest unit that leaves a whole number before the point.
pub fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    match bytes.checked_ilog(1024).unwrap_or(0).min(4) {
        0 => format!("{bytes} B"),
        power => format!("{:.1} {}", bytes as f64 / 1024_f64.powi(power as i32), units[power as usize - 1]),
    }
}

fn shown(value: &Value) -> AnyView {
    let text = plain(value);
    let Some((end, _)) = text.char_indices().nth(SHOWN) else { return text.into_any() };
    let start = format!("{} …", &text[..end]);
    let all = format!("All of it, {}", size(text.len() as u64));
    view! { {start}<details><summary>{all}</summary><pre class="answer" tabindex="0">{text}</pre></details> }.into_any()
}

/// A JSON value as people write it.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => number.as_f64().map(rounded).unwrap_or_default(),
        Value::Array(entries) => entries.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Rust writes no exponent, which a number far from one would need; such a one keeps the form that JSON gives it.
fn rounded(number: f64) -> String {
    if number != 0.0 && !(1e-6..1e15).contains(&number.abs()) {
        return Value::from(number).to_string();
    }
    let scale = 10_f64.powi(PLACES);
    let scaled = number * scale;
    // Beyond this, doubles have no such places.
    let shown = if scaled.abs() < 9e15 { scaled.round() / scale } else { number };
    shown.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_shown_as_people_write_them() {
        for (value, shown) in [
            (json!(9.0), "9"),
            (json!(6.899_999_999_999_999_5), "6.9"),
            (json!(3.875), "3.875"),
            (json!(-0.1), "-0.1"),
            (json!(8), "8"),
            (json!(0.0), "0"),
            (json!(1e300), "1e+300"),
            (json!(1e-9), "1e-9"),
            (json!(123_456_789_012.5), "123456789012.5"),
        ] {
            assert_eq!(plain(&value), shown);
        }
    }

    #[test]
    fn sizes_have_the_unit_that_suits_them() {
        for (bytes, words) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_572_864, "1.5 MiB"), (u64::MAX, "16777216.0 TiB")]
        {
            assert_eq!(size(bytes), words);
        }
    }

    #[test]
    fn a_list_is_shown_as_it_is_typed_and_a_long_one_by_its_start_and_whole() {
        assert_eq!(plain(&json!([3.0, 1.5, "x", null])), "3, 1.5, x, null");
        let html = |value: &Value| Owner::new().with(|| shown(value).to_html());
        assert!(!html(&json!("short")).contains("details"));
        let long = html(&json!((0..200).collect::<Vec<_>>()));
        assert!(long.contains(" …") && long.contains("All of it, 888 B"), "{long}");
        assert_eq!(long.matches("42, 43").count(), 2, "{long}");
        assert_eq!(long.matches("198, 199").count(), 1, "{long}");
    }
}
