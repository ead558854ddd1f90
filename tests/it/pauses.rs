//! Pauses of the generator: whoever stops it, the target is not charged with what was noticed afterwards.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::server::{OK, asked};
use crate::support::{Finished, Program, steadfire};
use crate::tls::TlsServer;

const MS: fn(u64) -> Duration = Duration::from_millis;
/// How long each pause of the generator is.
const PAUSE: Duration = Duration::from_millis(200);
/// Slots lie farther apart than a pause is long, so that each leaves on time.
const LOAD: &str = "-r 3 -d 2s --json";

#[expect(clippy::disallowed_methods, reason = "a server that thinks and a stopped process")]
fn wait(time: Duration) {
    thread::sleep(time);
}

/// Runs the program, and stops it for [`PAUSE`] each time that it is told to.
fn stopped(program: Program, stops: &Receiver<()>) -> Finished {
    let run = program.spawn();
    while stops.recv_timeout(MS(1_500)).is_ok() {
        run.signal(Signal::STOP);
        wait(PAUSE);
        run.signal(Signal::CONT);
    }
    run.finish()
}

/// Has the generator stopped while it waits for each answer, which comes 50 ms after the request.
fn think(mut stream: impl Read + Write, stop: &Sender<()>) {
    while asked(&mut stream) {
        wait(MS(10));
        let _ = stop.send(());
        wait(MS(40));
        if stream.write_all(OK).is_err() {
            return;
        }
    }
}

/// Has the generator stopped in the midst of each answer of 16 MB.
fn pour(mut stream: impl Read + Write, stop: &Sender<()>) {
    let part = vec![b'x'; 1 << 20];
    while asked(&mut stream) {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", part.len() * 16);
        let _ = stream.write_all(head.as_bytes());
        let _ = stop.send(());
        wait(MS(5));
        for _ in 0..16 {
            if stream.write_all(&part).is_err() {
                return;
            }
        }
    }
}

/// A server on TCP, each of whose connections is served by `serve`.
fn over_tcp(
    serve: impl Fn(TcpStream, &Sender<()>) + Clone + Send + 'static,
) -> (SocketAddr, Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("a bound listener");
    let (stop, stops) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (serve, stop) = (serve.clone(), stop.clone());
            thread::spawn(move || serve(stream, &stop));
        }
    });
    (address, stops)
}

/// Has the generator stopped at the beginning of each connection that leads to `target` but the first, which
/// only finds out whether there is something.
fn relay_to(target: SocketAddr) -> impl Fn(TcpStream, &Sender<()>) + Clone + Send {
    let probed = Arc::new(AtomicBool::new(false));
    move |near, stop| {
        if probed.swap(true, Ordering::Relaxed) {
            let _ = stop.send(());
        }
        let far = TcpStream::connect(target).expect("the server is up");
        let copy = |mut from: &TcpStream, mut to: &TcpStream| {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        };
        thread::scope(|scope| {
            scope.spawn(|| copy(&near, &far));
            copy(&far, &near);
        });
    }
}

fn over_unix(path: &Path) -> Receiver<()> {
    let listener = UnixListener::bind(path).expect("a free path");
    let (stop, stops) = channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let stop = stop.clone();
            thread::spawn(move || think(stream, &stop));
        }
    });
    stops
}

/// Requires that all was answered, and that no verdict is made of the late answers.
#[track_caller]
fn assert_nobody_is_charged(run: &Finished) {
    let report = run.report();
    assert_eq!(report.fates.ok, report.fates.planned, "{:?}", report.fates);
    assert!(report.response_time.p95 > 150_000_000, "{:?}", report.response_time);
    assert_eq!(run.code, 4, "{}", run.stderr);
}

#[test]
fn an_answer_that_was_read_late_fails_nobody_where_this_program_tells_the_time() {
    let program =
        steadfire(&format!("http://a/ --unix-socket app.sock {LOAD} --slo p95<150ms,errors<1%"));
    let stops = over_unix(&program.home().join("app.sock"));
    assert_nobody_is_charged(&stopped(program, &stops));
    let (address, stops) = over_tcp(think);
    let by = |clock: &str| {
        let slo = "--slo p95<150ms,errors<1%";
        stopped(steadfire(&format!("http://{address}/ {LOAD} {slo} --clock {clock}")), &stops)
    };
    assert_nobody_is_charged(&by("user"));
    let stamped = by("kernel");
    assert_eq!(stamped.code, 0, "the kernel knows better: {}", stamped.stderr);
}

#[test]
fn a_pause_while_a_connection_is_opened_fails_nobody() {
    let server = TlsServer::start();
    let (address, stops) = over_tcp(relay_to(server.addr));
    let flags = "--disable-keepalive --connect-timeout 150ms --slo p95<180ms,errors<1%";
    let url = format!("https://{address}/ -k");
    assert_nobody_is_charged(&stopped(steadfire(&format!("{url} {LOAD} {flags}")), &stops));
}

#[test]
fn a_long_answer_that_had_to_wait_to_be_read_fails_nobody() {
    let (address, stops) = over_tcp(pour);
    let flags = "--timeout 150ms --slo p95<150ms,errors<1%";
    assert_nobody_is_charged(&stopped(
        steadfire(&format!("http://{address}/ {LOAD} {flags}")),
        &stops,
    ));
}
