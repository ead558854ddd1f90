//! [`Browser`]: Chromium without a window, driven over the pipe of its own protocol. Dropping it ends it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
const FLAGS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
];
/// A busy machine is slow to start it.
const LIMIT: Duration = Duration::from_mins(1);

/// A page in a browser.
pub(crate) struct Browser {
    child: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    number: u64,
    /// What the page complained of.
    pub(crate) complaints: Vec<String>,
    _profile: TempDir,
}

impl Browser {
    /// Starts one with an empty page; nothing where none is installed.
    #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
    pub(crate) fn start() -> Option<Self> {
        let installed = |name: &str| Command::new(name).arg("--version").output().is_ok();
        let Some(name) = NAMES.into_iter().find(|name| installed(name)) else {
            eprintln!("left out: no Chromium is installed");
            return None;
        };
        let profile = TempDir::new().expect("a temporary folder can be made");
        // It reads commands from descriptor 3 and answers on 4.
        let mut child = Command::new("/bin/sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>&1", name])
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell starts");
        let commands = child.stdin.take().expect("stdin is a pipe");
        let answers = BufReader::new(child.stdout.take().expect("stdout is a pipe"));
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for message in answers.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("messages are JSON");
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let mut browser = Self {
            child,
            commands,
            messages,
            session: None,
            number: 0,
            complaints: Vec::new(),
            _profile: profile,
        };
        let target = browser.call("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", &attach);
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in ["Runtime.enable", "Log.enable", "Page.enable"] {
            browser.call(domain, &json!({}));
        }
        Some(browser)
    }

    /// Opens a file and waits until it is loaded.
    pub(crate) fn open(&mut self, file: &Path) {
        self.call("Page.navigate", &json!({"url": format!("file://{}", file.display())}));
        loop {
            if self.message()["method"] == "Page.loadEventFired" {
                return;
            }
        }
    }

    /// The value of an expression in the page.
    pub(crate) fn value(&mut self, expression: &str) -> Value {
        let words = json!({"expression": expression, "returnByValue": true});
        let result = self.call("Runtime.evaluate", &words);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    /// Moves the pointer to a place of the window.
    pub(crate) fn point(&mut self, x: f64, y: f64) {
        self.call("Input.dispatchMouseEvent", &json!({"type": "mouseMoved", "x": x, "y": y}));
    }

    /// Draws the pointer from one place to another with its button down.
    pub(crate) fn drag(&mut self, from: (f64, f64), to: (f64, f64)) {
        self.point(from.0, from.1);
        self.button("mousePressed", from, 1);
        self.point(f64::midpoint(from.0, to.0), to.1);
        self.point(to.0, to.1);
        self.button("mouseReleased", to, 1);
    }

    /// Clicks twice.
    pub(crate) fn double_click(&mut self, at: (f64, f64)) {
        for count in [1, 2] {
            self.button("mousePressed", at, count);
            self.button("mouseReleased", at, count);
        }
    }

    fn button(&mut self, kind: &str, (x, y): (f64, f64), count: u32) {
        let words = json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": count});
        self.call("Input.dispatchMouseEvent", &words);
    }

    /// Presses a key, named as in `KeyboardEvent.key`.
    pub(crate) fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call("Input.dispatchKeyEvent", &json!({"type": kind, "key": key}));
        }
    }

    /// Shows the page in a window of this width, on `screen` or for `print`, in a colour scheme.
    pub(crate) fn show_as(&mut self, width: u32, media: &str, scheme: &str) {
        let size = json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", &size);
        let scheme = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        let media = json!({"media": media, "features": scheme});
        self.call("Emulation.setEmulatedMedia", &media);
    }

    /// A picture of the window, as PNG in base64.
    pub(crate) fn picture(&mut self) -> String {
        let picture = self.call("Page.captureScreenshot", &json!({"format": "png"}));
        picture["data"].as_str().expect("a picture is text").to_owned()
    }

    fn call(&mut self, method: &str, words: &Value) -> Value {
        self.number += 1;
        let mut command = json!({"id": self.number, "method": method, "params": words});
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let sent = self.commands.write_all(format!("{command}\0").as_bytes());
        sent.expect("the browser takes commands");
        loop {
            let message = self.message();
            if message["id"] == self.number {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
        }
    }

    fn message(&mut self) -> Value {
        let message = self.messages.recv_timeout(LIMIT).expect("the browser answers");
        let told = &message["params"];
        if message["method"] == "Runtime.exceptionThrown"
            || message["method"] == "Log.entryAdded" && told["entry"]["level"] == "error"
            || message["method"] == "Runtime.consoleAPICalled" && told["type"] == "error"
        {
            self.complaints.push(told.to_string());
        }
        message
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Both fail only for one that has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
