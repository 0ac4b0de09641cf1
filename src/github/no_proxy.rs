//! Which hosts a `NO_PROXY` list names. There is no standard; this reads what curl, Go and Python read
//! in common. Pure.

use std::net::IpAddr;

/// True if an entry of the list covers this host (as it stands in an address) at this port.
///
/// Entries are separated by commas or blanks: `*` covers everything, `example.com`, `.example.com`
/// and `*.example.com` a name and the names below it, `10.0.0.0/8` a network, and `HOST:PORT` one
/// port only.
pub(super) fn covers(list: &str, host: &str, port: u16) -> bool {
    let host = unbracketed(host).trim_end_matches('.').to_ascii_lowercase();
    list.split([',', ' ', '\t', '\n', '\r', ';'])
        .filter(|entry| !entry.is_empty())
        .any(|entry| entry_covers(&entry.to_ascii_lowercase(), &host, port))
}

fn entry_covers(entry: &str, host: &str, port: u16) -> bool {
    if entry == "*" {
        return true;
    }
    let (name, only) = split_port(entry);
    if only.is_some_and(|only| only != port) {
        return false;
    }
    match host.parse::<IpAddr>() {
        Ok(address) => covers_address(name, address.to_canonical()),
        Err(_) => covers_name(name, host),
    }
}

fn covers_name(entry: &str, host: &str) -> bool {
    let domain = entry
        .trim_start_matches('*')
        .trim_start_matches('.')
        .trim_end_matches('.');
    !domain.is_empty()
        && host
            .strip_suffix(domain)
            .is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

fn covers_address(entry: &str, address: IpAddr) -> bool {
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) => match bits.parse::<u32>() {
            Ok(bits) => (network, Some(bits)),
            Err(_) => return false,
        },
        None => (entry, None),
    };
    let Ok(network) = unbracketed(network).parse::<IpAddr>() else {
        return false;
    };
    match (network, address) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            same_start(network.to_bits().into(), address.to_bits().into(), 32, bits)
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            same_start(network.to_bits(), address.to_bits(), 128, bits)
        }
        _ => false,
    }
}

fn same_start(network: u128, address: u128, length: u32, bits: Option<u32>) -> bool {
    let bits = bits.unwrap_or(length);
    match length.checked_sub(bits) {
        None => false,
        Some(128) => true,
        Some(rest) => network >> rest == address >> rest,
    }
}

/// Splits a port off; a bare IPv6 address has none.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if entry.parse::<IpAddr>().is_ok() {
        return (entry, None);
    }
    match entry.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

fn unbracketed(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn no_proxy_covers_a_name_and_what_is_below_it() {
        for list in [
            "github.com",
            ".github.com",
            "*.GitHub.com",
            "github.com.",
            "x, github.com",
            "*",
            "a github.com",
            "a,\tapi.github.com:443",
        ] {
            assert!(covers(list, "api.github.com", 443), "{list}");
        }
        for list in [
            "",
            "hub.com",
            "github.com.evil",
            "api.github.co",
            ",",
            ".",
            "*.",
            "github.com:8443",
            "github.com:x",
            "0.0.0.0/0",
        ] {
            assert!(!covers(list, "api.github.com", 443), "{list}");
        }
    }

    #[test]
    fn no_proxy_covers_addresses_networks_and_ports() {
        for (list, host) in [
            ("10.1.2.3", "10.1.2.3"),
            ("10.0.0.0/8", "10.1.2.3"),
            ("0.0.0.0/0", "10.1.2.3"),
            ("192.0.2.1,10.1.2.3:443", "10.1.2.3"),
            ("2001:db8::1", "[2001:db8::1]"),
            ("[2001:db8::1]", "[2001:db8:0::1]"),
            ("[2001:DB8::1]:443", "[2001:db8::1]"),
            ("2001:db8::/32", "[2001:db8:1::1]"),
            ("::/0", "[2001:db8::1]"),
            ("10.0.0.0/8", "[::ffff:10.1.2.3]"),
        ] {
            assert!(covers(list, host, 443), "{list} {host}");
        }
        for (list, host) in [
            ("10.0.0.0/16", "10.1.2.3"),
            ("10.0.0.0/33", "10.1.2.3"),
            ("10.0.0.0/x", "10.1.2.3"),
            ("10.1.2.3:80", "10.1.2.3"),
            ("2.3", "10.1.2.3"),
            ("[2001:db8::1]:80", "[2001:db8::1]"),
            ("2001:db8::/48", "[2001:db8:1::1]"),
            ("2001:db8::/200", "[2001:db8::1]"),
        ] {
            assert!(!covers(list, host, 443), "{list} {host}");
        }
    }
}
