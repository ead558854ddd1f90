//! Which [`TransportError`] an error of the system, of hyper or of h2 means on an open connection, and the
//! bounds of this program that such an error may come from.

use std::io;

use h2::Reason;

use crate::measure::fate::TransportError;

/// Bound on the header section of an answer, as curl has it.
pub(super) const HEAD_BYTES_MAX: u32 = 300 * 1024;
/// Bound on the fields in it.
pub(super) const HEAD_FIELDS_MAX: usize = 1000;

/// How hyper begins what it says of a chunked body that is past its own bounds. There is no other way to
/// tell such an error from one of the framing, or either from one of TLS: all are invalid data.
const CHUNK_BOUNDS: [&str; 3] = [
    "chunk extensions over limit",
    "chunk trailers bytes over limit",
    "chunk trailers count overflow",
];

/// The kind of failure that a hyper error means.
pub(super) fn of_hyper(error: &hyper::Error) -> TransportError {
    if error.is_parse_too_large() {
        return TransportError::TooLarge;
    }
    if error.is_parse() {
        return TransportError::Protocol;
    }
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(io_error) = inner.downcast_ref::<io::Error>() {
            return of_io(io_error);
        }
        source = inner.source();
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return TransportError::ClosedEarly;
    }
    TransportError::Protocol
}

/// The kind of failure that an h2 error means.
pub(super) fn of_h2(error: &h2::Error) -> TransportError {
    match error.get_io() {
        // What h2 calls the end of a connection that still had streams.
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => TransportError::ClosedEarly,
        Some(error) => of_io(error),
        None if error.is_reset() && error.is_remote() => TransportError::Reset,
        None if error.is_go_away() && error.is_remote() => TransportError::ClosedEarly,
        // Said of nothing but what passes bounds of h2's own, such as that on the number of CONTINUATION
        // frames.
        None if error.is_library() && error.reason() == Some(Reason::ENHANCE_YOUR_CALM) => {
            TransportError::TooLarge
        }
        None => TransportError::Protocol,
    }
}

/// The kind of failure that an error of the system, or of what stands between it and HTTP, means.
pub(super) fn of_io(error: &io::Error) -> TransportError {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::TimedOut => TransportError::Reset,
        io::ErrorKind::UnexpectedEof => TransportError::ClosedEarly,
        io::ErrorKind::InvalidData => of_invalid_data(error),
        _ => TransportError::Protocol,
    }
}

fn of_invalid_data(error: &io::Error) -> TransportError {
    let Some(inner) = error.get_ref() else { return TransportError::Protocol };
    if inner.is::<rustls::Error>() {
        return TransportError::Tls;
    }
    let said = inner.to_string();
    if CHUNK_BOUNDS.contains(&said.as_str()) {
        TransportError::TooLarge
    } else {
        TransportError::Protocol
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_data_is_tls_only_where_tls_says_so() {
        let of = |inner: Box<dyn std::error::Error + Send + Sync>| {
            of_io(&io::Error::new(io::ErrorKind::InvalidData, inner))
        };
        assert_eq!(of(Box::new(rustls::Error::DecryptError)), TransportError::Tls);
        assert_eq!(of("chunk extensions over limit".into()), TransportError::TooLarge);
        assert_eq!(of("invalid chunk extension contains newline".into()), TransportError::Protocol);
        assert_eq!(of_io(&io::ErrorKind::InvalidData.into()), TransportError::Protocol);
    }
}
