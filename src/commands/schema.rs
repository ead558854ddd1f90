//! The verb `schema`: prints the published JSON Schemas.

use std::io::Write as _;

use crate::commands::Failure;
use crate::exit::Exit;
use crate::{profile, report};

/// Which document.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Document {
    /// result.json
    Result,
    /// The profile file
    Profile,
    /// The output of 'compare --json'
    Comparison,
}

/// Print a JSON Schema.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Document to print the schema of
    pub document: Document,
}

/// Prints the schema.
pub fn exec(args: &Args) -> Result<Exit, Failure> {
    let schema = match args.document {
        Document::Result => report::json_schema(),
        Document::Profile => profile::json_schema(),
        Document::Comparison => report::comparison::json_schema(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(Failure::unexpected)?;
    // A closed pipe is no reason to complain.
    let _ = writeln!(anstream::stdout(), "{text}");
    Ok(Exit::Ok)
}
