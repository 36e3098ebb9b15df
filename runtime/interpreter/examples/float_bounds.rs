//! Writes `suites/ops/FLOAT.md`: how far float operators are from exact results, and how far they may be.
#![forbid(unsafe_code)]

#[expect(dead_code, reason = "the networks need more of it")]
#[path = "../tests/networks/build.rs"]
mod build;
#[path = "../tests/bounds/layers.rs"]
mod layers;
#[path = "../tests/bounds/measure.rs"]
mod measure;
#[path = "../tests/bounds/pointwise.rs"]
mod pointwise;
#[expect(dead_code, reason = "the networks need more of it")]
#[path = "../tests/networks/random.rs"]
mod random;
#[path = "../tests/bounds/sheet.rs"]
mod sheet;

fn main() -> std::io::Result<()> {
    let path = sheet::path();
    std::fs::write(&path, sheet::text())?;
    println!("`{}` wrote {}", sheet::COMMAND, path.display());
    Ok(())
}
