//! The known word that somebody probably meant.

/// As clap: below this, two words are different ones.
const ALIKE: f64 = 0.7;

/// The known word that is most like this one, if one is.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let rated = known
        .into_iter()
        .map(|known| (strsim::jaro(&word.to_lowercase(), known), known));
    let alike = rated.filter(|(rate, _)| *rate > ALIKE);
    let best = alike.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.map(|(_, known)| known)
}

/// The question that goes behind a message; empty if no known word is alike.
pub(crate) fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, known).map_or_else(String::new, |known| format!("; did you mean \"{known}\"?"))
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, nearest};

    #[test]
    fn the_most_similar_word_is_suggested_and_no_other() {
        let known = ["client_id", "host", "owners", "account"];
        for (typed, meant) in [
            ("clientid", Some("client_id")),
            ("Hosts", Some("host")),
            ("owner", Some("owners")),
            ("acount", Some("account")),
            ("zzz", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, known), meant, "{typed}");
        }
        assert_eq!(did_you_mean("owner", known), "; did you mean \"owners\"?");
        assert_eq!(did_you_mean("zzz", known), "");
    }
}
