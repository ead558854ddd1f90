//! [`AuthDraft`]: what proves who sends the requests of a draft.

use crate::import::draft::{Exchange, NAME_CHARS_MAX};
use crate::import::headers::{belongs_to_the_request, is_value};
use crate::import::text::Text;

/// What proves who sends the requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthDraft {
    /// A request obtains the token.
    Login(LoginDraft),
    /// Basic credentials (RFC 7617).
    Basic {
        /// Name of the user.
        user: Text,
        /// Their password.
        password: Text,
    },
    /// A key.
    Key {
        /// Where it stands.
        place: KeyPlace,
        /// Of the header, the parameter or the cookie.
        name: String,
        /// The key.
        value: Text,
    },
}

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// In a header.
    Header,
    /// In the query.
    Query,
    /// In a cookie.
    Cookie,
}

impl KeyPlace {
    /// The key of `api_key` in a profile.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Query => "query",
            Self::Cookie => "cookie",
        }
    }

    /// Whether a key there may have this name.
    pub(in crate::import) fn may_be_named(self, name: &str) -> bool {
        let visible = !name.trim().is_empty() && !name.chars().any(char::is_control);
        visible
            && name.len() <= NAME_CHARS_MAX
            && match self {
                Self::Header => belongs_to_the_request(name),
                Self::Query => true,
                Self::Cookie => !name.contains(['=', ';', ',', ' ']) && is_value(name),
            }
    }
}

/// The log-in request and where its answer holds the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginDraft {
    /// The exchange.
    pub exchange: Exchange,
    /// `JSONPath` of the token.
    pub token: String,
    /// How the token is found to be there, or a guess.
    pub comment: Option<String>,
}
