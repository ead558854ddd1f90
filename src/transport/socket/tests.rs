//! Sockets of every kind against a peer that writes and reads in pieces of any size.

use std::io::Write as _;
use std::time::Duration;

use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::transport::io::{Backlog, MeasuredIo, Stamps};

/// What a connection may go over.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Tcp,
    Stamped,
    Unix,
}

const KINDS: [Kind; 3] = [Kind::Tcp, Kind::Stamped, Kind::Unix];

/// A connected socket and its peer, which blocks.
async fn pair(
    kind: Kind,
) -> (Socket, Box<dyn std::io::Write + Send>, Box<dyn std::io::Read + Send>) {
    if let Kind::Unix = kind {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let reading = theirs.try_clone().unwrap();
        return (
            Socket::unix(UnixStream::from_std(ours).unwrap()),
            Box::new(theirs),
            Box::new(reading),
        );
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let theirs = listener.accept().unwrap().0;
    let reading = theirs.try_clone().unwrap();
    let clock = Rc::new(KernelClock::default());
    let socket = Socket::tcp(ours, matches!(kind, Kind::Stamped).then_some(&clock));
    (socket, Box::new(theirs), Box::new(reading))
}

fn here<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let bounded = async { tokio::time::timeout(Duration::from_secs(20), future).await };
    runtime.block_on(bounded).expect("nothing that arrives lies unread")
}

/// Byte `place` of whatever is sent.
fn byte(place: usize) -> u8 {
    (place % 251).to_le_bytes()[0]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_arrives_is_read_to_its_end(
        length in prop_oneof![0_usize..2_000, 60_000_usize..70_000, 100_000_usize..600_000],
        pieces in proptest::collection::vec(prop_oneof![1_usize..200, 30_000_usize..200_000], 1..6),
        rooms in proptest::collection::vec(prop_oneof![1_usize..100, 4_000_usize..9_000, 65_000_usize..400_000], 1..6),
    ) {
        // Single bytes would make an arrival of each.
        let pieces: Vec<_> = pieces.iter().map(|&piece| piece.max(length / 200)).collect();
        let rooms: Vec<_> = rooms.iter().map(|&room| room.max(length / 2_000)).collect();
        for kind in KINDS {
            let pieces = pieces.clone();
            let read = here(async {
                let (socket, mut peer, reading) = pair(kind).await;
                let mut io = MeasuredIo::new(socket, Rc::default());
                let writer = std::thread::spawn(move || {
                    let all: Vec<u8> = (0..length).map(byte).collect();
                    let mut rest = all.as_slice();
                    for piece in pieces.iter().cycle() {
                        let (now, later) = rest.split_at((*piece).min(rest.len()));
                        peer.write_all(now).unwrap();
                        rest = later;
                        if rest.is_empty() {
                            break;
                        }
                    }
                    // Kept open: an end would wake the reader whatever it missed.
                    peer
                });
                let mut read = Vec::new();
                for room in rooms.iter().cycle() {
                    if read.len() == length {
                        break;
                    }
                    let mut buffer = vec![0; *room];
                    let bytes = io.read(&mut buffer).await.unwrap();
                    assert!(bytes > 0, "the peer has not closed");
                    read.extend_from_slice(&buffer[..bytes]);
                }
                let peer = writer.join().unwrap();
                drop(peer);
                drop(reading);
                assert_eq!(io.read(&mut [0; 10]).await.unwrap(), 0);
                read
            });
            prop_assert!(read.iter().enumerate().all(|(place, &one)| one == byte(place)), "{kind:?}");
        }
    }
}

#[test]
fn whatever_is_written_arrives_however_slowly_it_is_read() {
    for kind in KINDS {
        here(async {
            let (socket, _peer, mut reading) = pair(kind).await;
            let mut io = MeasuredIo::new(socket, Rc::default());
            let length = 3_000_000;
            let reader = std::thread::spawn(move || {
                let mut all = vec![0; length];
                reading.read_exact(&mut all).unwrap();
                (all, reading)
            });
            let all: Vec<u8> = (0..length).map(byte).collect();
            io.write_all(&all).await.unwrap();
            io.shutdown().await.unwrap();
            let (arrived, mut reading) = reader.join().unwrap();
            assert!(arrived == all, "{kind:?}");
            assert_eq!(reading.read(&mut [0; 10]).unwrap(), 0, "{kind:?}: the end arrives too");
        });
    }
}

#[test]
fn the_queues_of_a_socket_are_seen_from_outside() {
    for kind in KINDS {
        here(async {
            let (socket, mut peer, _reading) = pair(kind).await;
            let stamps = Rc::new(Stamps::default());
            assert_eq!(stamps.backlog(), Backlog::None, "{kind:?}: no socket yet");
            let mut io = MeasuredIo::new(socket, Rc::clone(&stamps));
            assert_eq!(stamps.backlog(), Backlog::None, "{kind:?}");
            peer.write_all(b"hello").unwrap();
            assert_eq!(stamps.backlog(), Backlog::Unread { bytes: 5 }, "{kind:?}");
            io.read_exact(&mut [0; 5]).await.unwrap();
            assert_eq!((stamps.backlog(), stamps.read_bytes()), (Backlog::None, 5), "{kind:?}");
            drop(io);
            assert_eq!(stamps.backlog(), Backlog::None, "{kind:?}: the look keeps nothing open");
        });
    }
}

#[test]
fn the_peers_end_is_seen_also_behind_unread_bytes() {
    for kind in KINDS {
        here(async {
            let (socket, mut peer, reading) = pair(kind).await;
            let watch = socket.watch();
            peer.write_all(b"hello").unwrap();
            while watch.unread() < 5 {
                std::hint::spin_loop();
            }
            assert!(!watch.peer_has_closed(), "{kind:?}");
            drop((peer, reading));
            while !watch.peer_has_closed() {
                std::hint::spin_loop();
            }
            assert_eq!(watch.unread(), 5, "{kind:?}");
        });
    }
}

#[test]
fn a_write_that_waits_for_room_is_the_servers_until_there_is_room() {
    for kind in KINDS {
        here(async {
            let (socket, _peer, mut reading) = pair(kind).await;
            let stamps = Rc::new(Stamps::default());
            let mut io = MeasuredIo::new(socket, Rc::clone(&stamps));
            let all = vec![1; 64 << 20];
            let blocked = tokio::time::timeout(Duration::from_millis(50), io.write_all(&all)).await;
            assert!(blocked.is_err(), "{kind:?}: nobody reads");
            assert_eq!(stamps.backlog(), Backlog::None, "{kind:?}");
            while stamps.backlog() == Backlog::None {
                reading.read_exact(&mut [0; 1 << 14]).unwrap();
            }
            assert_eq!(stamps.backlog(), Backlog::Unwritten, "{kind:?}");
        });
    }
}
