//! Words of a shell's command line (POSIX quoting and bash's `$'…'`), parted into commands.

use crate::import::ImportError;

/// One command: its first line, from 1, and its words.
pub(super) struct Command {
    pub(super) line: usize,
    pub(super) words: Vec<String>,
}

/// Parts a script into commands at line ends, `;`, `&` and `|`. Nothing is expanded: `$NAME` stays.
pub(super) fn commands(script: &str) -> Result<Vec<Command>, ImportError> {
    let mut reader = Reader { rest: script, line: 1 };
    let mut commands = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut first_line = 1;
    loop {
        let ends = reader.skip_blanks();
        if ends && !words.is_empty() {
            commands.push(Command { line: first_line, words: std::mem::take(&mut words) });
        }
        if reader.rest.is_empty() {
            break;
        }
        if ends {
            continue;
        }
        if words.is_empty() {
            first_line = reader.line;
        }
        words.push(reader.word()?);
    }
    if !words.is_empty() {
        commands.push(Command { line: first_line, words });
    }
    Ok(commands)
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next()?;
        self.rest = chars.as_str();
        self.line += usize::from(next == '\n');
        Some(next)
    }

    fn skip(&mut self, bytes: usize) {
        self.line += self.rest[..bytes].matches('\n').count();
        self.rest = &self.rest[bytes..];
    }

    /// Skips what parts words; says whether it parts commands.
    fn skip_blanks(&mut self) -> bool {
        let mut ends = false;
        loop {
            if self.rest.starts_with("\\\n") {
                self.skip(2);
            } else if self.rest.starts_with("\\\r\n") {
                self.skip(3);
            } else if self.rest.starts_with('#') {
                self.skip(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if self.rest.starts_with(['\n', ';', '&', '|']) {
                ends = true;
                self.skip(1);
            } else if self.rest.starts_with([' ', '\t', '\r']) {
                self.skip(1);
            } else {
                return ends;
            }
        }
    }

    fn word(&mut self) -> Result<String, ImportError> {
        let mut word = String::new();
        loop {
            if self.rest.starts_with("$'") {
                self.skip(2);
                self.ansi(&mut word)?;
                continue;
            }
            match self.rest.chars().next() {
                None | Some(' ' | '\t' | '\r' | '\n' | ';' | '&' | '|') => return Ok(word),
                Some('\'') => {
                    self.skip(1);
                    let end = self.rest.find('\'').ok_or_else(|| unclosed(self.line, '\''))?;
                    word.push_str(&self.rest[..end]);
                    self.skip(end + 1);
                }
                Some('"') => {
                    self.skip(1);
                    self.double(&mut word)?;
                }
                Some('\\') => {
                    self.skip(1);
                    match self.next() {
                        None | Some('\n') => {}
                        Some(c) => word.push(c),
                    }
                }
                Some(c) => {
                    word.push(c);
                    self.next();
                }
            }
        }
    }

    fn double(&mut self, word: &mut String) -> Result<(), ImportError> {
        let line = self.line;
        loop {
            match self.next() {
                None => return Err(unclosed(line, '"')),
                Some('"') => return Ok(()),
                Some('\\') => match self.next() {
                    Some('\n') | None => {}
                    Some(c @ ('"' | '\\' | '$' | '`')) => word.push(c),
                    Some(c) => word.extend(['\\', c]),
                },
                Some(c) => word.push(c),
            }
        }
    }

    /// The inside of `$'…'`, which Chrome and Firefox write where a text holds quotes or line breaks.
    fn ansi(&mut self, word: &mut String) -> Result<(), ImportError> {
        let line = self.line;
        // \x and octal escapes are bytes, and several may make one character.
        let mut bytes = Vec::new();
        loop {
            match self.next() {
                None => return Err(unclosed(line, '\'')),
                Some('\'') => break,
                Some('\\') => match self.next() {
                    Some('n') => push(&mut bytes, '\n'),
                    Some('r') => push(&mut bytes, '\r'),
                    Some('t') => push(&mut bytes, '\t'),
                    Some('a') => push(&mut bytes, '\u{7}'),
                    Some('b') => push(&mut bytes, '\u{8}'),
                    Some('f') => push(&mut bytes, '\u{c}'),
                    Some('v') => push(&mut bytes, '\u{b}'),
                    Some('e' | 'E') => push(&mut bytes, '\u{1b}'),
                    Some('u') => push(&mut bytes, self.character(4)),
                    Some('U') => push(&mut bytes, self.character(8)),
                    Some('x') => bytes.push(u8::try_from(self.digits(16, 2)).unwrap_or(b'?')),
                    Some(c) => push(&mut bytes, c),
                    None => return Err(unclosed(line, '\'')),
                },
                Some(c) => push(&mut bytes, c),
            }
        }
        word.push_str(&String::from_utf8_lossy(&bytes));
        Ok(())
    }

    fn character(&mut self, digits: usize) -> char {
        char::from_u32(self.digits(16, digits)).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    fn digits(&mut self, radix: u32, most: usize) -> u32 {
        let taken = self.rest.chars().take(most).take_while(|c| c.is_digit(radix)).count();
        let value = u32::from_str_radix(&self.rest[..taken], radix).unwrap_or(0);
        self.skip(taken);
        value
    }
}

fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

fn unclosed(line: usize, quote: char) -> ImportError {
    ImportError::at_line(
        line,
        format!("the quote {quote} is not closed"),
        "copy the whole command; in Chrome choose 'Copy as cURL (bash)'",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(script: &str) -> Vec<Vec<String>> {
        commands(script).unwrap().into_iter().map(|command| command.words).collect()
    }

    #[test]
    fn quotes_and_line_ends_are_those_of_bash() {
        let table: [(&str, &[&[&str]]); 8] = [
            ("a 'b c' \"d e\" f\\ g", &[&["a", "b c", "d e", "f g"]]),
            ("a \\\n  b\nc; d && e", &[&["a", "b"], &["c"], &["d"], &["e"]]),
            (r#"a "x\"y\n\$""#, &[&["a", "x\"y\\n$"]]),
            (r"a $'it\'s\n\u00fc\xc3\xbc'", &[&["a", "it's\nüü"]]),
            ("a'b'\"c\"$'d'", &[&["abcd"]]),
            ("# nothing\n\n", &[]),
            ("a '' b", &[&["a", "", "b"]]),
            ("a http://h/?x=1#top", &[&["a", "http://h/?x=1#top"]]),
        ];
        for (script, expected) in table {
            assert_eq!(words(script), expected, "{script}");
        }
    }

    #[test]
    fn an_open_quote_is_told_with_its_line() {
        for script in ["a\nb 'c", "a\nb \"c\n", "a\nb $'c", "a\nb $'c\\"] {
            assert_eq!(commands(script).err().unwrap().place, Some((2, None)), "{script}");
        }
    }
}
