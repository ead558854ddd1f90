//! [`Promise`]: how long a server says that it keeps an HTTP/1.1 connection for (the `Keep-Alive` header).

use std::time::Duration;

use http::{HeaderMap, HeaderName};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
/// A request sent within the last moments of the promised time may arrive after them, so a connection is
/// left alone for that long before: a second, or half of a shorter time.
const MARGIN_MAX: Duration = Duration::from_secs(1);

/// What a server has said of one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Promise {
    /// How many answers it has given.
    answers: u64,
    /// How long it keeps the connection when nothing is asked.
    timeout: Option<Duration>,
    /// The latest bound on requests.
    max: Option<u64>,
    /// Whether it takes no other request.
    exhausted: bool,
}

impl Promise {
    /// Takes note of an answer's headers.
    pub(super) fn hear(&mut self, headers: &HeaderMap) {
        self.answers += 1;
        for value in headers.get_all(KEEP_ALIVE) {
            let parameters = value.to_str().unwrap_or_default().split(',');
            for (name, value) in parameters.filter_map(|parameter| parameter.split_once('=')) {
                let Ok(number) = value.trim().trim_matches('"').parse() else { continue };
                match name.trim() {
                    name if name.eq_ignore_ascii_case("timeout") => {
                        self.timeout = Some(Duration::from_secs(number));
                    }
                    name if name.eq_ignore_ascii_case("max") => self.hear_max(number),
                    _ => {}
                }
            }
        }
    }

    /// For Apache it is how many requests are left, for Node how many there may be in all; the former falls
    /// with each.
    fn hear_max(&mut self, max: u64) {
        let falls = self.max.is_some_and(|before| max < before);
        self.exhausted = max == 0 || !falls && self.answers >= max;
        self.max = Some(max);
    }

    /// How long the connection may rest and still be used; `None` if nothing was said.
    pub(super) fn rest_max(&self) -> Option<Duration> {
        self.timeout.map(|timeout| timeout.saturating_sub(MARGIN_MAX.min(timeout / 2)))
    }

    /// Whether another request may be sent.
    pub(super) fn has_ended(&self) -> bool {
        self.exhausted || self.timeout == Some(Duration::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn after(answers: &[&'static str]) -> Promise {
        let mut promise = Promise::default();
        for answer in answers {
            let value = HeaderValue::from_static(answer);
            promise.hear(&HeaderMap::from_iter([(KEEP_ALIVE, value)]));
        }
        promise
    }

    #[test]
    fn a_connection_rests_for_less_than_was_promised() {
        let ms = Duration::from_millis;
        let table = [
            ("timeout=5", Some(ms(4000))),
            ("timeout=5, max=100", Some(ms(4000))),
            ("max=7,Timeout = \"2\"", Some(ms(1000))),
            ("timeout=1", Some(ms(500))),
            ("timeout=soon", None),
            ("timeout", None),
            ("max=100", None),
            ("", None),
        ];
        for (said, rest) in table {
            assert_eq!(after(&[said]).rest_max(), rest, "{said}");
            assert!(!after(&[said]).has_ended(), "{said}");
        }
        assert!(after(&["timeout=0"]).has_ended());
        assert_eq!(Promise::default().rest_max(), None);
    }

    #[test]
    fn the_bound_on_requests_is_what_is_left_or_what_there_may_be() {
        // Of four requests.
        assert!(!after(&["max=3", "max=2", "max=1"]).has_ended());
        assert!(after(&["max=3", "max=2", "max=1", "max=0"]).has_ended());
        assert!(!after(&["max=4", "max=4", "max=4"]).has_ended());
        assert!(after(&["max=4", "max=4", "max=4", "max=4"]).has_ended());
    }
}
