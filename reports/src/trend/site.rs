//! The history as a static site: an overview and a page for each model and device. No script, no network; a policy in
//! each page forbids both.

use std::collections::BTreeMap;

use minijinja::{Environment, UndefinedBehavior, Value, context};

use super::chart::{chart, day};
use super::series::{Found, Series};
use crate::render::{PALETTE, RenderError, printable_lines};

/// Changes that the overview lists.
const NEWEST: usize = 50;

/// A file of the site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// Its name, relative to the site.
    pub name: String,
    /// Its text.
    pub html: String,
}

/// Every page of the site. `runs` is where the folders of the runs lie, relative to the site or as an address; none if
/// they are not published.
///
/// # Errors
/// When a template does not fit, which is a mistake of ours.
pub fn site(series: &[Series<'_>], runs: Option<&str>) -> Result<Vec<Page>, RenderError> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.add_template("overview.html", include_str!("site/overview.html"))?;
    environment.add_template("page.html", include_str!("site/page.html"))?;
    let style = Value::from_safe_string(format!("{PALETTE}\n{}", include_str!("site/trend.css")));
    let mut groups: BTreeMap<(&str, &str), Vec<&Series<'_>>> = BTreeMap::new();
    for one in series {
        groups.entry((&one.name.cell.model, &one.name.cell.device)).or_default().push(one);
    }
    let names = page_names(groups.keys().copied());
    let overview = environment.get_template("overview.html")?.render(context! {
        style => style.clone(),
        series => series.len(),
        points => series.iter().map(|one| one.points.len()).sum::<usize>(),
        first => series.iter().flat_map(|one| one.points.first()).map(|point| day(point.started_at)).min(),
        last => series.iter().flat_map(|one| one.points.last()).map(|point| day(point.started_at)).max(),
        changes => newest(series, &names, runs),
        groups => groups.iter().map(|(key, members)| group(*key, members, &names)).collect::<Vec<_>>(),
    })?;
    let mut pages = vec![Page { name: "index.html".to_owned(), html: printable_lines(&overview) }];
    for (key, members) in &groups {
        let page = environment.get_template("page.html")?.render(context! {
            style => style.clone(),
            model => key.0,
            device => key.1,
            figures => members.iter().map(|one| figure(one, runs)).collect::<Vec<_>>(),
        })?;
        pages.push(Page { name: names[key].clone(), html: printable_lines(&page) });
    }
    Ok(pages)
}

/// A file name for each pair of model and device: readable, and different for different pairs whatever they are called.
fn page_names<'k>(keys: impl Iterator<Item = (&'k str, &'k str)>) -> BTreeMap<(&'k str, &'k str), String> {
    let plain = |text: &str| {
        text.chars()
            .map(|one| if one.is_ascii_alphanumeric() { one } else { '-' })
            .take(40)
            .collect::<String>()
    };
    let name = |(model, device): (&str, &str)| {
        let hash = blake3::hash(format!("{}:{model}{device}", model.len()).as_bytes()).to_hex();
        format!("{}-on-{}-{}.html", plain(model), plain(device), &hash[..6])
    };
    keys.map(|key| (key, name(key))).collect()
}

fn newest(series: &[Series<'_>], names: &BTreeMap<(&str, &str), String>, runs: Option<&str>) -> Vec<Value> {
    let mut all: Vec<(&Series<'_>, &Found)> =
        series.iter().flat_map(|one| one.changes.iter().map(move |change| (one, change))).collect();
    all.sort_by(|(_, one), (_, other)| other.at.cmp(&one.at));
    let line = |(one, found): (&Series<'_>, &Found)| {
        let cell = &one.name.cell;
        let page = names.get(&(cell.model.as_str(), cell.device.as_str())).cloned().unwrap_or_default();
        context! {
            title => format!("{} {} x{}", cell.model, cell.variant, cell.threads),
            device => cell.device.as_str(),
            figure => one.name.figure.title(),
            page,
            ..change(one, found, runs)
        }
    };
    all.into_iter().take(NEWEST).map(line).collect()
}

fn change(series: &Series<'_>, found: &Found, runs: Option<&str>) -> Value {
    let figure = series.name.figure;
    context! {
        day => day(&found.at),
        effect => found.effect.as_str(),
        worse => found.worse,
        fresh => found.fresh,
        range => found.range.as_str(),
        before => figure.text(found.before),
        after => figure.text(found.after),
        run => found.run.as_str(),
        link => runs.map(|base| format!("{}/{}/report.html", base.trim_end_matches('/'), found.run)),
    }
}

fn group(
    (model, device): (&str, &str),
    members: &[&Series<'_>],
    names: &BTreeMap<(&str, &str), String>,
) -> Value {
    let runs = members.iter().map(|one| one.points.len()).max().unwrap_or(0);
    let worse = members.iter().flat_map(|one| &one.changes).filter(|change| change.worse).count();
    let better = members.iter().map(|one| one.changes.len()).sum::<usize>() - worse;
    context! { model, device, page => names.get(&(model, device)), series => members.len(), runs, worse, better }
}

fn figure(series: &Series<'_>, runs: Option<&str>) -> Value {
    let name = &series.name;
    let newest = series.points.last();
    context! {
        variant => name.cell.variant.as_str(),
        runtime => name.cell.runtime.as_str(),
        threads => name.cell.threads,
        figure => name.figure.title(),
        reference => name.reference.as_deref(),
        fingerprint => name.fingerprint.as_str(),
        count => series.points.len(),
        newest => newest.map(|point| name.figure.text(point.value)),
        svg => Value::from_safe_string(chart(series)),
        changes => series.changes.iter().rev().map(|found| change(series, found, runs)).collect::<Vec<_>>(),
    }
}
