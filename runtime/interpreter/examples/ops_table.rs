//! Writes `suites/ops/TABLE.md`: how each operator and type compares with LiteRT's reference kernels.
#![forbid(unsafe_code)]
#![expect(dead_code, reason = "the test that shares these modules uses more of them")]

#[path = "../tests/cases/case.rs"]
mod case;
#[path = "../tests/cases/run.rs"]
mod run;
#[path = "../tests/cases/table.rs"]
mod table;

fn main() -> std::io::Result<()> {
    let path = table::path();
    std::fs::write(&path, table::text(&case::all()))?;
    println!("wrote {}", path.display());
    Ok(())
}
