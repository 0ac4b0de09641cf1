//! Circles of files that import each other.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::Source;

/// Which files each file imports.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The shortest circle through the first file of each circle, as `a → b → a`.
pub fn circles(sources: &[Source]) -> Vec<String> {
    let graph = imports(sources);
    let mut found = Vec::new();
    for start in graph.keys() {
        if let Some(circle) = shortest_circle(&graph, start)
            && circle.iter().all(|file| start <= *file)
        {
            let files: Vec<&str> = circle.iter().map(|file| file.as_str()).collect();
            found.push(format!("{} → {start}", files.join(" → ")));
        }
    }
    found
}

fn imports(sources: &[Source]) -> Graph {
    let files: BTreeMap<&[String], &str> = sources
        .iter()
        .map(|source| (source.module.as_slice(), source.file.as_str()))
        .collect();
    let file_of = |path: &[String]| {
        let mut lengths = (1..=path.len()).rev();
        lengths.find_map(|length| files.get(&path[..length]).copied())
    };
    let imports_of = |source: &Source| {
        let targets = source.named.iter().filter_map(|path| file_of(path));
        targets
            .filter(|target| !is_one_subject(target, &source.file))
            .map(str::to_owned)
            .collect()
    };
    sources
        .iter()
        .map(|source| (source.file.clone(), imports_of(source)))
        .collect()
}

/// A folder's own file and the files in it: imports between them are no circle.
fn is_one_subject(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim_end_matches(".rs"), b.trim_end_matches(".rs"));
    a == b || a.starts_with(&format!("{b}/")) || b.starts_with(&format!("{a}/"))
}

fn shortest_circle<'g>(graph: &'g Graph, start: &'g String) -> Option<Vec<&'g String>> {
    let mut routes = vec![vec![start]];
    let mut seen = BTreeSet::new();
    while !routes.is_empty() {
        let mut longer = Vec::new();
        for route in routes {
            let last = route.last().copied().unwrap_or(start);
            for target in graph.get(last).into_iter().flatten() {
                if target == start {
                    return Some(route);
                }
                if seen.insert(target) {
                    longer.push([route.as_slice(), &[target]].concat());
                }
            }
        }
        routes = longer;
    }
    None
}
