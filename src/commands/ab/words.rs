//! [`words`]: the flags of `ab`, made from those of `run`.

/// Flags of `run` without effect on `ab`, each with what there is instead.
const NOT_HERE: [(&str, &str); 13] = [
    ("duration", "--block says how long a block is"),
    ("requests", "--block says how long a block is"),
    ("stages", "every block has one rate; set it with --rate"),
    ("spawn_rate", "every block has one rate; leave it out"),
    ("current_rate", "a comparison reports no headroom; leave it out"),
    ("replay", "every block has one rate; set it with --rate"),
    ("speed", "every block has one rate; set it with --rate"),
    ("abort_on_fail", "blocks end by their length"),
    ("monitors", "ab looks at answers alone"),
    ("monitor_interval", "ab looks at answers alone"),
    ("prometheus", "ab has no figures of one load to stream"),
    ("otlp", "ab has no figures of one load to stream"),
    ("summary", "a comparison has one form; leave it out"),
];

/// What there is instead of a flag of `run` that has no effect here.
pub(in crate::commands) fn instead(id: &str) -> Option<&'static str> {
    NOT_HERE.iter().find(|(flag, _)| *flag == id).map(|(_, instead)| *instead)
}

/// The verb's words: those of `run`, with another default where the head of a block is meant and without
/// those that have no effect here.
pub(in crate::commands) fn words(command: clap::Command) -> clap::Command {
    let hidden = NOT_HERE
        .iter()
        .fold(command, |command, (name, _)| command.mut_arg(name, |argument| argument.hide(true)));
    hidden
        .mut_arg("warmup", |argument| {
            argument
                .default_value("3s")
                .help("Duration of load at the head of each block that is excluded")
        })
        .mut_arg("find_max_rps", |argument| {
            argument.help("Search for the highest rate of both sides in turns and compare the two")
        })
        .mut_arg("markdown", |argument| {
            argument
                .help("Print the comparison as Markdown, for a pull request, or write it to FILE")
        })
        .mut_arg("effort", |argument| argument.default_value("quick"))
}
