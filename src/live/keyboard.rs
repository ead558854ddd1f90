//! [`Keyboard`]: what a key means, which depends on whether a mark is being written.

use crate::load::control::ControlCommand;

/// Characters of a mark at most.
const MARK_MAX: usize = 60;

/// A key that was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// One that writes something.
    Char(char),
    /// Return.
    Enter,
    /// Esc.
    Escape,
    /// Rubs out.
    Backspace,
}

/// Which keys there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// All.
    Everything,
    /// Not those that change the pace: a search or stages have a course of their own.
    StopAndMark,
}

/// What a key leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The run is to end.
    Stop,
    /// It is to change.
    Control(ControlCommand),
}

/// The state between keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyboard {
    keys: Keys,
    mark: Option<String>,
    help: bool,
}

impl Keyboard {
    /// Nothing has been pressed yet.
    pub const fn new(keys: Keys) -> Self {
        Self { keys, mark: None, help: false }
    }

    /// Which keys there are.
    pub const fn keys(&self) -> Keys {
        self.keys
    }

    /// The text of the mark that is being written.
    pub fn mark(&self) -> Option<&str> {
        self.mark.as_deref()
    }

    /// Whether help is wanted.
    pub const fn help(&self) -> bool {
        self.help
    }

    /// What `key` leads to, if anything outside.
    pub fn press(&mut self, key: Key) -> Option<Action> {
        match self.mark.take() {
            Some(text) => self.write(text, key),
            None => self.command(key),
        }
    }

    fn write(&mut self, mut text: String, key: Key) -> Option<Action> {
        match key {
            Key::Enter => {
                let text = text.trim();
                return (!text.is_empty())
                    .then(|| Action::Control(ControlCommand::Mark(text.to_owned())));
            }
            Key::Escape => return None,
            Key::Backspace => {
                text.pop();
            }
            Key::Char(c) => {
                if !c.is_control() && text.chars().count() < MARK_MAX {
                    text.push(c);
                }
            }
        }
        self.mark = Some(text);
        None
    }

    fn command(&mut self, key: Key) -> Option<Action> {
        // Whatever is pressed, help has been read.
        let helped = std::mem::take(&mut self.help);
        let Key::Char(c) = key else { return None };
        let order = match (c, self.keys) {
            ('q', _) => return Some(Action::Stop),
            ('m', _) => {
                self.mark = Some(String::new());
                return None;
            }
            ('?' | 'h', _) => {
                self.help = !helped;
                return None;
            }
            ('p' | ' ', Keys::Everything) => ControlCommand::PauseOrResume,
            // The same key without Shift on many keyboards.
            ('+' | '=', Keys::Everything) => ControlCommand::Faster,
            ('-' | '_', Keys::Everything) => ControlCommand::Slower,
            _ => return None,
        };
        Some(Action::Control(order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(keyboard: &mut Keyboard, keys: &str) -> Vec<Action> {
        let key = |c| match c {
            '\n' => Key::Enter,
            '\u{1b}' => Key::Escape,
            '\u{7f}' => Key::Backspace,
            c => Key::Char(c),
        };
        keys.chars().filter_map(|c| keyboard.press(key(c))).collect()
    }

    #[test]
    fn keys_steer_unless_a_mark_is_being_written() {
        use ControlCommand::{Faster, Mark, PauseOrResume, Slower};
        let mark = |text: &str| Mark(text.to_owned());
        let table: [(&str, &[ControlCommand]); 8] = [
            ("+-=_p ", &[Faster, Slower, Faster, Slower, PauseOrResume, PauseOrResume]),
            ("mdeployed v2\n+", &[mark("deployed v2"), Faster]),
            ("mq+p\u{1b}p", &[PauseOrResume]),
            ("mab\u{7f}c\n", &[mark("ac")]),
            ("m  \n", &[]),
            ("m\u{7f}\u{7f}x\ty\n", &[mark("xy")]),
            ("?xyz\n", &[]),
            ("?+", &[Faster]),
        ];
        for (keys, commands) in table {
            let actions = pressed(&mut Keyboard::new(Keys::Everything), keys);
            let expected: Vec<_> = commands.iter().cloned().map(Action::Control).collect();
            assert_eq!(actions, expected, "{keys:?}");
        }
        let long = format!("m{}\n", "ü".repeat(500));
        let text = "ü".repeat(MARK_MAX);
        let marked = pressed(&mut Keyboard::new(Keys::Everything), &long);
        assert_eq!(marked, [Action::Control(mark(&text))]);
    }

    #[test]
    fn a_search_is_stopped_and_marked_but_not_steered() {
        let actions = pressed(&mut Keyboard::new(Keys::StopAndMark), "+-p mx\nq");
        assert_eq!(actions, [Action::Control(ControlCommand::Mark("x".to_owned())), Action::Stop]);
    }

    #[test]
    fn any_key_closes_the_help() {
        let mut keyboard = Keyboard::new(Keys::Everything);
        for (key, open) in [('?', true), ('?', false), ('h', true), ('x', false)] {
            keyboard.press(Key::Char(key));
            assert_eq!(keyboard.help(), open, "{key}");
        }
    }
}
