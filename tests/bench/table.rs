//! Rows of figures.

use std::time::Duration;

/// The times of one subject.
#[derive(Clone)]
pub struct Series {
    name: &'static str,
    milliseconds: Vec<f64>,
}

impl Series {
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            milliseconds: Vec::new(),
        }
    }

    pub fn name(&self) -> &'static str {
        self.name
    }

    pub fn push(&mut self, time: Duration) {
        self.milliseconds.push(time.as_secs_f64() * 1000.0);
    }

    pub fn is_empty(&self) -> bool {
        self.milliseconds.is_empty()
    }

    pub fn median(&self) -> f64 {
        self.quantile(1, 2)
    }

    /// The value that `part` of `whole` of the times do not exceed.
    fn quantile(&self, part: usize, whole: usize) -> f64 {
        let mut sorted = self.milliseconds.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        sorted[(sorted.len() * part / whole).min(sorted.len() - 1)]
    }

    pub fn print(&self) {
        let figures = format!(
            "{:7.2} ms median   {:7.2} min   {:7.2} p90",
            self.median(),
            self.quantile(0, 1),
            self.quantile(9, 10)
        );
        row(self.name, &figures);
    }
}

pub fn title(text: &str) {
    println!("\n{text}");
}

pub fn row(name: &str, figures: &str) {
    println!("  {name:<28} {figures}");
}
