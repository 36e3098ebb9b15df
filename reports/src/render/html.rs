//! The run as one page: opens offline, reads without scripts, light and dark, prints well. The template and the style
//! sheet lie beside this file and are compiled in.

use minijinja::{Environment, Value, context};

use super::{RenderError, columns, findings};
use crate::record::RunRecord;
use crate::summary::{CellSummary, Group, RunSummary, summarize};

/// The whole page. Text that came from outside is escaped by the template engine.
pub fn html(run: &RunRecord) -> Result<String, RenderError> {
    let summary = summarize(run);
    let mut environment = Environment::new();
    environment.add_template("report.html", include_str!("html/report.html"))?;
    let page = environment.get_template("report.html")?;
    Ok(page.render(context! {
        style => Value::from_safe_string(include_str!("html/report.css").to_owned()),
        run => context! { id => run.run.id.as_str(), suite => run.run.suite.as_str() },
        tally => findings::tally(&summary),
        duration => findings::duration(&run.run),
        groups => groups(&summary),
    })?)
}

fn groups(summary: &RunSummary) -> Vec<Value> {
    summary.groups.iter().map(group).collect()
}

fn group(group: &Group) -> Value {
    let columns = columns::columns_of(group);
    let row =
        |cell: &CellSummary| columns.iter().map(|column| columns::text(column, cell)).collect::<Vec<_>>();
    context! {
        title => findings::group_title(group),
        columns => columns.iter().map(|column| context! { title => column.title, meaning => column.meaning }).collect::<Vec<_>>(),
        rows => group.cells.iter().map(row).collect::<Vec<_>>(),
        legend => findings::legend(group),
    }
}
