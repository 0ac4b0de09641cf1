//! What a refresh asks of the keychain, and what its caller waits for.

use super::{HOUR, Keychain};

/// The methods that are called in one exchange with the bus: what is sent in one piece.
fn exchange(line: &str) -> Option<Vec<&'static str>> {
    const METHODS: [&str; 9] = [
        "Hello",
        "SearchItems",
        "OpenSession",
        "GetSecret",
        "SetSecret",
        "CreateItem",
        "GetNameOwner",
        "ReadAlias",
        "Unlock",
    ];
    let (_, sent) = line.split_once("sendto(")?;
    let mut called: Vec<_> = METHODS
        .iter()
        .flat_map(|method| {
            let named = format!("\\0{method}\\0");
            let places: Vec<_> = sent.match_indices(&named).map(|(at, _)| at).collect();
            places.into_iter().map(|at| (at, *method))
        })
        .collect();
    called.sort_unstable();
    (!called.is_empty()).then(|| called.into_iter().map(|(_, method)| method).collect())
}

#[test]
fn p10_a_refresh_searches_and_reads_again_in_one_exchange() {
    let Some(keychain) = Keychain::new() else {
        return;
    };
    keychain.seed(2 * HOUR);
    // From then on it is known where the App is installed: no other process asks that.
    keychain.run(&["refresh", "--force"]).expect_code(0);
    keychain.let_it_come_due();
    let (run, calls) = keychain.traced(&["get"], "sendto,clock_nanosleep,nanosleep");
    run.expect_code(0);

    let caller = calls.split_whitespace().next().expect("a process");
    let of = |by_caller: bool| -> Vec<Vec<&str>> {
        calls
            .lines()
            .filter(|line| (line.split_whitespace().next() == Some(caller)) == by_caller)
            .filter_map(exchange)
            .collect()
    };
    let first = [
        vec!["Hello", "SearchItems"],
        vec!["OpenSession"],
        vec!["GetSecret"],
    ];
    let again = vec!["SearchItems", "GetSecret"];
    // Under the lock, and when the new pair is stored.
    let of_caller = [&first[..], &[again.clone(), again.clone()]].concat();
    assert_eq!(of(true), of_caller, "{calls}");
    // Before each of the two writes. Who the service is, is asked once.
    let of_refresher = [
        &first[..],
        &[
            again.clone(),
            vec!["GetNameOwner", "GetNameOwner"],
            vec!["SetSecret"],
            again,
            vec!["SetSecret"],
        ],
    ]
    .concat();
    assert_eq!(of(false), of_refresher, "{calls}");

    // It waits for the refresher's end, and sees it at once.
    let sleeps = |line: &&str| line.starts_with(caller) && line.contains("nanosleep");
    assert_eq!(calls.lines().filter(sleeps).count(), 0, "{calls}");
}
