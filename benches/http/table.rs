//! What came out, and whether it is what was promised.

pub(crate) struct Table {
    title: String,
    unit: &'static str,
    rows: Vec<(String, Vec<f64>)>,
}

/// What must hold of a row.
pub(crate) enum Promise {
    /// Its ratio to another row.
    AtLeast(f64),
    /// Its largest value.
    Below(f64),
}

impl Table {
    pub(crate) fn new(title: String, unit: &'static str) -> Self {
        Self { title, unit, rows: Vec::new() }
    }

    /// Adds a measurement; the first of each row is dropped.
    pub(crate) fn add(&mut self, name: &str, value: f64) {
        match self.rows.iter_mut().find(|(known, _)| known == name) {
            Some((_, values)) => values.push(value),
            None => self.rows.push((name.to_owned(), Vec::new())),
        }
    }

    /// Prints all and returns whether every promise is kept: of a row, to another row if it is a ratio.
    pub(crate) fn print(&self, promises: &[(&str, &str, Promise)]) -> bool {
        println!("\n{} ({})", self.title, self.unit);
        println!("{:36}{:>10}{:>10}{:>10}", "", "min", "median", "max");
        for (name, values) in &self.rows {
            println!("{name:36}{:10.1}{:10.1}{:10.1}", least(values), median(values), largest(values));
        }
        promises.iter().filter(|(name, other, promise)| !self.keeps(name, other, promise)).count() == 0
    }

    fn keeps(&self, name: &str, other: &str, promise: &Promise) -> bool {
        let values = self.values(name);
        let (kept, text) = match promise {
            Promise::AtLeast(least) => {
                let rivals = self.values(other);
                let pairs: Vec<f64> = values.iter().zip(rivals).map(|(ours, theirs)| ours / theirs).collect();
                let ratio = median(values) / median(rivals);
                let text = format!("{name} / {other}: {ratio:.2} (pair by pair {:.2}), promised at least {least}", median(&pairs));
                (ratio >= *least, text)
            }
            Promise::Below(limit) => {
                (largest(values) < *limit, format!("{name}: at most {:.1}, promised less than {limit}", largest(values)))
            }
        };
        println!("{text}: {}", if kept { "kept" } else { "NOT KEPT" });
        kept
    }

    /// In the order in which they were measured.
    fn values(&self, name: &str) -> &[f64] {
        &self.rows.iter().find(|(known, _)| known == name).unwrap().1
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) { f64::midpoint(sorted[middle - 1], sorted[middle]) } else { sorted[middle] }
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}
