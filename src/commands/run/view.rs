//! [`View`]: the live view on the user's terminal, drawn on stderr by a thread of its own.
//!
//! Whoever measures only leaves a second's figures behind a lock; the picture is made and painted here, at
//! most four times a second and when a key is pressed. However the program ends, the terminal is given back
//! as it was.

use std::collections::VecDeque;
use std::io::{self, BufWriter, Stderr};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, poll, read};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use crate::commands::interrupt::Interrupt;
use crate::live::draw::paint;
use crate::live::{Action, Key, Keyboard, State, Subject};
use crate::render::Style;

/// How often the thread looks for something new.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Painting goes out in one piece, so that it never flickers.
const PAGE: usize = 64 * 1024;
/// Lines that are kept to be told again once the view is gone.
const LINES_MAX: usize = 1000;

/// Whether the terminal is the view's.
static TAKEN: AtomicBool = AtomicBool::new(false);
/// The view that is open.
static CURRENT: Mutex<Option<&'static View>> = Mutex::new(None);

/// A view that has been opened.
#[derive(Debug)]
pub(super) struct View {
    shared: Mutex<ViewState>,
    closed: AtomicBool,
}

#[derive(Debug)]
struct ViewState {
    state: State,
    /// Notes and warnings, for the plain screen.
    lines: VecDeque<String>,
}

/// Keeps the view open; dropping it gives the terminal back.
pub(super) struct OpenView {
    view: &'static View,
    thread: Option<JoinHandle<()>>,
}

/// Gives the terminal back if a view has it; from any thread, any number of times.
pub(in crate::commands) fn give_terminal_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // A terminal that is gone needs nothing any more.
        let _ = execute!(io::stderr(), LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
    }
}

impl View {
    /// Takes the terminal and begins to paint. There is one view in the life of a process.
    pub(super) fn open(
        subject: Subject,
        interrupt: &Interrupt,
        style: Style,
    ) -> io::Result<OpenView> {
        let keyboard = Keyboard::new(subject.keys);
        let shared = ViewState { state: State::new(subject), lines: VecDeque::new() };
        // It lives as long as the process, like the terminal it is painted on.
        let view: &'static Self = Box::leak(Box::new(Self {
            shared: Mutex::new(shared),
            closed: AtomicBool::new(false),
        }));
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_terminal_back();
            before(panic);
        }));
        TAKEN.store(true, Ordering::SeqCst);
        let terminal = enable_raw_mode()
            .and_then(|()| execute!(io::stderr(), EnterAlternateScreen))
            .and_then(|()| {
                let page = BufWriter::with_capacity(PAGE, io::stderr());
                Terminal::new(CrosstermBackend::new(page))
            })
            .inspect_err(|_| give_terminal_back())?;
        let painter = Painter { view, terminal, keyboard, interrupt: interrupt.clone(), style };
        let thread = std::thread::Builder::new()
            .name("view".to_owned())
            .spawn(move || painter.paint_until_closed())
            .inspect_err(|_| give_terminal_back())?;
        *current() = Some(view);
        Ok(OpenView { view, thread: Some(thread) })
    }

    /// The view that has the terminal, if one does.
    pub(super) fn current() -> Option<&'static Self> {
        current().filter(|view| view.is_open())
    }

    fn shared(&self) -> MutexGuard<'_, ViewState> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the terminal is still its own.
    fn is_open(&self) -> bool {
        !self.closed.load(Ordering::SeqCst) && TAKEN.load(Ordering::SeqCst)
    }

    /// Tells the view something.
    pub(super) fn tell(&self, tell: impl FnOnce(&mut State)) {
        tell(&mut self.shared().state);
    }

    /// Shows a line, and keeps it for the plain screen.
    pub(super) fn note(&self, text: &str, plain: String) {
        let mut shared = self.shared();
        shared.state.note(text.to_owned());
        if shared.lines.len() == LINES_MAX {
            shared.lines.pop_front();
        }
        shared.lines.push_back(plain);
    }
}

/// No panic can leave a reference half written.
fn current() -> MutexGuard<'static, Option<&'static View>> {
    CURRENT.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for OpenView {
    fn drop(&mut self) {
        *current() = None;
        self.view.closed.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // A panic there has given the terminal back.
            let _ = thread.join();
        }
        give_terminal_back();
        let lines = std::mem::take(&mut self.view.shared().lines);
        for line in lines {
            super::screen::write(&line);
        }
    }
}

struct Painter {
    view: &'static View,
    terminal: Terminal<CrosstermBackend<BufWriter<Stderr>>>,
    keyboard: Keyboard,
    interrupt: Interrupt,
    style: Style,
}

impl Painter {
    fn paint_until_closed(mut self) {
        let mut painted = None;
        let mut keys = true;
        while self.view.is_open() {
            let version = {
                let mut shared = self.view.shared();
                if self.interrupt.control().is_stopping() && !shared.state.is_stopping() {
                    shared.state.stop();
                }
                shared.state.version()
            };
            if painted != Some(version) {
                painted = self.paint().is_ok().then_some(version);
            }
            // Without a keyboard the view is to be looked at only.
            match keys.then(|| poll(LOOK_EVERY)) {
                Some(Ok(true)) => {
                    if self.read() {
                        painted = None;
                    }
                }
                Some(Ok(false)) => {}
                Some(Err(_)) | None => {
                    keys = false;
                    std::thread::park_timeout(LOOK_EVERY);
                }
            }
        }
    }

    fn paint(&mut self) -> io::Result<()> {
        let scene = self.view.shared().state.scene();
        let Self { terminal, keyboard, style, .. } = self;
        terminal.draw(|frame| {
            let area = frame.area();
            paint(&scene, keyboard, *style, area, frame.buffer_mut());
        })?;
        Ok(())
    }

    /// Takes in what was pressed; whether the picture changes with it.
    fn read(&mut self) -> bool {
        match read() {
            Ok(Event::Key(key)) if key.kind != KeyEventKind::Release => {
                self.press(key);
                true
            }
            Ok(Event::Resize(..)) => true,
            _ => false,
        }
    }

    fn press(&mut self, event: KeyEvent) {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        let key = match event.code {
            KeyCode::Char('c') if control => {
                // The terminal hands it over as a key; what it means stands in one place.
                let own = rustix::process::getpid();
                let _ = rustix::process::kill_process(own, rustix::process::Signal::INT);
                return;
            }
            KeyCode::Char(c) if !control => Key::Char(c),
            KeyCode::Enter => Key::Enter,
            KeyCode::Esc => Key::Escape,
            KeyCode::Backspace => Key::Backspace,
            _ => return,
        };
        match self.keyboard.press(key) {
            Some(Action::Stop) => self.interrupt.control().stop(),
            Some(Action::Control(command)) => {
                // One that finds the queue full is pressed again.
                let _ = self.interrupt.control().send(command);
            }
            None => {}
        }
    }
}
