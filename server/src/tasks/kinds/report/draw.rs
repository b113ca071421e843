//! A table as a file.

use chrono::SecondsFormat;
use model::tasks::ReportFormat;
use rust_xlsxwriter::{Format, Workbook};

use super::{Cell, Table};
use crate::mail::escaped;

/// The bytes of the file.
///
/// # Errors
/// When a library refuses the table, such as a text over the length of a cell.
pub fn file(table: &Table, format: ReportFormat) -> anyhow::Result<Vec<u8>> {
    match format {
        ReportFormat::Csv => csv(table),
        ReportFormat::Html => Ok(html(table).into_bytes()),
        ReportFormat::Xlsx => xlsx(table),
    }
}

fn words(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Number(number) => number.to_string(),
        Cell::Moment(at) => at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)).unwrap_or_default(),
    }
}

fn csv(table: &Table) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(table.heads)?;
    for row in &table.rows {
        writer.write_record(row.iter().map(|cell| match cell {
            Cell::Text(text) => harmless(text),
            other => words(other),
        }))?;
    }
    Ok(writer.into_inner()?)
}

/// Spreadsheets run a cell that begins so as a formula, whoever wrote it (OWASP, CSV injection). A number is no text and stays.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

fn html(table: &Table) -> String {
    let row = |tag: &str, cells: Vec<String>| {
        let cells: String = cells.into_iter().map(|text| format!("<{tag}>{}</{tag}>", escaped(&text))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let heads = row("th", table.heads.iter().map(ToString::to_string).collect());
    let rows: String = table.rows.iter().map(|cells| row("td", cells.iter().map(words).collect())).collect();
    let title = escaped(&table.title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head><body><h1>{title}</h1>\n\
         <table border=\"1\"><thead>{heads}</thead><tbody>\n{rows}</tbody></table></body></html>\n"
    )
}

/// Texts are written as texts, so a spreadsheet never takes one for a formula.
fn xlsx(table: &Table) -> anyhow::Result<Vec<u8>> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let bold = Format::new().set_bold();
    for (column, head) in (0..).zip(table.heads) {
        sheet.write_string_with_format(0, column, *head, &bold)?;
    }
    for (line, row) in (1..).zip(&table.rows) {
        for (column, cell) in (0..).zip(row) {
            match cell {
                Cell::Number(number) => sheet.write_number(line, column, *number)?,
                other => sheet.write_string(line, column, words(other))?,
            };
        }
    }
    Ok(book.save_to_buffer()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMULAS: [&str; 11] =
        ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1+1", "＋1", "－1", "＠SUM(A1)"];

    fn table() -> Table {
        let texts = FORMULAS.into_iter().chain(["a,\"b\"", "<script>x()</script>", "ä"]);
        let rows = texts.map(|text| vec![Cell::Text(text.into()), Cell::Number(-1.5)]);
        Table { title: "<T>".into(), heads: &["text", "number"], rows: rows.collect(), is_cut: false }
    }

    #[test]
    fn no_cell_of_a_csv_is_a_formula_and_numbers_stay_numbers() {
        let bytes = csv(&table()).unwrap();
        let mut reader = csv::Reader::from_reader(&bytes[..]);
        let read: Vec<Vec<String>> =
            reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
        for (row, text) in read.iter().zip(FORMULAS) {
            assert_eq!(row[0], format!("'{text}"));
        }
        assert!(read.iter().all(|row| row[1] == "-1.5"), "{read:?}");
        assert_eq!((read[11][0].as_str(), read[13][0].as_str()), ("a,\"b\"", "ä"));
    }

    #[test]
    fn html_shows_a_text_as_the_text_that_it_is() {
        let html = html(&table());
        assert!(html.contains("<title>&lt;T&gt;</title>") && html.contains("<td>&lt;script&gt;x()"), "{html}");
    }

    #[test]
    fn an_excel_file_holds_texts_and_no_formula() {
        let mut book = zip::ZipArchive::new(std::io::Cursor::new(xlsx(&table()).unwrap())).unwrap();
        let mut part = |name| std::io::read_to_string(book.by_name(name).unwrap()).unwrap();
        let (sheet, texts) = (part("xl/worksheets/sheet1.xml"), part("xl/sharedStrings.xml"));
        // A cell of type `s` is a number into the shared texts; `f` is a formula (ISO/IEC 29500-1, 18.3.1).
        assert!(!sheet.contains("<f>") && !sheet.contains("<f "), "{sheet}");
        let rows = table().rows.len();
        assert_eq!(sheet.matches("t=\"s\"").count(), rows + 2, "each text and the heads: {sheet}");
        assert_eq!(sheet.matches("<v>-1.5</v>").count(), rows, "{sheet}");
        assert!(texts.contains(">=1+1</t>") && texts.contains("&lt;script&gt;x()"), "{texts}");
    }
}
