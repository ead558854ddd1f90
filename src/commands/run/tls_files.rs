//! The PEM files named by flags.

use std::path::PathBuf;

use crate::commands::Failure;
use crate::commands::environment::read_bounded;
use crate::commands::run::Args;
use crate::transport::tls::{TlsSettings, Verification};

const PEM_BYTES_MAX: u64 = 4 << 20;

/// Reads what --cacert, --cert and --key name.
pub(super) fn read(args: &Args) -> Result<TlsSettings, Failure> {
    let pem = |file: &Option<PathBuf>, flag: &str| {
        file.as_deref().map(|path| read_bounded(path, PEM_BYTES_MAX, flag)).transpose()
    };
    let chain = pem(&args.cert, "--cert")?;
    let key = pem(&args.key, "--key")?;
    Ok(TlsSettings {
        authorities: pem(&args.cacert, "--cacert")?,
        identity: chain.zip(key),
        verification: if args.insecure { Verification::Off } else { Verification::Full },
    })
}
