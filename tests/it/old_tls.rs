//! Servers whose TLS is of yesterday, by `openssl s_server`: weak keys, old versions, no cipher suite in common.
//! Each is named before the load. Left out where there is no OpenSSL of version 3, which it says on stderr.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::steadfire;

/// `openssl s_server`; dropping it ends it.
struct SecureServer {
    child: Child,
    port: String,
}

impl SecureServer {
    /// Shows the certificate in `folder`. `None` where this OpenSSL does not do that.
    fn start(folder: &Path, flags: &str) -> Option<Self> {
        let mut child = Command::new("openssl")
            .args("s_server -accept 127.0.0.1:0 -www -key key.pem -cert cert.pem".split(' '))
            .args(flags.split_whitespace())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        let lines = BufReader::new(child.stdout.take()?).lines().map_while(Result::ok);
        let mut accepting = lines.filter_map(|line| Some(line.strip_prefix("ACCEPT ")?.to_owned()));
        let Some(address) = accepting.next() else {
            // It has ended by itself.
            let _ = child.wait();
            return None;
        };
        let port = address.rsplit(':').next()?.to_owned();
        Some(Self { child, port })
    }
}

impl Drop for SecureServer {
    fn drop(&mut self) {
        // Both fail only for a child that has been waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A certificate for localhost that signs itself, by a key of so many bits.
fn make_certificate(folder: &Path, bits: u32) -> bool {
    let words = format!(
        "req -x509 -newkey rsa:{bits} -nodes -days 2 -subj /CN=localhost -addext \
         subjectAltName=DNS:localhost -keyout key.pem -out cert.pem"
    );
    let mut command = Command::new("openssl");
    command.args(words.split(' ')).current_dir(folder).stdin(Stdio::null());
    command.output().is_ok_and(|output| output.status.success())
}

#[test]
fn what_cannot_be_agreed_on_is_named_before_the_load() {
    let old = "-cipher DEFAULT@SECLEVEL=0";
    let table: [(u32, &str, &[&str]); 5] = [
        (1024, old, &["key", "RSA below 2,048 bits", "issued anew", "-k does not"]),
        (
            2048,
            "-cipher DEFAULT@SECLEVEL=0 -tls1",
            &["neither TLS 1.2 nor TLS 1.3", "older versions"],
        ),
        (2048, "-cipher DEFAULT@SECLEVEL=0 -tls1_1", &["neither TLS 1.2 nor TLS 1.3"]),
        (2048, "-tls1_2 -cipher AES128-SHA", &["no cipher suite", "ECDHE"]),
        (2048, "-tls1_3 -ciphersuites TLS_AES_128_CCM_SHA256", &["no cipher suite", "of today"]),
    ];
    for (bits, flags, words) in table {
        let program = steadfire("");
        let folder = program.home().to_owned();
        let made = make_certificate(&folder, bits);
        let Some(server) =
            Some(()).filter(|()| made).and_then(|()| SecureServer::start(&folder, flags))
        else {
            // Past the test harness, which would swallow what a passing test prints.
            let _ = writeln!(std::io::stderr(), "LEFT OUT, OpenSSL does not do it: {flags}");
            continue;
        };
        let words_of =
            |trust: &str| format!("https://localhost:{}/ -r 50 -n 5 --yes {trust}", server.port);
        // Whether the certificate is trusted or not.
        for trust in ["-k", &format!("--cacert {}", folder.join("cert.pem").display())] {
            steadfire(&words_of(trust)).run().refused(3, words);
        }
    }
}

#[test]
fn a_plain_request_to_a_tls_port_is_told() {
    let program = steadfire("");
    let folder = program.home().to_owned();
    let server = Some(()).filter(|()| make_certificate(&folder, 2048));
    let Some(server) = server.and_then(|()| SecureServer::start(&folder, "")) else { return };
    // On a port of TLS before anything is sent, on another by what comes of it.
    let port = &server.port;
    let usual = format!("http://localhost:8443/ --connect-to ::localhost:{port} -r 50 -n 5");
    steadfire(&usual).run().refused(3, &["localhost:8443 speaks TLS", "https://localhost:8443"]);
    let http2 = format!("http://localhost:{port}/ --http-version 2 -r 50 -n 5");
    steadfire(&http2).run().refused(3, &["speaks TLS", &format!("https://localhost:{port}")]);
    let report = steadfire(&format!("http://localhost:{port}/ -r 50 -n 5 --json")).run().report();
    let findings: Vec<String> = report
        .verdict
        .findings
        .iter()
        .map(|finding| format!("{} → {}", finding.message, finding.remedy))
        .collect();
    assert_eq!(report.fates.transport_error, 5);
    assert!(findings.iter().any(|told| told.contains("https://")), "{findings:?}");
}
