//! The PEM files named by flags.

use std::path::PathBuf;

use crate::commands::environment::read_bounded;
use crate::commands::run::args::TlsArgs;
use crate::transport::tls::{TlsSettings, Verification};

const PEM_BYTES_MAX: u64 = 4 << 20;

/// Reads what --cacert, --cert and --key name; files that cannot be read are mistakes.
pub(super) fn read(args: &TlsArgs, mistakes: &mut Vec<String>) -> TlsSettings {
    let mut pem = |file: &Option<PathBuf>, flag: &str| {
        let text = read_bounded(file.as_deref()?, PEM_BYTES_MAX, flag);
        text.map_err(|failure| mistakes.push(failure.to_string())).ok()
    };
    let chain = pem(&args.cert, "--cert");
    let key = pem(&args.key, "--key");
    TlsSettings {
        authorities: pem(&args.cacert, "--cacert"),
        identity: chain.zip(key),
        verification: if args.insecure { Verification::Off } else { Verification::Full },
    }
}
