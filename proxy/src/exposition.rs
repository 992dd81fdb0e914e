//! The text format of Prometheus: families of numbers, each announced once. The proxy's own numbers are written with it, and
//! those of whoever runs the proxy.

use std::fmt::{Display, Write};

/// Numbers as Prometheus reads them.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// A family of samples that are lines already.
    pub fn family(&mut self, name: &str, kind: &str, help: &str, samples: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n{samples}");
    }

    /// One number that goes up and down.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "gauge", help, &format!("{name} {value}\n"));
    }

    /// One number that only grows.
    pub fn counter(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, "counter", help, &format!("{name} {value}\n"));
    }

    /// Numbers told apart by one label.
    pub fn labelled<L: AsRef<str>, V: Display>(
        &mut self,
        (name, kind): (&str, &str),
        help: &str,
        label: &str,
        samples: impl IntoIterator<Item = (L, V)>,
    ) {
        let line = |(value, number): (L, V)| format!("{name}{{{label}={:?}}} {number}\n", value.as_ref());
        self.family(name, kind, help, &samples.into_iter().map(line).collect::<String>());
    }

    /// How many of something were at most so large: `counts` are those within each bound and above the one before, and at
    /// last those above all.
    pub fn histogram(
        &mut self,
        name: &str,
        help: &str,
        bounds: &[f64],
        counts: impl IntoIterator<Item = u64>,
        sum: f64,
    ) {
        let mut samples = String::new();
        let mut count = 0;
        let bounds = bounds.iter().map(f64::to_string).chain(["+Inf".to_owned()]);
        for (bound, more) in bounds.zip(counts) {
            count += more;
            let _ = writeln!(samples, "{name}_bucket{{le={bound:?}}} {count}");
        }
        let _ = writeln!(samples, "{name}_sum {sum}\n{name}_count {count}");
        self.family(name, "histogram", help, &samples);
    }

    /// The page.
    pub fn into_text(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_was_at_most_as_large() {
        let mut page = Page::default();
        page.histogram("x", "y", &[0.001, 30.0], [1, 1, 1], 60.003);
        let text = page.into_text();
        for line in
            ["x_bucket{le=\"0.001\"} 1\n", "x_bucket{le=\"30\"} 2\n", "x_bucket{le=\"+Inf\"} 3\n", "x_count 3\n"]
        {
            assert!(text.contains(line), "{line:?} in {text}");
        }
    }
}
