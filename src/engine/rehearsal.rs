//! [`rehearse`]: the way of an HTTP/1.1 request, gone through before the clock starts.
//!
//! It leads over a pair of sockets within this process: code, caches and allocator are warm when the first
//! slot is due, and the target sees nothing of it.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use crate::engine::prepared::{Prepared, Turn};
use crate::measure::sample::SetUp;
use crate::transport::connect::Dialed;
use crate::transport::exchange::{Exchange, Http1, Link as _, Reuse};
use crate::transport::io::{MeasuredIo, Stamps};
use crate::transport::socket::Socket;
use crate::transport::stream::Stream;

/// What suffices for branches, caches and the allocator to have settled: some milliseconds.
const EXCHANGES: u64 = 200;
/// However slow the machine is.
const TIME_MAX: Duration = Duration::from_millis(100);
const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";

/// Goes through the exchanges of `prepared`, and returns how many there were: fewer than planned where a
/// request is too long to arrive in one piece, or the machine too slow.
pub(super) async fn rehearse(prepared: &Prepared) -> u64 {
    let Ok((ours, theirs)) = UnixStream::pair() else { return 0 };
    let peer = tokio::task::spawn_local(answer(theirs));
    let stamps = Rc::new(Stamps::default());
    let io = MeasuredIo::new(Socket::unix(ours), Rc::clone(&stamps));
    let dialed = Dialed { stream: Stream::Plain(io), stamps, set_up: SetUp::default(), place: 0 };
    let mut done = 0;
    let whole = async {
        let Ok(mut link) = Http1::open(dialed).await else { return };
        while done < EXCHANGES && prepared.len() > 0 {
            let place = usize::try_from(done).unwrap_or(0) % prepared.len();
            let Ok(request) = prepared.request(place, &Turn::rehearsed(done)) else {
                // What it is filled with comes with the load.
                done += 1;
                continue;
            };
            let exchange = link.exchange(request, &mut |_: &Bytes| {}).await;
            if !matches!(exchange, Exchange::Answered { .. })
                || link.settle().await == Reuse::Closed
            {
                return;
            }
            done += 1;
        }
    };
    // Best effort: without it the first slots are a little late, and their lag says so.
    let _ = tokio::time::timeout(TIME_MAX, whole).await;
    peer.abort();
    done
}

/// Answers whatever arrives in one piece.
async fn answer(mut stream: UnixStream) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(1..) = stream.read(&mut piece).await {
        if stream.write_all(ANSWER).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::example;
    use crate::load::request::{Expect, OnEmpty, RequestTemplate, Template};

    fn prepared(body: Option<&str>) -> Prepared {
        let request = RequestTemplate {
            name: "any".into(),
            weight: 1,
            group: None,
            tags: Vec::new(),
            method: http::Method::POST,
            path: Template::literal("/any"),
            headers: Vec::new(),
            body: body.map(|text| Template::literal(text).into()),
            expect: Expect::SUCCESS,
            on_empty: OnEmpty::Fail,
            goals: crate::load::slo::Goals::default(),
        };
        let filled = (Arc::from([]), Arc::default());
        Prepared::new(&[request], &example::plan(9), filled, &[]).expect("a request")
    }

    #[tokio::test(flavor = "local")]
    async fn the_way_is_gone_through_without_the_target() {
        assert_eq!(rehearse(&prepared(None)).await, EXCHANGES);
        assert_eq!(rehearse(&prepared(Some("{\"a\": 1}"))).await, EXCHANGES);
    }

    #[tokio::test(flavor = "local")]
    async fn a_request_too_long_for_it_ends_it_early() {
        assert!(rehearse(&prepared(Some(&"x".repeat(4 << 20)))).await < EXCHANGES);
    }
}
