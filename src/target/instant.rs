//! The instant server: one small answer to any request, as cheaply as a socket allows, so that a load generator
//! finds its own limit first.
//!
//! Answers are held back in stalls only. Invariant: every complete request is answered once, in order.

use std::io;
use std::pin::pin;
use std::sync::LazyLock;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;

use super::clock::Clock;
use super::framing::{Framer, Next, Seen};
use super::settings::Stalls;

const ANSWER: &[u8] =
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 59\r\n\r\n\
    {\"status\":\"ok\",\"id\":1,\"items\":[1,2,3],\"server\":\"steadfire\"}";
const BAD_REQUEST: &[u8] =
    b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Answers that go out in one write.
const BATCH: usize = 64;
static ANSWERS: LazyLock<Vec<u8>> = LazyLock::new(|| ANSWER.repeat(BATCH));

/// Serves one connection until its client has gone or, between answers, the server stops.
pub(super) async fn serve(
    mut stream: TcpStream,
    clock: Clock,
    stalls: Option<Stalls>,
    mut stopping: watch::Receiver<()>,
) -> io::Result<()> {
    let mut framer = Framer::default();
    let mut stopped = pin!(stopping.changed());
    loop {
        tokio::select! {
            biased;
            readable = stream.readable() => readable?,
            _ = &mut stopped => return Ok(()),
        }
        // The buffer lives between two waits only, so thousands of connections share the stack's memory.
        let seen = {
            let mut buffer = [0; 16 * 1_024];
            match stream.try_read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(length) => framer.push(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(error),
            }
        };
        let Ok(Seen { complete, next }) = seen else {
            stream.write_all(BAD_REQUEST).await?;
            return stream.shutdown().await;
        };
        if complete > 0 || next == Next::Continue {
            hold(clock, stalls).await;
        }
        answer(&mut stream, complete).await?;
        match next {
            Next::More => {}
            Next::Continue => stream.write_all(GO_ON).await?,
            Next::Close => return stream.shutdown().await,
        }
    }
}

async fn hold(clock: Clock, stalls: Option<Stalls>) {
    let Some(stalls) = stalls else { return };
    let now = clock.now();
    let release = stalls.release(now);
    if release > now {
        clock.sleep_until(release).await;
    }
}

async fn answer(stream: &mut TcpStream, mut count: usize) -> io::Result<()> {
    while count > 0 {
        let now = count.min(BATCH);
        stream.write_all(&ANSWERS[..now * ANSWER.len()]).await?;
        count -= now;
    }
    Ok(())
}
