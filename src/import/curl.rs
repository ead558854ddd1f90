//! curl commands, as browsers' "Copy as cURL (bash)" and people write them: each command a request.

use base64::Engine as _;

use crate::import::draft::Draft;
use crate::import::multipart::{RecordedContent, RecordedPart, curl_part};
use crate::import::recorded::{Recorded, translate};
use crate::import::shell::{self, Command};
use crate::import::url::Url;
use crate::import::{Choices, ImportError, Writes};
use crate::load::request::push_percent;

/// What a flag of curl means here.
#[derive(Clone, Copy)]
enum Flag {
    Method,
    Header,
    /// `-d`, `--data-ascii`: line ends are taken out of files only.
    Data,
    DataUrlencode,
    Json,
    Form,
    /// `--form-string`: nothing in it is a file.
    FormString,
    Get,
    Head,
    Cookie,
    User,
    Url,
    UserAgent,
    Referer,
    /// Takes no value and changes nothing here.
    Silent,
    /// Takes a value and changes nothing here.
    SilentValue,
    /// No value; `run` has a flag for it.
    Told(&'static str),
    /// A value; `run` has a flag for it.
    ToldValue(&'static str),
}

/// Long name, short name, meaning. Short names are `\0` where there is none.
const FLAGS: &[(&str, char, Flag)] = &[
    ("request", 'X', Flag::Method),
    ("header", 'H', Flag::Header),
    ("data", 'd', Flag::Data),
    ("data-ascii", '\0', Flag::Data),
    ("data-raw", '\0', Flag::Data),
    ("data-binary", '\0', Flag::Data),
    ("data-urlencode", '\0', Flag::DataUrlencode),
    ("json", '\0', Flag::Json),
    ("form", 'F', Flag::Form),
    ("form-string", '\0', Flag::FormString),
    ("get", 'G', Flag::Get),
    ("head", 'I', Flag::Head),
    ("cookie", 'b', Flag::Cookie),
    ("user", 'u', Flag::User),
    ("url", '\0', Flag::Url),
    ("user-agent", 'A', Flag::UserAgent),
    ("referer", 'e', Flag::Referer),
    ("compressed", '\0', Flag::Told("answers come uncompressed; add the header Accept-Encoding")),
    ("location", 'L', Flag::Told("redirects are not followed")),
    ("insecure", 'k', Flag::Told("give -k to run as well")),
    ("http1.1", '\0', Flag::Told("give --http-version 1.1 to run")),
    ("http2", '\0', Flag::Told("give --http-version auto to run")),
    ("http2-prior-knowledge", '\0', Flag::Told("give --http-version 2 to run")),
    ("max-time", 'm', Flag::ToldValue("the time limit is --timeout of run")),
    ("connect-timeout", '\0', Flag::ToldValue("give --connect-timeout to run")),
    ("proxy", 'x', Flag::ToldValue("give --proxy to run")),
    ("cacert", '\0', Flag::ToldValue("give --cacert to run")),
    ("cert", 'E', Flag::ToldValue("give --cert to run")),
    ("key", '\0', Flag::ToldValue("give --key to run")),
    ("resolve", '\0', Flag::ToldValue("give --resolve to run")),
    ("connect-to", '\0', Flag::ToldValue("give --connect-to to run")),
    ("unix-socket", '\0', Flag::ToldValue("give --unix-socket to run")),
    ("upload-file", 'T', Flag::ToldValue("a file is not sent; write the body")),
    ("silent", 's', Flag::Silent),
    ("show-error", 'S', Flag::Silent),
    ("verbose", 'v', Flag::Silent),
    ("include", 'i', Flag::Silent),
    ("fail", 'f', Flag::Silent),
    ("fail-with-body", '\0', Flag::Silent),
    ("no-buffer", 'N', Flag::Silent),
    ("progress-bar", '#', Flag::Silent),
    ("globoff", 'g', Flag::Silent),
    ("output", 'o', Flag::SilentValue),
    ("remote-name", 'O', Flag::Silent),
    ("write-out", 'w', Flag::SilentValue),
    ("cookie-jar", 'c', Flag::SilentValue),
    ("dump-header", 'D', Flag::SilentValue),
    ("retry", '\0', Flag::SilentValue),
];

impl Flag {
    fn takes_value(self) -> bool {
        !matches!(self, Self::Get | Self::Head | Self::Silent | Self::Told(_))
    }
}

/// Translates curl commands.
///
/// # Errors
/// No curl command among them, an open quote, or a command without a URL.
pub fn translate_curl(text: &str, choices: &Choices) -> Result<Draft, ImportError> {
    let remedy =
        "write lines such as: curl 'https://example.com/api' -H 'Accept: application/json'";
    let mut draft = Draft { name: "curl".to_owned(), ..Draft::default() };
    let mut recorded = Vec::new();
    for Command { line, words } in shell::commands(text)? {
        let name = words[0].rsplit('/').next().unwrap_or_default();
        if name == "curl" {
            recorded.push(request(line, &words[1..], &mut draft)?);
        } else if name == "curl.exe" || words.iter().any(|word| word.ends_with('^')) {
            return Err(ImportError::at_line(
                line,
                "a command for the Windows command line",
                "choose 'Copy as cURL (bash)' in the browser",
            ));
        } else {
            draft.note(format!("line {line}: '{name}' is not curl, and is left out"));
        }
    }
    if recorded.is_empty() {
        return Err(ImportError::new("it holds no curl command", remedy));
    }
    draft.origin = match recorded.len() {
        1 => "a curl command".to_owned(),
        count => format!("{count} curl commands"),
    };
    // Commands were written one by one by someone who means them to be sent.
    translate(recorded, draft, &Choices { writes: Writes::Sent, ..choices.clone() })
}

/// What the flags of one command ask for.
struct Asked<'d> {
    /// Of the command, for notes.
    line: usize,
    draft: &'d mut Draft,
    url: Option<String>,
    method: Option<String>,
    /// Of `-H`.
    headers: Vec<(String, String)>,
    /// Of flags that name them, which `-H` replaces.
    named: Vec<(&'static str, String)>,
    data: Vec<String>,
    parts: Vec<RecordedPart>,
    kind: Kind,
    get: bool,
    head: bool,
}

/// What a command's body is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Kind {
    /// As it is given, and a form unless a header says otherwise.
    #[default]
    Data,
    Json,
}

fn request(line: usize, words: &[String], draft: &mut Draft) -> Result<Recorded, ImportError> {
    let mut asked = Asked {
        line,
        draft,
        url: None,
        method: None,
        headers: Vec::new(),
        named: Vec::new(),
        data: Vec::new(),
        parts: Vec::new(),
        kind: Kind::Data,
        get: false,
        head: false,
    };
    let mut words = words.iter().map(String::as_str);
    let mut flags_end = false;
    while let Some(word) = words.next() {
        if word == "--" {
            flags_end = true;
        } else if flags_end || !word.starts_with('-') || word == "-" {
            asked.take_url(word);
        } else if let Some(long) = word.strip_prefix("--") {
            let found = FLAGS.iter().find(|(name, ..)| *name == long);
            match found {
                None => asked.unknown(word),
                Some((.., flag)) => {
                    let value = if flag.takes_value() { words.next() } else { None };
                    asked.apply(*flag, word, value.unwrap_or_default());
                }
            }
        } else {
            asked.short(word, &mut words);
        }
    }
    asked.finish()
}

impl Asked<'_> {
    fn note(&mut self, what: &str) {
        self.draft.note(format!("line {}: {what}", self.line));
    }

