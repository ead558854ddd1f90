//! [`serve`]: accepts connections and runs each to its end, until told to stop.
//!
//! Invariant: no error of one connection, and no shortage of file descriptors, ends the server.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::clock::Clock;
use super::host::Host;
use super::http2::{self, Version};
use super::instant;
use super::settings::{Mode, Settings};
use super::strike::Strike;

/// Open exchanges have this long to finish once the server stops.
pub(super) const GRACE: Duration = Duration::from_secs(5);
/// Pause after a failed accept; shorter would spin while file descriptors are short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A listening socket with that backlog, ready for [`TcpListener::from_std`].
pub fn listen(addr: SocketAddr, backlog: u32) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // Lets a restarted server have its port back at once; Windows gives the option another meaning.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Serves until `stop` completes, then lets open exchanges finish for at most 5 s.
///
/// An error only if `settings` can't be, or the system has no randomness.
pub async fn serve(
    listener: TcpListener,
    settings: Settings,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    settings.check().map_err(|fault| io::Error::new(io::ErrorKind::InvalidInput, fault))?;
    match settings.mode {
        Mode::Api => {
            let host = Arc::new(Host::new(&settings)?);
            let keep_alive = settings.keep_alive;
            let on_failure = || host.note_accept_failure();
            let run = |stream, stopping| converse(Arc::clone(&host), stream, keep_alive, stopping);
            accept_until(listener, stop, run, on_failure).await;
        }
        Mode::Instant => {
            let (clock, stalls) = (Clock::start(), settings.stalls);
            let run = |stream, mut stopping| {
                let clock = clock.clone();
                async move {
                    match http2::version(&stream, &mut stopping).await {
                        None => {}
                        Some(Version::Http1) => {
                            // A client that goes away is no error of the server's.
                            let _ = instant::serve(stream, clock, stalls, stopping).await;
                        }
                        Some(Version::Http2) => {
                            let answer = move |_| instant::respond(clock.clone(), stalls);
                            http2::serve(stream, answer, stopping).await;
                        }
                    }
                }
            };
            accept_until(listener, stop, run, || {}).await;
        }
    }
    Ok(())
}

async fn accept_until<Run: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    stop: impl Future<Output = ()>,
    run: impl Fn(TcpStream, watch::Receiver<()>) -> Run,
    on_failure: impl Fn(),
) {
    let (stopper, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            Some(_) = connections.join_next() => {}
            stream = accept(&listener, &on_failure) => {
                connections.spawn(run(stream, stopping.clone()));
            }
        }
    }
    drop(listener);
    stopper.send_replace(());
    let all = async { while connections.join_next().await.is_some() {} };
    // Whatever is left is cut off when the set is dropped.
    let _ = timeout(GRACE, all).await;
}

async fn accept(listener: &TcpListener, on_failure: &impl Fn()) -> TcpStream {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            // Without it small answers may wait for an acknowledgement; a failure costs time only.
            let _ = stream.set_nodelay(true);
            return stream;
        }
        on_failure();
        sleep(ACCEPT_PAUSE).await;
    }
}

/// One connection from its first byte to its end, in the client's version of HTTP.
async fn converse(
    host: Arc<Host>,
    stream: TcpStream,
    keep_alive: Duration,
    mut stopping: watch::Receiver<()>,
) {
    match timeout(keep_alive, http2::version(&stream, &mut stopping)).await {
        // Stopped, or silent for too long.
        Ok(None) | Err(_) => {}
        Ok(Some(Version::Http1)) => exchange(host, stream, keep_alive, stopping).await,
        Ok(Some(Version::Http2)) => {
            let answer = move |request| {
                let host = Arc::clone(&host);
                async move { host.handle(request).await }
            };
            http2::serve(stream, answer, stopping).await;
        }
    }
}

/// One connection of HTTP/1.1 from its first request to its end.
async fn exchange(
    host: Arc<Host>,
    stream: TcpStream,
    keep_alive: Duration,
    mut stopping: watch::Receiver<()>,
) {
    let service = service_fn(move |request| {
        let host = Arc::clone(&host);
        Box::pin(async move { host.handle(request).await })
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // It also runs between requests, hence it is the keep-alive timeout too.
        .header_read_timeout(keep_alive)
        .serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        biased;
        ended = &mut connection => ended,
        _ = stopping.changed() => {
            std::pin::Pin::new(&mut connection).graceful_shutdown();
            (&mut connection).await
        }
    };
    let Err(error) = ended else { return };
    // Any other error is the client's: it went away, fell silent or sent what is not HTTP.
    let Some(strike) = error.source().and_then(|cause| cause.downcast_ref::<Strike>()).cloned()
    else {
        return;
    };
    let stream = connection.into_parts().io.into_inner();
    tokio::select! {
        () = strike.carry_out(stream) => {}
        _ = stopping.changed() => {}
    }
}
