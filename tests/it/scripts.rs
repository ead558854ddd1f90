//! The shell scripts that stand for the Locust suite: flags, messages and exit codes, end to end against
//! the demo backend. They need bash and curl, and are left out where these are missing.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use steadfire::demo::{DemoBackend, Seeding, Settings, TEST_EMAIL, TEST_PASSWORD};
use tempfile::TempDir;

use crate::support::steadfire;

/// What a script left.
struct Finished {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Finished {
    /// Requires this end, these words and no password.
    #[track_caller]
    fn ended(&self, code: i32, words: &[&str]) {
        let said = format!("{}{}", self.stdout, self.stderr);
        assert_eq!(self.code, Some(code), "{said}");
        for word in words {
            assert!(said.contains(word), "no '{word}' in:\n{said}");
        }
        for secret in [TEST_PASSWORD, "n3w-p\"ss\\word", "eyJ"] {
            assert!(!said.contains(secret), "a secret in:\n{said}");
        }
    }
}

/// Runs `script` with these words in `home`, without a terminal; `account` is e-mail and password.
fn run(script: &str, words: &str, home: &Path, account: Option<(&str, &str)>) -> Finished {
    let mut command = script_of(script, home);
    command.args(words.split_whitespace());
    if let Some((email, password)) = account {
        command.env("LOAD_TEST_EMAIL", email).env("LOAD_TEST_PASSWORD", password);
    }
    finished(&mut command)
}

/// `script` in `home`, without a terminal or an account.
fn script_of(script: &str, home: &Path) -> Command {
    let mut command = Command::new("bash");
    command
        .arg(format!("{}/scripts/{script}", env!("CARGO_MANIFEST_DIR")))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .env("XDG_STATE_HOME", home)
        .env("STEADFIRE", env!("CARGO_BIN_EXE_steadfire"))
        .current_dir(home)
        .stdin(Stdio::null());
    command
}

fn finished(command: &mut Command) -> Finished {
    let output = command.output().expect("bash starts");
    let text = |bytes| String::from_utf8(bytes).expect("scripts print UTF-8");
    Finished {
        code: output.status.code(),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

fn home() -> TempDir {
    TempDir::new().expect("a temporary folder can be made")
}

fn here() -> bool {
    let present =
        |program| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok();
    present("bash") && present("curl")
}

const ACCOUNT: Option<(&str, &str)> = Some((TEST_EMAIL, TEST_PASSWORD));

#[test]
fn mistakes_end_before_anything_is_sent() {
    if !here() {
        return;
    }
    let home = home();
    let table = [
        ("--help", 0, "--find-max-rps"),
        ("--userz 5", 2, "unknown flag: --userz"),
        ("--users", 2, "--users needs a value"),
        ("--users=", 2, "--users needs a value"),
        ("--users many", 2, "write a whole number"),
        ("--users 5 --rate 5/s", 2, "exclude each other"),
        ("--find-max-rps --users=5", 2, "needs no users"),
        ("--find-max-rps=yes", 2, "takes no value"),
        ("--host localhost", 2, "write http://HOST:PORT"),
        ("", 2, "LOAD_TEST_EMAIL and LOAD_TEST_PASSWORD must be set"),
    ];
    for (words, code, said) in table {
        run("run-load-test.sh", words, home.path(), None).ended(code, &[said]);
    }
    for (words, code, said) in [
        ("--help", 0, "--host URL"),
        ("--users 5", 2, "unknown flag: --users"),
        ("", 2, "must be set"),
    ] {
        run("setup-test-user.sh", words, home.path(), None).ended(code, &[said]);
    }
}

#[test]
fn a_backend_that_is_not_there_is_told_with_its_start() {
    if !here() {
        return;
    }
    let free = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    let words = format!("--host=http://{}", free.local_addr().expect("it is bound"));
    drop(free);
    for script in ["run-load-test.sh", "setup-test-user.sh"] {
        run(script, &words, home().path(), ACCOUNT).ended(3, &["does not answer", "uvicorn"]);
    }
}

#[test]
fn a_fresh_account_is_made_and_then_tested() {
    if !here() {
        return;
    }
    let backend = DemoBackend::start(Settings::default()).expect("a loopback port is free");
    let host = format!("--host http://{}", backend.addr());
    let home = home();
    // Quotes and backslashes survive the file, the JSON and the log-in.
    let file = "# the load test's account\nexport LOAD_TEST_EMAIL=new@example.org # fresh\n\
                LOAD_TEST_PASSWORD='n3w-p\"ss\\word'\n";
    std::fs::write(home.path().join(".env.loadtest"), file).expect("a file can be written");
    let setup = || run("setup-test-user.sh", &host, home.path(), None);
    setup().ended(0, &["registered new@example.org", "demo data is there", "ready"]);
    setup().ended(0, &["new@example.org is registered already", "ready"]);
    let wrong = Some(("new@example.org", "wrong"));
    run("setup-test-user.sh", &host, home.path(), wrong).ended(3, &["has another password"]);
    let words = format!("{host} --users 40 --spawn-rate=100 --duration 2");
    let tested = run("run-load-test.sh", &words, home.path(), None);
    tested.ended(0, &["backend is healthy", "Total Requests: 3", "FINAL RESULT: PASS"]);
    assert!(tested.stdout.starts_with("PASS"), "results alone go to stdout: {}", tested.stdout);
    assert!(tested.stderr.contains("40 users who think for 2 s ask for 20/s"), "{}", tested.stderr);
}

#[test]
fn the_suites_exit_codes_are_kept() {
    if !here() {
        return;
    }
    let backend = DemoBackend::start(Settings::default()).expect("a loopback port is free");
    let home_folder = home();
    let profile = "name: wrong\nrequests:\n  - path: /health\n    expect: {status: 404}\n";
    std::fs::write(home_folder.path().join("wrong.yaml"), profile).expect("a file can be written");
    let words =
        format!("--host http://{} --profile wrong.yaml --rate 40/s --duration 1s", backend.addr());
    run("run-load-test.sh", &words, home_folder.path(), ACCOUNT)
        .ended(1, &["✗ Error rate (100.00%) >= 5% - CRITICAL", "FINAL RESULT: FAIL"]);
    let empty = Settings { seeding: Seeding::Empty, ..Settings::default() };
    let empty = DemoBackend::start(empty).expect("a loopback port is free");
    let words = format!("--host http://{} --rate 40/s --duration 1s", empty.addr());
    run("run-load-test.sh", &words, home().path(), ACCOUNT)
        .ended(3, &["seed the demo data", "scripts/setup-test-user.sh --host http://127.0.0.1:"]);
    let wrong = Some((TEST_EMAIL, "wrong"));
    let words = format!("--host http://{} --rate 40/s --duration 1s", backend.addr());
    run("run-load-test.sh", &words, home().path(), wrong).ended(3, &["401", "setup-test-user.sh"]);
}

#[test]
fn the_host_may_stand_in_the_environment() {
    if !here() {
        return;
    }
    let home = home();
    for script in ["run-load-test.sh", "setup-test-user.sh"] {
        let mut command = script_of(script, home.path());
        command.env("LOAD_TEST_HOST", "nonsense").env("LOAD_TEST_EMAIL", "a@b.c");
        finished(command.env("LOAD_TEST_PASSWORD", "x")).ended(2, &["--host 'nonsense'"]);
    }
}

#[test]
fn the_profile_of_the_guide_passes_its_check() {
    let guide = format!("{}/docs/from-locust.md", env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(guide).expect("the guide can be read");
    let (_, rest) = guide.split_once("```yaml\n").expect("the guide has a profile");
    let (profile, _) = rest.split_once("```").expect("the block ends");
    let program = steadfire("check api.yaml");
    std::fs::write(program.home().join("api.yaml"), profile).expect("a file can be written");
    let finished = program.env("LOAD_TEST_EMAIL", "a").env("LOAD_TEST_PASSWORD", "b").run();
    assert_eq!((finished.code, finished.stderr.as_str()), (0, ""));
    assert!(finished.stdout.contains("75.00 %  list"), "{}", finished.stdout);
}
