//! [`Renewal`]: keeps tokens valid while a load runs, on a thread and connections of its own.
//!
//! When what is renewed is the `Keeper`'s to say; here it is waited for and done.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::engine::keeper::Keeper;
use crate::engine::token_provider::{Token, TokenProvider};
use crate::engine::tokens::Renewed;
use crate::engine::worker_pool::TokenPort;
use crate::measure::auth::AuthCounts;
use crate::transport::clock::{Clock, monotonic_ns};

/// What renewing has come to so far.
#[derive(Clone, Debug, Default)]
pub struct AuthRecord {
    /// How often.
    pub counts: AuthCounts,
    /// Why the latest failure failed; holds nothing secret.
    pub last_failure: Option<String>,
}

impl AuthRecord {
    /// Of tokens that were written down.
    pub fn given(tokens: u64) -> Self {
        Self { counts: AuthCounts { tokens, ..AuthCounts::default() }, last_failure: None }
    }
}

/// Renews tokens until dropped.
pub struct Renewal {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    record: Arc<Mutex<AuthRecord>>,
}

impl Renewal {
    /// Begins to renew `tokens`, which `provider` issued.
    pub fn start(
        provider: TokenProvider,
        tokens: Vec<Token>,
        port: TokenPort,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = oneshot::channel();
        let lives = tokens.iter().map(|token| (token.life, token.age()));
        let keeper = Keeper::new(lives, provider.issuance.rate.gap());
        let counts = keeper.counts;
        let record = Arc::new(Mutex::new(AuthRecord { counts, last_failure: None }));
        let shared = Arc::clone(&record);
        let clock = Clock::starting_at(monotonic_ns());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new().name("auth".to_owned()).spawn(move || {
            runtime.block_on(async {
                let mut renewing =
                    Renewing { provider, tokens, keeper, port, clock, record: shared };
                tokio::select! {
                    () = renewing.go_on() => {}
                    _ = stopped => {}
                }
            });
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread), record })
    }

    /// What it has come to so far.
    pub fn record(&self) -> AuthRecord {
        self.record.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Renewal {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed by its thread.
            let _ = thread.join();
        }
    }
}

struct Renewing {
    provider: TokenProvider,
    tokens: Vec<Token>,
    keeper: Keeper,
    port: TokenPort,
    clock: Clock,
    record: Arc<Mutex<AuthRecord>>,
}

impl Renewing {
    /// Returns once nobody sends any more.
    async fn go_on(&mut self) {
        loop {
            let next = self.keeper.next();
            let due = async {
                match next {
                    Some((token, at)) => {
                        tokio::time::sleep(at.since(self.clock.now())).await;
                        token
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // What is known of rejections decides which is next.
                biased;
                rejection = self.port.rejection() => match rejection {
                    Some(rejection) => self.keeper.rejected(rejection, self.clock.now()),
                    None => return,
                },
                token = due => self.renew(token).await,
            }
        }
    }

    async fn renew(&mut self, token: usize) {
        let means = self.keeper.begin(token, self.clock.now());
        let renewed = self.provider.renew(token, &self.tokens[token], means).await;
        let now = self.clock.now();
        let failure = match renewed {
            Ok(renewed) => {
                let version = self.keeper.renewed(token, now, renewed.life);
                let text = Arc::clone(&renewed.text);
                self.port.replace(&Renewed { token, version, text });
                self.tokens[token] = renewed;
                None
            }
            Err(error) => {
                self.keeper.failed(token, now);
                Some(error.to_string())
            }
        };
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.counts = self.keeper.counts;
        record.last_failure = failure.or_else(|| record.last_failure.take());
    }
}