    fn unknown(&mut self, flag: &str) {
        self.note(&format!("curl's {flag} is not known here, and is left out"));
    }

    /// `-sXPOST`: several short flags in one word, the last with its value.
    fn short<'w>(&mut self, word: &'w str, words: &mut impl Iterator<Item = &'w str>) {
        let mut letters = word[1..].chars();
        while let Some(letter) = letters.next() {
            let shown = format!("-{letter}");
            let Some((.., flag)) = FLAGS.iter().find(|(_, short, _)| *short == letter) else {
                return self.unknown(&shown);
            };
            if flag.takes_value() {
                let joined = letters.as_str();
                let value = if joined.is_empty() { words.next() } else { Some(joined) };
                return self.apply(*flag, &shown, value.unwrap_or_default());
            }
            self.apply(*flag, &shown, "");
        }
    }

    fn apply(&mut self, flag: Flag, name: &str, value: &str) {
        match flag {
            Flag::Method => self.method = Some(value.to_ascii_uppercase()),
            Flag::Header => self.header(value),
            Flag::Data => self.data(value, name != "--data-raw"),
            Flag::DataUrlencode => self.data_urlencode(value),
            Flag::Json => {
                self.kind = Kind::Json;
                self.data(value, true);
            }
            Flag::Form => match curl_part(value) {
                Some(part) => self.parts.push(part),
                None => self.note("a -F without a name, or whose text is in a file, is left out"),
            },
            Flag::FormString => {
                let (name, text) = value.split_once('=').unwrap_or((value, ""));
                let content = RecordedContent::Text(text.to_owned());
                self.parts.push(RecordedPart { name: name.to_owned(), content });
            }
            Flag::Get => self.get = true,
            Flag::Head => self.head = true,
            Flag::Cookie if value.contains('=') => self.named.push(("Cookie", value.to_owned())),
            Flag::Cookie => self.note("the cookies of a file are not read"),
            Flag::User => {
                let encoded = base64::engine::general_purpose::STANDARD.encode(value);
                self.name_header("Authorization", format!("Basic {encoded}"));
            }
            Flag::Url => self.take_url(value),
            Flag::UserAgent => self.name_header("User-Agent", value.to_owned()),
            Flag::Referer => self.name_header("Referer", value.to_owned()),
            Flag::Silent | Flag::SilentValue => {}
            Flag::Told(hint) | Flag::ToldValue(hint) => {
                self.draft.note(format!("curl's {name} is not part of a profile: {hint}"));
            }
        }
    }

    fn take_url(&mut self, word: &str) {
        if self.url.is_none() {
            self.url = Some(word.to_owned());
        } else {
            self.note("a second URL in one command is left out");
        }
    }

    /// The last one of a name counts.
    fn name_header(&mut self, name: &'static str, value: String) {
        self.named.retain(|(earlier, _)| *earlier != name);
        self.named.push((name, value));
    }

    fn header(&mut self, value: &str) {
        match value.split_once(':') {
            Some((name, value)) if !value.trim().is_empty() => {
                self.headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
            // `Name:` takes a header of curl's own away.
            Some(_) => {}
            None => self.note("a header without a colon is left out"),
        }
    }

    fn data(&mut self, value: &str, reads_files: bool) {
        if reads_files && value.starts_with('@') {
            self.note("the body is in a file that is not read; write it under `body` or `json`");
        } else {
            self.data.push(value.to_owned());
        }
    }

    /// `content`, `=content` and `name=content`; what stands behind @ is a file.
    fn data_urlencode(&mut self, value: &str) {
        if value.contains('@') && !value.contains('=') {
            return self.data("@", true);
        }
        let (name, content) = value.split_once('=').unwrap_or(("", value));
        let mut text = if name.is_empty() { String::new() } else { format!("{name}=") };
        push_percent(content, &mut text);
        self.data.push(text);
    }

    fn finish(mut self) -> Result<Recorded, ImportError> {
        let given = self.url.take().unwrap_or_default();
        let with_scheme = if given.contains("://") { given } else { format!("http://{given}") };
        let mut url = Url::parse(&with_scheme).ok_or_else(|| {
            let cause = "this command has no http or https URL";
            ImportError::at_line(self.line, cause, "write the URL as curl takes it, in quotes")
        })?;
        let data = (!self.data.is_empty()).then(|| self.data.join("&"));
        let default = match (&data, self.get, self.head) {
            (_, _, true) => "HEAD",
            (Some(_), false, _) => "POST",
            _ if !self.parts.is_empty() => "POST",
            _ => "GET",
        };
        if let (Some(data), true) = (&data, self.get) {
            match crate::import::url::decoded_pairs(data) {
                Some(pairs) => url.query.extend(pairs),
                None => self.note("-G with data that is not text"),
            }
        }
        let method = self.method.as_deref().unwrap_or(default);
        let mut recorded = Recorded::new(method, url);
        recorded.body = data.filter(|_| !self.get);
        let is_given =
            |name: &str| self.headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        self.named.retain(|(name, _)| !is_given(name));
        let named = self.named.into_iter().map(|(name, value)| (name.to_owned(), value));
        recorded.headers = named.chain(self.headers).collect();
        recorded.parts = self.parts;
        let typed =
            recorded.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if recorded.body.is_some() && !typed {
            let kind = match self.kind {
                Kind::Json => "application/json",
                Kind::Data => "application/x-www-form-urlencoded",
            };
            recorded.headers.push(("Content-Type".to_owned(), kind.to_owned()));
        }
        Ok(recorded)
    }
}
