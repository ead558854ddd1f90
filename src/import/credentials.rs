//! Credentials that every recorded request carries: they become the profile's `auth`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::import::draft::{AuthDraft, KeyPlace};
use crate::import::headers::{belongs_to_the_request, is_value};
use crate::import::recorded::Recorded;
use crate::import::vault::{Vault, wish};
use crate::load::secrets::is_secret_name;

/// A key, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    place: KeyPlace,
    name: String,
    value: String,
}

/// Takes basic credentials, or the one key there is, out of the requests if all of them carry the same.
pub(super) fn take_shared(recorded: &mut [Recorded], vault: &mut Vault) -> Option<AuthDraft> {
    let [first, others @ ..] = &*recorded else { return None };
    let authorization = first.header("authorization").map(str::to_owned);
    if let Some(value) = authorization {
        let (user, password) = basic_credentials(&value)?;
        if others.iter().any(|request| request.header("authorization") != Some(&value)) {
            return None;
        }
        remove_header(recorded, "authorization");
        return Some(AuthDraft::Basic {
            user: vault.secret("LOAD_TEST_USER", &user),
            password: vault.secret("LOAD_TEST_PASSWORD", &password),
        });
    }
    let keys: Vec<Key> = keys_of(first)
        .into_iter()
        .filter(|key| others.iter().all(|request| keys_of(request).contains(key)))
        .collect();
    let [Key { place, name, value }] = keys.as_slice() else { return None };
    match place {
        KeyPlace::Header => remove_header(recorded, name),
        KeyPlace::Cookie => remove_header(recorded, "cookie"),
        KeyPlace::Query => {
            for request in recorded {
                request.url.query.retain(|(given, _)| given != name);
            }
        }
    }
    let value = vault.secret(&wish(name), value);
    Some(AuthDraft::Key { place: *place, name: name.clone(), value })
}

/// The keys that a request carries, by their names; of cookies an only one.
fn keys_of(request: &Recorded) -> Vec<Key> {
    let key = |place: KeyPlace, (name, value): (&str, &str)| {
        let (name, value) = (name.to_owned(), value.to_owned());
        let kept = !value.is_empty() && is_value(&value) && place.may_be_named(&name);
        kept.then_some(Key { place, name, value })
    };
    let known = ["authorization", "proxy-authorization", "cookie"];
    let headers = request.headers.iter().filter(|(name, _)| {
        let other = !known.contains(&name.to_ascii_lowercase().as_str());
        other && is_secret_name(name) && belongs_to_the_request(name)
    });
    let headers = headers.filter_map(|(name, value)| key(KeyPlace::Header, (name, value)));
    let pairs = &request.url.query;
    let alone = |name: &str| pairs.iter().filter(|(given, _)| given == name).count() == 1;
    let query = pairs.iter().filter(|(name, _)| is_secret_name(name) && alone(name));
    let query = query.filter_map(|(name, value)| key(KeyPlace::Query, (name, value)));
    let cookie = request.header("cookie").filter(|cookies| !cookies.contains(';'));
    let cookie = cookie.and_then(|cookie| cookie.trim().split_once('='));
    let cookie = cookie.and_then(|pair| key(KeyPlace::Cookie, pair));
    headers.chain(query).chain(cookie).collect()
}

fn remove_header(recorded: &mut [Recorded], name: &str) {
    for request in recorded {
        request.headers.retain(|(given, _)| !given.eq_ignore_ascii_case(name));
    }
}

/// User name and password of a `Basic` header's value (RFC 7617).
fn basic_credentials(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    let whole = scheme.eq_ignore_ascii_case("basic") && !user.is_empty() && !password.is_empty();
    whole.then(|| (user.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::url::Url;

    type Pairs = &'static [(&'static str, &'static str)];

    /// Requests with these headers and queries, and what they are left with.
    fn taken(requests: &[(Pairs, &str)]) -> (Option<AuthDraft>, Vec<usize>) {
        let recorded = requests.iter().map(|(headers, query)| {
            let mut one = Recorded::new("GET", Url::parse(&format!("http://h/{query}")).unwrap());
            let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            one.headers = headers.iter().map(pair).collect();
            one
        });
        let mut recorded: Vec<Recorded> = recorded.collect();
        let auth = take_shared(&mut recorded, &mut Vault::default());
        let left = |one: &Recorded| one.headers.len() + one.url.query.len();
        (auth, recorded.iter().map(left).collect())
    }

    #[test]
    fn what_all_requests_carry_is_taken_out_of_them() {
        // base64 of me:pw
        const BASIC: (&str, &str) = ("Authorization", "Basic bWU6cHc=");
        let (auth, left) = taken(&[(&[BASIC, ("A", "b")], ""), (&[BASIC], "?page=1")]);
        let Some(AuthDraft::Basic { user, password }) = auth else { panic!("{auth:?}") };
        assert_eq!(user.as_template(), "${LOAD_TEST_USER}");
        assert_eq!(password.as_template(), "${LOAD_TEST_PASSWORD}");
        assert_eq!(left, [1, 1]);
        let table: [(Pairs, &str, KeyPlace, &str); 3] = [
            (&[("X-API-Key", "k")], "", KeyPlace::Header, "X-API-Key"),
            (&[], "?api_key=k", KeyPlace::Query, "api_key"),
            (&[("Cookie", "sid=k")], "", KeyPlace::Cookie, "sid"),
        ];
        for (headers, query, place, name) in table {
            let (auth, left) = taken(&[(headers, query), (headers, query)]);
            let Some(AuthDraft::Key { place: found, name: given, value }) = auth else {
                panic!("{name}")
            };
            assert_eq!((found, given.as_str(), left.as_slice()), (place, name, &[0, 0][..]));
            assert_eq!(value.as_template(), format!("${{{}}}", wish(name)));
        }
    }

    #[test]
    fn what_not_all_carry_stays_where_it_is() {
        const KEY: (&str, &str) = ("X-API-Key", "k");
        let rows: [&[Pairs]; 5] = [
            &[&[KEY], &[]],
            &[&[KEY], &[("X-API-Key", "other")]],
            &[&[KEY, ("X-Auth-Token", "t")]],
            &[&[("Authorization", "Bearer t")]],
            &[&[("Cookie", "a=1; b=2")]],
        ];
        for headers in rows {
            let requests: Vec<(Pairs, &str)> = headers.iter().map(|pairs| (*pairs, "")).collect();
            let before: Vec<usize> = headers.iter().map(|pairs| pairs.len()).collect();
            assert_eq!(taken(&requests), (None, before), "{headers:?}");
        }
    }
}
