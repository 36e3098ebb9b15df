//! The tests that every row of the tables gets, by being a row. Integers and hybrid results are compared bit for bit with
//! the reference, floats with an oracle in f64 and a bound from rounding-error analysis. A row whose instructions this CPU
//! lacks is reported as skipped.

mod convolutions;
mod data;
mod elementwise;
mod fully_connected;
mod geometry;

use std::eprintln;

use crate::table::{Choice, Row, Set, Table, list};

/// Calls `test` for every row that this CPU can run. The first is the reference.
fn for_each_row<F>(table: &Table<F>, mut test: impl FnMut(&Row<F>)) {
    assert_eq!(table.rows[0].set, Set::Reference);
    for row in table.rows {
        if row.set.is_available() {
            test(row);
        } else {
            let (operator, types, set) = (table.operator, table.types, row.set.name());
            eprintln!("skipped: {operator} {types} {set}: this CPU lacks the instructions");
        }
    }
}

#[test]
fn rows_go_from_plain_to_fast_and_begin_with_the_reference() {
    let rows = list();
    let same =
        |a: &crate::table::Listed, b: &crate::table::Listed| (a.operator, a.types) == (b.operator, b.types);
    for rows in rows.chunk_by(same) {
        assert_eq!(rows[0].set, Set::Reference, "{rows:?}");
        assert!(rows.windows(2).all(|pair| pair[0].set < pair[1].set), "{rows:?}");
    }
}

#[test]
fn a_choice_is_an_upper_limit() {
    let table = &crate::table::CONV_2D_I8;
    assert_eq!(table.select(Choice::UpTo(Set::Reference)).set, Set::Reference);
    assert_eq!(table.select(Choice::UpTo(Set::Portable)).set, Set::Portable);
    let fastest = table.rows.iter().filter(|row| row.set.is_available()).map(|row| row.set).max();
    assert_eq!(Some(table.select(Choice::Auto).set), fastest);
    let foreign = if cfg!(target_arch = "x86_64") { Set::I8mm } else { Set::Avx512Vnni };
    assert_eq!(table.select(Choice::UpTo(foreign)).set, Set::Portable, "a set of another architecture");
    // SOFTMAX has a reference only: any choice finds it.
    assert_eq!(crate::table::SOFTMAX_I8.select(Choice::UpTo(Set::Portable)).set, Set::Reference);
}
