//! What exactly broke, in words: of errors of the system, of TLS, hyper and h2.
//!
//! Only what these say themselves is passed on, so nothing that was sent or received can be in it; of a
//! certificate, its names.

use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError};

use crate::measure::failure::Reason;

/// Words for what broke an exchange, from the error that lies deepest.
pub(super) fn of(error: &(dyn Error + 'static)) -> Reason {
    let mut deepest = error;
    loop {
        if let Some(tls) = deepest.downcast_ref::<rustls::Error>() {
            return of_tls(tls);
        }
        let wrapped = deepest.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let inner = wrapped.map(|inner| inner as &(dyn Error + 'static));
        match inner.or_else(|| deepest.source()) {
            Some(inner) => deepest = inner,
            None => break,
        }
    }
    let words = deepest.to_string();
    let reason = Reason::new(&words);
    // What httparse says of an answer that does not begin as one.
    if words == "invalid HTTP version parsed" {
        return reason.with_remedy(
            "what answers there does not speak HTTP/1.1: if it is a TLS port, write https://; if it speaks \
             HTTP/2 alone, give --http-version 2",
        );
    }
    reason
}

/// Words for what broke a TLS handshake or stream.
pub(super) fn of_tls(error: &rustls::Error) -> Reason {
    let (words, remedy) = match error {
        rustls::Error::InvalidCertificate(certificate) => return of_certificate(certificate),
        rustls::Error::AlertReceived(alert) => return of_alert(*alert, error),
        rustls::Error::InvalidMessage(_) => (
            "what answers there does not speak TLS".to_owned(),
            "is it a plain port? Then write http://",
        ),
        rustls::Error::PeerIncompatible(_) => (
            format!("the server offers nothing that this program speaks: {error}"),
            "let it offer TLS 1.2 or 1.3 with a cipher suite of today",
        ),
        // An end of the stream, as it is told by whoever shook hands.
        rustls::Error::General(words) => (words.clone(), "does it speak TLS there?"),
        _ => (error.to_string(), "does it speak TLS there?"),
    };
    Reason::new(&words).with_remedy(remedy)
}

fn of_certificate(error: &CertificateError) -> Reason {
    use CertificateError as Bad;
    let (words, remedy) = match error {
        Bad::Expired | Bad::ExpiredContext { .. } => (
            "the server's certificate has expired".to_owned(),
            "renew it, or check this machine's clock; -k measures all the same",
        ),
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => (
            "the server's certificate is not valid yet".to_owned(),
            "check the clocks of both machines; -k measures all the same",
        ),
        Bad::UnknownIssuer => (
            "the server's certificate was issued by an authority that is not trusted here".to_owned(),
            "name the authority that signed its certificate with --cacert, or accept any with -k",
        ),
        Bad::NotValidForName => (
            "the server's certificate is for another name".to_owned(),
            "call the target by a name of its certificate (--resolve and --connect-to lead it elsewhere), or \
             accept any with -k",
        ),
        Bad::NotValidForNameContext { expected, presented } => {
            let names = if presented.is_empty() { "none".to_owned() } else { presented.join(", ") };
            (
                format!("the server's certificate is not for {} but for {names}", expected.to_str()),
                "call the target by a name of its certificate (--resolve and --connect-to lead it \
                 elsewhere), or accept any with -k",
            )
        }
        Bad::BadSignature
        | Bad::UnsupportedSignatureAlgorithmContext { .. }
        | Bad::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => (
            "a signature of the server's certificate cannot be verified: it is damaged, or by a key or hash \
             that is too weak today, such as RSA below 2,048 bits or SHA-1"
                .to_owned(),
            "have it issued anew with a key of today; -k does not make up for a weak key",
        ),
        _ => (
            format!("the server's certificate is not accepted: {error}"),
            "name the authority that signed its certificate with --cacert, or accept any with -k",
        ),
    };
    Reason::new(&words).with_remedy(remedy)
}

fn of_alert(alert: AlertDescription, error: &rustls::Error) -> Reason {
    let (words, remedy) = match alert {
        AlertDescription::ProtocolVersion => (
            "the server speaks neither TLS 1.2 nor TLS 1.3".to_owned(),
            "let it offer one of them; older versions are not spoken here",
        ),
        AlertDescription::HandshakeFailure | AlertDescription::InsufficientSecurity => (
            "the server has no cipher suite or signature in common with this program".to_owned(),
            "let it offer a cipher suite of today (ECDHE with AES-GCM or ChaCha20); if it wants a client \
             certificate, check --cert and --key",
        ),
        AlertDescription::UnrecognisedName => (
            "the server does not serve this name".to_owned(),
            "call the target by a name that it is set up for; --resolve and --connect-to lead it elsewhere",
        ),
        AlertDescription::CertificateRequired => {
            (error.to_string(), "it wants a client certificate: give --cert and --key")
        }
        _ => (error.to_string(), "if it wants a client certificate, check --cert and --key"),
    };
    Reason::new(&words).with_remedy(remedy)
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::ServerName;

    use super::*;

    #[test]
    fn each_fault_of_tls_is_told_apart_with_what_to_do() {
        let certificate = rustls::Error::InvalidCertificate;
        let wrong_name = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("shop.test").unwrap().to_owned(),
            presented: vec!["a.test".to_owned(), "b.test".to_owned()],
        };
        let table = [
            (certificate(CertificateError::Expired), "has expired", "renew it"),
            (certificate(CertificateError::NotValidYet), "not valid yet", "clocks"),
            (certificate(CertificateError::UnknownIssuer), "not trusted here", "--cacert"),
            (certificate(wrong_name), "not for shop.test but for a.test, b.test", "--resolve"),
            (certificate(CertificateError::BadSignature), "RSA below 2,048 bits", "issued anew"),
            (
                rustls::Error::AlertReceived(AlertDescription::ProtocolVersion),
                "neither TLS 1.2 nor TLS 1.3",
                "older",
            ),
            (
                rustls::Error::AlertReceived(AlertDescription::HandshakeFailure),
                "no cipher suite",
                "cipher suite of today",
            ),
            (
                rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
                "does not speak TLS",
                "http://",
            ),
        ];
        for (error, words, remedy) in table {
            // As hyper and tokio hand it on.
            let wrapped = io::Error::new(io::ErrorKind::InvalidData, error);
            let reason = of(&wrapped);
            assert!(reason.words().contains(words), "{reason:?}");
            assert!(reason.remedy().is_some_and(|told| told.contains(remedy)), "{reason:?}");
        }
    }
}
