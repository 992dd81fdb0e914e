//! Rebuilds the crate when the built pages change. Building them is `npm run build`'s work, never cargo's.

fn main() {
    println!("cargo::rerun-if-changed=dist");
}
