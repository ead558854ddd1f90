//! [`Quoted`]: comma-separated values on their way to the parser, which takes a quote that is never closed
//! for a field that goes on to the end.

use std::io::{self, Read};

/// A reader that watches quotes go by.
pub(super) struct Quoted {
    pub(super) input: Box<dyn Read>,
    pub(super) scan: QuoteScan,
}

/// Where in a row the next byte stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    FieldStart,
    Plain,
    /// Between quotes.
    Open,
    /// Behind a quote that closes the field, or is the first half of one in the text.
    MaybeClosed,
}

/// Follows RFC 4180's quotes through a text.
pub(super) struct QuoteScan {
    delimiter: u8,
    state: State,
    line: u64,
    /// The line of the latest quote that opened a field.
    opened: u64,
    ended: bool,
}

impl QuoteScan {
    pub(super) const fn new(delimiter: u8) -> Self {
        Self { delimiter, state: State::FieldStart, line: 1, opened: 0, ended: false }
    }

    /// The line of a quote that was still open at the end of the text.
    pub(super) fn unclosed(&self) -> Option<u64> {
        (self.ended && self.state == State::Open).then_some(self.opened)
    }

    fn push(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (State::FieldStart, b'"') => {
                self.opened = self.line;
                State::Open
            }
            (State::Open, b'"') => State::MaybeClosed,
            (State::Open, _) | (State::MaybeClosed, b'"') => State::Open,
            (_, b'\n' | b'\r') => State::FieldStart,
            (_, byte) if byte == self.delimiter => State::FieldStart,
            _ => State::Plain,
        };
        self.line += u64::from(byte == b'\n');
    }
}

impl Read for Quoted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.scan.ended |= count == 0 && !buffer.is_empty();
        buffer[..count].iter().for_each(|&byte| self.scan.push(byte));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_quote_that_opens_a_field_must_be_closed() {
        let table: [(&str, Option<u64>); 8] = [
            ("a,b\n1,\"x\"\n", None),
            ("a,b\n1,\"x\n2,y\n", Some(2)),
            ("\"x \"\"y\"\" z\nw\",1\n", None),
            ("\"x\n\",1\r\n\"", Some(3)),
            ("\"\"\"", Some(1)),
            ("5\" pipe,6\"\n", None),
            ("\"\",\"a,b\"", None),
            ("", None),
        ];
        for (text, line) in table {
            let input = Box::new(io::Cursor::new(text.to_owned()));
            let mut quoted = Quoted { input, scan: QuoteScan::new(b',') };
            quoted.read_to_end(&mut Vec::new()).unwrap();
            assert_eq!(quoted.scan.unclosed(), line, "{text}");
        }
    }
}
