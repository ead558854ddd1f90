//! [`arguments`]: the literals between a function's brackets, as templates on the fast path know them.
//!
//! Whatever is not a literal is left to expressions.

/// An argument.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    Int(i64),
    Float(f64),
    Text(String),
    Name(String),
    List(Vec<Self>),
    Map(Vec<(Self, Self)>),
}

/// Lists in lists are of no use here.
const DEPTH_MAX: usize = 2;

/// The arguments of which `text` is a list; `None` if one of them is no literal.
pub(super) fn arguments(text: &str) -> Option<Vec<Literal>> {
    let mut reader = Reader { rest: text };
    if reader.peek().is_none() {
        return Some(Vec::new());
    }
    let list = reader.items(None, DEPTH_MAX, Reader::literal)?;
    reader.peek().is_none().then_some(list)
}

impl Literal {
    /// As text: text itself, and numbers as they are written.
    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Int(number) => Some(number.to_string()),
            Self::Float(number) => Some(number.to_string()),
            Self::Name(_) | Self::List(_) | Self::Map(_) => None,
        }
    }

    pub(super) fn as_float(&self) -> Option<f64> {
        match self {
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }
}

struct Reader<'t> {
    rest: &'t str,
}

impl Reader<'_> {
    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start();
        self.rest.chars().next()
    }

    fn take(&mut self, wanted: char) -> Option<()> {
        (self.peek()? == wanted).then(|| self.rest = &self.rest[wanted.len_utf8()..])
    }

    /// Items separated by commas, up to `end` or the end of the text.
    fn items<T>(
        &mut self,
        end: Option<char>,
        depth: usize,
        item: impl Fn(&mut Self, usize) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut items = Vec::new();
        while self.peek() != end {
            items.push(item(self, depth)?);
            if self.peek() != end {
                self.take(',')?;
            }
        }
        match end {
            Some(end) => self.take(end).map(|()| items),
            None => Some(items),
        }
    }

    fn literal(&mut self, depth: usize) -> Option<Literal> {
        let deeper = depth.checked_sub(1);
        match self.peek()? {
            quote @ ('"' | '\'') => self.quoted(quote).map(Literal::Text),
            '[' => {
                self.take('[')?;
                self.items(Some(']'), deeper?, Self::literal).map(Literal::List)
            }
            '{' => {
                self.take('{')?;
                self.items(Some('}'), deeper?, Self::pair).map(Literal::Map)
            }
            _ => self.word(),
        }
    }

    fn pair(&mut self, depth: usize) -> Option<(Literal, Literal)> {
        let key = self.literal(depth)?;
        self.take(':')?;
        Some((key, self.literal(depth)?))
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        self.take(quote)?;
        let (inner, rest) = self.rest.split_once(quote)?;
        self.rest = rest;
        // What escapes mean is left to expressions.
        (!inner.contains('\\')).then(|| inner.to_owned())
    }

    fn word(&mut self) -> Option<Literal> {
        let ends = |c: char| c.is_whitespace() || ",]}:".contains(c);
        let (word, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        if let Ok(number) = word.parse() {
            return Some(Literal::Int(number));
        }
        if word.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.') {
            return word.parse().ok().filter(|number: &f64| number.is_finite()).map(Literal::Float);
        }
        super::template::is_name(word).then(|| Literal::Name(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read_and_anything_else_is_not() {
        use Literal::{Float, Int, List, Map, Name};
        let text = |text: &str| Literal::Text(text.into());
        let table = [
            ("", vec![]),
            (" 1 , -2 ", vec![Int(1), Int(-2)]),
            ("0.5,'a b'", vec![Float(0.5), text("a b")]),
            ("ids", vec![Name("ids".into())]),
            ("[\"a\", 'b',]", vec![List(vec![text("a"), text("b")])]),
            ("{'a': 3, b: 1}", vec![Map(vec![(text("a"), Int(3)), (Name("b".into()), Int(1))])]),
        ];
        for (given, expected) in table {
            assert_eq!(arguments(given), Some(expected), "{given}");
        }
        for given in
            ["a b", "1 +", "x(1)", "'a\\n'", "[1", "'a", "[[[1]]]", "1,,2", "{'a'}", "a | b"]
        {
            assert_eq!(arguments(given), None, "{given}");
        }
    }
}
