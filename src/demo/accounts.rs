//! [`Accounts`]: who may sign in, what each seller may see, and their tokens.
//!
//! Invariant: bounded in number ([`ACCOUNTS_MAX`]), and no password is kept in the clear.

use std::collections::HashMap;
use std::io;

use serde_json::{Value, json};

use super::catalogue::{DEMO_CHATS, DEMO_INTERACTIONS, FULL_CHATS, FULL_INTERACTIONS, timestamp};
use super::settings::{Seeding, Settings, TEST_EMAIL, TEST_PASSWORD};
use super::token::{Claims, Signer};

/// More registrations than this are refused.
const ACCOUNTS_MAX: usize = 10_000;

/// All accounts.
pub(super) struct Accounts {
    signer: Signer,
    lifetime_s: u64,
    ids: HashMap<String, usize>,
    /// Seller `id` is at `id - 1`.
    sellers: Vec<Seller>,
}

/// An account.
pub(super) struct Seller {
    pub(super) id: usize,
    pub(super) seeding: Seeding,
    email: String,
    name: String,
    fingerprint: Vec<u8>,
    created_at: u64,
}

/// Why an account was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RegisterError {
    Taken,
    Full,
}

/// Why a log-in failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoginError {
    UnknownEmail,
    WrongPassword,
}

impl Seeding {
    /// The highest interaction id to be seen.
    pub(super) const fn interactions(self) -> usize {
        match self {
            Self::Full => FULL_INTERACTIONS,
            Self::Demo | Self::Chatless => DEMO_INTERACTIONS,
            Self::Empty => 0,
        }
    }

    /// The highest chat id to be seen.
    pub(super) const fn chats(self) -> usize {
        match self {
            Self::Full => FULL_CHATS,
            Self::Demo => DEMO_CHATS,
            Self::Chatless | Self::Empty => 0,
        }
    }
}

impl Accounts {
    /// The built-in test user alone.
    pub(super) fn new(settings: &Settings, now: u64) -> io::Result<Self> {
        let lifetime_s = settings.token_lifetime.as_secs();
        let mut accounts =
            Self { signer: Signer::new()?, lifetime_s, ids: HashMap::new(), sellers: Vec::new() };
        accounts.add(TEST_EMAIL, TEST_PASSWORD, "Load test", now).seeding = settings.seeding;
        Ok(accounts)
    }

    /// A new account without data.
    pub(super) fn register(
        &mut self,
        email: &str,
        password: &str,
        name: &str,
        now: u64,
    ) -> Result<&Seller, RegisterError> {
        if self.ids.contains_key(email) {
            return Err(RegisterError::Taken);
        }
        if self.sellers.len() >= ACCOUNTS_MAX {
            return Err(RegisterError::Full);
        }
        Ok(self.add(email, password, name, now))
    }

    pub(super) fn login(&self, email: &str, password: &str) -> Result<&Seller, LoginError> {
        let seller = self.ids.get(email).and_then(|id| self.seller(*id));
        let seller = seller.ok_or(LoginError::UnknownEmail)?;
        if self.signer.matches(&seller.fingerprint, email, password) {
            Ok(seller)
        } else {
            Err(LoginError::WrongPassword)
        }
    }

    /// Whose token this is, if it is valid at `now` (Unix seconds).
    pub(super) fn bearer(&self, token: &str, now: u64) -> Option<&Seller> {
        let claims = self.signer.verify(token, now)?;
        self.seller(claims.sub.parse().ok()?)
    }

    pub(super) fn seller(&self, id: usize) -> Option<&Seller> {
        self.sellers.get(id.checked_sub(1)?)
    }

    /// Gives the seller the small data set unless it has data; tells whether it did.
    pub(super) fn seed(&mut self, id: usize) -> bool {
        let seller = id.checked_sub(1).and_then(|index| self.sellers.get_mut(index));
        let Some(seller) = seller.filter(|seller| seller.seeding == Seeding::Empty) else {
            return false;
        };
        seller.seeding = Seeding::Demo;
        true
    }

    /// The largest data set any seller has.
    pub(super) fn widest(&self) -> Seeding {
        let all = self.sellers.iter().map(|seller| seller.seeding);
        all.max_by_key(|seeding| (seeding.interactions(), seeding.chats()))
            .unwrap_or(Seeding::Empty)
    }

    /// A fresh token, and the body that hands it over.
    pub(super) fn grant(&self, seller: &Seller, now: u64) -> (String, Value) {
        let token = self.signer.token(&Claims {
            sub: seller.id.to_string(),
            email: seller.email.clone(),
            exp: now.saturating_add(self.lifetime_s),
            iat: now,
        });
        let body = json!({
            "access_token": token,
            "token_type": "bearer",
            "expires_in": self.lifetime_s,
            "seller": seller.describe(),
        });
        (token, body)
    }

    pub(super) const fn lifetime_s(&self) -> u64 {
        self.lifetime_s
    }

    fn add(&mut self, email: &str, password: &str, name: &str, now: u64) -> &mut Seller {
        let index = self.sellers.len();
        self.ids.insert(email.to_owned(), index + 1);
        self.sellers.push(Seller {
            id: index + 1,
            seeding: Seeding::Empty,
            email: email.to_owned(),
            name: name.to_owned(),
            fingerprint: self.signer.fingerprint(email, password),
            created_at: now,
        });
        &mut self.sellers[index]
    }
}

impl Seller {
    pub(super) fn describe(&self) -> Value {
        json!({
            "id": self.id,
            "email": self.email,
            "name": self.name,
            "marketplace": "wildberries",
            "is_active": true,
            "is_verified": false,
            "has_api_credentials": false,
            "sync_status": "idle",
            "sync_error": null,
            "last_sync_at": null,
            "created_at": timestamp(self.created_at),
        })
    }
}
