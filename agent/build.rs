//! Tells the agent which target it is built for: the controller records it with every figure.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    println!("cargo:rustc-env=EDGEBENCH_TARGET={target}");
}
