//! What came out, and whether it is what was promised.

pub(crate) struct Table {
    title: String,
    unit: &'static str,
    rows: Vec<(String, Vec<f64>)>,
}

/// Of fewer values the largest would stand for 95 of 100.
const MANY: usize = 20;

/// What must hold of a row.
pub(crate) enum Promise {
    /// Its ratio to another row.
    AtLeast(f64),
    /// The same.
    AtMost(f64),
    /// Its largest value.
    Below(f64),
    /// Nothing; its ratio to another row is told.
    Nothing,
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
        println!("{:36}{:>10}{:>10}{:>10}{:>10}", "", "min", "median", "95 %", "max");
        for (name, values) in &self.rows {
            let (least, median, most, largest) = (least(values), median(values), most(values), largest(values));
            println!("{name:36}{least:10.1}{median:10.1}{most:10.1}{largest:10.1}");
        }
        promises.iter().filter(|(name, other, promise)| !self.keeps(name, other, promise)).count() == 0
    }

    fn keeps(&self, name: &str, other: &str, promise: &Promise) -> bool {
        let seen = match promise {
            Promise::Below(_) => format!("{name}: at most {:.1}", largest(self.values(name))),
            _ => self.compared(name, other),
        };
        let (kept, promised) = match promise {
            Promise::AtLeast(least) => (self.ratio(name, other) >= *least, format!("at least {least}")),
            Promise::AtMost(most) => (self.ratio(name, other) <= *most, format!("at most {most}")),
            Promise::Below(limit) => (largest(self.values(name)) < *limit, format!("less than {limit}")),
            Promise::Nothing => {
                println!("{seen}");
                return true;
            }
        };
        println!("{seen}, promised {promised}: {}", if kept { "kept" } else { "NOT KEPT" });
        kept
    }

    fn ratio(&self, name: &str, other: &str) -> f64 {
        median(self.values(name)) / median(self.values(other))
    }

    fn compared(&self, name: &str, other: &str) -> String {
        let (ours, theirs) = (self.values(name), self.values(other));
        let pairs: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
        let (ratio, by_pairs, at_most) = (self.ratio(name, other), median(&pairs), most(ours) / most(theirs));
        let at_most = if ours.len() < MANY { String::new() } else { format!(", at 95 % {at_most:.2}") };
        format!("{name} / {other}: {ratio:.2} (pair by pair {by_pairs:.2}{at_most})")
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

/// What 95 of 100 do not exceed.
fn most(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[(sorted.len() * 95).div_ceil(100) - 1]
}

fn least(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::INFINITY, f64::min)
}

fn largest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}
