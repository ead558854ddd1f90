//! A bystander: a connection that says nothing while a request is answered on another, to see whether the
//! server can serve both.
//!
//! A server with one worker that waits for the first connection to speak answers the second only once the
//! first is gone. Under load that would be measured as the server's slowness.

use std::pin::pin;
use std::time::Duration;

use crate::transport::clock::monotonic_ns;
use crate::transport::connect::{Dialed, Dialer};

/// A request that takes longer than this may be waiting for the bystander.
const PATIENCE: Duration = Duration::from_secs(1);
/// It was, if it is answered so soon after the bystander has gone.
const PROMPT: Duration = Duration::from_millis(500);

/// How a server takes connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Serving {
    /// More than one at once, as far as is known.
    #[default]
    Several,
    /// One after the other: while one says nothing, no other is served.
    OneAtATime,
}

/// A connection that says nothing.
pub(super) struct Bystander(Dialed);

impl Bystander {
    /// Opens it; none if that fails, which whoever connects next will find out as well.
    pub(super) async fn open(dialer: &Dialer) -> Option<Self> {
        dialer.dial().await.ok().map(Self)
    }

    /// What comes of `exchange` beside it, and what that tells. It goes when it seems to be in the way.
    pub(super) async fn beside<T>(self, exchange: impl Future<Output = T>) -> (T, Serving) {
        let mut exchange = pin!(exchange);
        if let Ok(done) = tokio::time::timeout(PATIENCE, exchange.as_mut()).await {
            return (done, Serving::Several);
        }
        let Self(silent) = self;
        drop(silent);
        let gone = monotonic_ns();
        let done = exchange.await;
        let prompt = Duration::from_nanos(monotonic_ns() - gone) < PROMPT;
        (done, if prompt { Serving::OneAtATime } else { Serving::Several })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;
    use crate::engine::example::plan;
    use crate::transport::route::Route;

    /// What is found out of a server that serves connections as `serve` does.
    async fn found(serve: fn(TcpListener)) -> (bool, Serving) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let plan = plan(listener.local_addr().unwrap().port());
        std::thread::spawn(move || serve(listener));
        let route = Route::resolve(&plan.origin, &plan.way, None).await.unwrap();
        let dialer = Dialer::new(route, Duration::from_secs(5));
        let bystander = Bystander::open(&dialer).await.unwrap();
        let request = async {
            let stream = std::net::TcpStream::connect(("127.0.0.1", plan.origin.port)).unwrap();
            stream.set_nonblocking(true).unwrap();
            let mut stream = tokio::net::TcpStream::from_std(stream).unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"?").await.unwrap();
            tokio::io::AsyncReadExt::read_u8(&mut stream).await.is_ok()
        };
        bystander.beside(request).await
    }

    fn answer(mut stream: std::net::TcpStream) {
        if matches!(stream.read(&mut [0]), Ok(1)) {
            let _ = stream.write_all(b"!");
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_server_that_waits_for_the_silent_one_serves_one_at_a_time() {
        let in_turn = |listener: TcpListener| {
            listener.incoming().take(2).flatten().for_each(answer);
        };
        assert_eq!(found(in_turn).await, (true, Serving::OneAtATime));
        let at_once = |listener: TcpListener| {
            for stream in listener.incoming().take(2).flatten() {
                std::thread::spawn(|| answer(stream));
            }
        };
        assert_eq!(found(at_once).await, (true, Serving::Several));
    }
}
